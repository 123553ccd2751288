/* test_dice.c - what wat/test.h promises to authors: the clock and the randomness are the test's,
 * and everything else is as it is under watd. */
/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format on */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dice.test.h"

static int start(dice_harness *test, uint32_t seats)
{
	dice_state state = DICE_STATE_INIT;

	state.seats = seats;
	return dice_harness_start(test, &state);
}

static int begin(void **state)
{
	dice_harness *test = NULL;

	if (dice_harness_new(&test) != 0 || start(test, 2) != 0)
		return -1;
	*state = test;
	return 0;
}

static int end(void **state)
{
	dice_harness_free(*state);
	return 0;
}

static uint64_t take(dice_number *number)
{
	uint64_t n = number->n;

	dice_number_free(number);
	return n;
}

static uint64_t roll(dice_harness *test)
{
	dice_number *number = NULL;

	assert_int_equal(dice_harness_on_roll(test, NULL, &number), WAT_OK);
	return take(number);
}

static uint64_t now(dice_harness *test)
{
	dice_number *number = NULL;

	assert_int_equal(dice_harness_on_now(test, NULL, &number), WAT_OK);
	return take(number);
}

/* The handlers noted exactly these events. */
static void expect_events(dice_harness *test, size_t n, const char *const *expected)
{
	dice_events *seen = NULL;

	assert_int_equal(dice_harness_on_seen(test, NULL, &seen), WAT_OK);
	assert_int_equal(seen->n_events, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(seen->events[i], expected[i]);
	dice_events_free(seen);
}
#define EXPECT(test, ...)                                                                 \
	expect_events(test, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), \
		      (const char *[]){__VA_ARGS__})

/* Time stands still until the test moves it. */
static void test_clock(void **state)
{
	wat_test *base = dice_harness_base(*state);

	assert_true(now(*state) == UINT64_C(1000000000000000000));
	wat_test_advance(base, 5);
	assert_true(now(*state) == UINT64_C(1000000000000000005));
	wat_test_set_time(base, 7);
	assert_true(now(*state) == 7);
	assert_true(now(*state) == 7);
}

/* The same seed gives the same numbers, another one others. */
static void test_seed(void **state)
{
	wat_test *base = dice_harness_base(*state);
	uint64_t first = roll(*state), second = roll(*state);

	assert_true(first != second);
	wat_test_seed(base, 1);
	assert_true(roll(*state) != first);
	wat_test_seed(base, 0);
	assert_true(roll(*state) == first);
	assert_true(roll(*state) == second);
}

/* Users come by their handlers, may be refused, act in their own name, and go. */
static void test_users(void **state)
{
	wat_test *base = dice_harness_base(*state);
	dice_text *who = NULL;

	assert_int_equal(wat_test_provision(base, "ann"), WAT_OK);
	assert_int_equal(wat_test_provision(base, "ann"), WAT_ALREADY_EXISTS);
	assert_int_equal(wat_test_provision(base, "bob"), WAT_OK);
	assert_int_equal(wat_test_provision(base, "eve"), WAT_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(wat_test_text(base), "no seat for eve"));
	assert_int_equal(wat_test_act_as(base, "eve"), WAT_NOT_FOUND);
	assert_int_equal(wat_test_act_as(base, "bob"), WAT_OK);
	assert_int_equal(dice_harness_on_who(*state, NULL, &who), WAT_OK);
	assert_string_equal(who->text, "bob");
	dice_text_free(who);
	assert_int_equal(wat_test_act_as(base, "ann"), WAT_OK);
	assert_int_equal(wat_test_disconnect(base, "bob"), WAT_OK);
	assert_int_equal(wat_test_deprovision(base, "bob"), WAT_OK);
	assert_int_equal(wat_test_deprovision(base, "bob"), WAT_NOT_FOUND);
	EXPECT(*state, "load", "start", "provision ann", "provision bob", "disconnect bob",
	       "deprovision bob");
}

/* A user who is gone calls no more; what it waited for is refused. */
static void test_gone(void **state)
{
	wat_test *base = dice_harness_base(*state);
	uint64_t call = 0;

	assert_int_equal(wat_test_provision(base, "ann"), WAT_OK);
	assert_int_equal(wat_test_act_as(base, "ann"), WAT_OK);
	assert_int_equal(dice_harness_on_wait(*state, NULL, NULL, &call), -EAGAIN);
	assert_int_equal(wat_test_deprovision(base, "ann"), WAT_OK);
	assert_int_equal(dice_harness_on_wait_answer(*state, call, NULL), WAT_ACCESS_DENIED);
	assert_int_equal(dice_harness_on_roll(*state, NULL, NULL), WAT_FAILED_PRECONDITION);
}

