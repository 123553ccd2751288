/* test_failure.c - failures: what a User may know of one, and that its text is always text. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/failure.h"
#include "proto/limits.h"
#include "proto/utf8.h"
#include "tests/lib/cases.h"

static Wat__Envelope__Failure *full(unsigned n)
{
	Wat__Envelope__Failure *failure = failure_new("all of it");
	char service[32];

	for (unsigned i = n; i > 0; i--) {
		const struct failure_cause cause = {
			.kind = i % 2 ? WAT__ENVELOPE__CAUSE_KIND__SIGNAL
				      : WAT__ENVELOPE__CAUSE_KIND__PANIC,
			.service = service,
			.instance = "c1",
			.method = "Get",
			.text = "secret",
			.generation = 3,
			.time_ms = 4,
			.signal = 11,
		};

		(void)snprintf(service, sizeof service, "s.S%u", i);
		assert_int_equal(failure_add_cause(failure, &cause), 0);
	}
	return failure;
}

/* Kind and service of each cause, in the same order, and another sentence. row 49 */
static void test_for_user(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 16; n++) {
		Wat__Envelope__Failure *failure = full(n);
		Wat__Envelope__Failure *told = failure_for_user(failure, "a sentence");
		uint8_t bytes[4096];
		size_t size;

		assert_int_equal(told->n_chain, n);
		assert_string_equal(told->text, "a sentence");
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(told->chain[i]->kind, failure->chain[i]->kind);
			assert_string_equal(told->chain[i]->service, failure->chain[i]->service);
			assert_int_equal(told->chain[i]->generation + told->chain[i]->time_ms +
						 told->chain[i]->signal,
					 0);
		}
		/* Nor in what goes over the wire. */
		size = wat__envelope__failure__pack(told, bytes);
		assert_null(memmem(bytes, size, "secret", 6));
		assert_null(memmem(bytes, size, "c1", 2));
		assert_null(memmem(bytes, size, "Get", 3));
		assert_null(memmem(bytes, size, "all of it", 9));
		failure_free(told);
		failure_free(failure);
	}
}

static void test_for_user_of_nothing(void **state)
{
	Wat__Envelope__Failure *told = failure_for_user(NULL, "a sentence");

	(void)state;
	assert_int_equal(told->n_chain, 0);
	assert_string_equal(told->text, "a sentence");
	failure_free(told);
}

/* Cut in the middle of a character, or never UTF-8: the reader of the message takes it. */
static void test_text(void **state)
{
	char long_text[WAT_FAILURE_TEXT_MAX + 8];
	const struct failure_cause cause = {.text = "bad \xff", .method = "\xc3"};

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		Wat__Envelope__Failure *failure;

		memset(long_text, 'x', sizeof long_text);
		for (size_t i = shift; i + 4 < sizeof long_text; i += 4)
			memcpy(long_text + i, "\xf0\x9f\x99\x82", 4);
		long_text[sizeof long_text - 1] = '\0';
		failure = failure_new("%s", long_text);
		assert_int_equal(failure_add_cause(failure, &cause), 0);
		assert_true(utf8_is_text((const uint8_t *)failure->text, strlen(failure->text)));
		assert_string_equal(failure->chain[0]->text, "bad ?");
		assert_string_equal(failure->chain[0]->method, "?");
		failure_free(failure);
	}
}

/* A peer's chain may be longer than ours ever is; with one more it is as long as any. */
static void test_long_chain(void **state)
{
	/* A failure of 21 empty causes. */
	uint8_t bytes[42];
	const struct failure_cause cause = {.text = "the nearest"};
	Wat__Envelope__Failure *failure;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i += 2)
		memcpy(bytes + i, "\x12\x00", 2);
	failure = wat__envelope__failure__unpack(NULL, sizeof bytes, bytes);
	assert_int_equal(failure->n_chain, 21);
	assert_int_equal(failure_add_cause(failure, &cause), 0);
	assert_int_equal(failure->n_chain, 16);
	assert_string_equal(failure->chain[0]->text, "the nearest");
	failure_free(failure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_for_user),
		cmocka_unit_test(test_for_user_of_nothing),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_chain),
	};

	return test_run_cases(tests, NULL, NULL);
}