/* A call that waits is answered by another one, once; what is open at the end is STOPPED. */
static void test_later(void **state)
{
	dice_number seven = DICE_NUMBER_INIT, *number = NULL;
	uint64_t first = 0, second = 0, third = 0;

	seven.n = 7;
	assert_int_equal(dice_harness_on_wait(*state, NULL, NULL, &first), -EAGAIN);
	assert_int_equal(dice_harness_on_wait(*state, NULL, NULL, &second), -EAGAIN);
	assert_int_equal(dice_harness_on_wait_answer(*state, first, &number), -EAGAIN);
	assert_int_equal(dice_harness_on_tick(*state, &seven, &number), WAT_OK);
	assert_true(take(number) == 2);
	assert_int_equal(dice_harness_on_wait_answer(*state, second, &number), WAT_OK);
	assert_true(take(number) == 7);
	assert_int_equal(dice_harness_on_wait_answer(*state, second, &number), -ENOENT);
	assert_int_equal(dice_harness_on_wait(*state, NULL, NULL, &third), -EAGAIN);
	assert_int_equal(dice_harness_stop(*state, NULL), WAT_OK);
	assert_int_equal(dice_harness_on_wait_answer(*state, third, &number), WAT_STOPPED);
	assert_int_equal(dice_harness_on_wait_answer(*state, first, &number), WAT_OK);
	assert_true(take(number) == 7);
}

/* A panic ends the call with its sentence; the live form is built again from what it was last saved
 * as. */
static void test_panic(void **state)
{
	dice_state *saved = NULL;

	(void)roll(*state);
	assert_int_equal(dice_harness_state(*state, &saved), WAT_OK);
	dice_state_free(saved);
	assert_int_equal(dice_harness_on_panic(*state, NULL, NULL), WAT_SERVER_DIED);
	assert_non_null(strstr(dice_harness_text(*state), "the table fell over"));
	assert_int_equal(dice_harness_state(*state, &saved), WAT_OK);
	assert_int_equal(saved->rolls, 1);
	dice_state_free(saved);
	EXPECT(*state, "load", "start", "load");
}

/* A suspension runs neither Stop nor Start; a stop runs Stop once, and its state starts anew. */
static void test_ends(void **state)
{
	dice_state *final = NULL;

	assert_int_equal(wat_test_crash(dice_harness_base(*state)), WAT_FAILED_PRECONDITION);
	assert_int_equal(wat_test_resume(dice_harness_base(*state)), WAT_OK);
	EXPECT(*state, "load", "start", "load");
	assert_int_equal(dice_harness_stop(*state, &final), WAT_OK);
	assert_int_equal(final->n_events, 4);
	assert_string_equal(final->events[3], "stop");
	assert_int_equal(dice_harness_on_roll(*state, NULL, NULL), WAT_STOPPED);
	assert_int_equal(dice_harness_start(*state, final), WAT_OK);
	assert_int_equal(dice_harness_start(*state, final), WAT_FAILED_PRECONDITION);
	EXPECT(*state, "load", "start", "load", "stop", "load", "start");
	dice_state_free(final);
}

/* A Start that refuses leaves nothing running, and its sentence. */
static void test_start_refuses(void **state)
{
	assert_int_equal(dice_harness_stop(*state, NULL), WAT_OK);
	assert_int_equal(start(*state, 0), WAT_START_FAILED);
	assert_non_null(strstr(dice_harness_text(*state), "a table needs seats"));
	assert_int_equal(dice_harness_on_roll(*state, NULL, NULL), WAT_STOPPED);
	assert_int_equal(start(*state, 1), WAT_OK);
	(void)roll(*state);
}

/* Messages up to the limit pass both ways, and none over it. */
static void test_large(void **state)
{
	size_t n = 1024 * 1024;
	dice_text in = DICE_TEXT_INIT, *out = NULL;

	in.text = calloc(1, n + 1);
	assert_non_null(in.text);
	memset(in.text, 'x', n);
	assert_int_equal(dice_harness_on_echo(*state, &in, &out), WAT_TOO_LARGE);
	in.text[n - 8] = '\0';
	assert_int_equal(dice_harness_on_echo(*state, &in, &out), WAT_OK);
	assert_string_equal(in.text, out->text);
	dice_text_free(out);
	free(in.text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_clock), TEST(test_seed),          TEST(test_users),
		TEST(test_gone),  TEST(test_later),         TEST(test_panic),
		TEST(test_ends),  TEST(test_start_refuses), TEST(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
