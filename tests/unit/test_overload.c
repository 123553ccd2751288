/* test_overload.c - the limits that peers are told of: what is said is what can be configured. */
#include <stdio.h>
#include <string.h>
#include <wat/envelope.pb-c.h>

#include "daemon/config/keys.h"
#include "proto/check.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/overload.h"
#include "proto/status.h"
#include "tests/lib/cases.h"

static bool is_key(const char *name)
{
	const struct config_section_type *watd = &config_types[CONFIG_WATD];

	for (size_t i = 0; i < watd->n_keys; i++)
		if (strcmp(watd->keys[i].name, name) == 0)
			return true;
	return false;
}

/* Each limit names a key of the configuration that is there, but that of descriptors, which is the
 * service manager's; no sentence is cut; a number that nobody knows has a sentence too. */
static void test_texts(void **state)
{
	char text[OVERLOAD_TEXT_MAX], key[64];

	(void)state;
	assert_null(overload_key(OVERLOAD_NONE));
	for (unsigned i = 1; i < OVERLOADS_END; i++) {
		if (!is_key(overload_key(i)) && i != OVERLOAD_DESCRIPTORS)
			fail_msg("there is no key %s", overload_key(i));
		(void)overload_text(i, text);
		snprintf(key, sizeof key, "(%s)", overload_key(i));
		assert_string_equal(text + strlen(text) - strlen(key), key);
	}
	assert_null(overload_key(OVERLOADS_END));
	assert_non_null(strstr(overload_text(250, text), "250"));
}

/* The frame is a GOAWAY as any other. */
static void test_frame(void **state)
{
	uint8_t bytes[OVERLOAD_GOAWAY_MAX];
	char text[OVERLOAD_TEXT_MAX];
	ProtobufCMessage *message;
	const Wat__Envelope__GoAway *goaway;
	struct frame frame;

	(void)state;
	for (unsigned i = 1; i <= OVERLOADS_END; i++) {
		size_t n = overload_goaway(i, bytes);

		assert_int_equal(frame_decode(bytes, WAT_BODY_MAX_UNBOUND, &frame), FRAME_OK);
		assert_int_equal(frame.type, FRAME_GOAWAY);
		assert_int_equal(frame.body_len, n - FRAME_HEADER_SIZE);
		assert_int_equal(check_unpack(&wat__envelope__go_away__descriptor, NULL,
					      bytes + FRAME_HEADER_SIZE, frame.body_len, &message,
					      NULL),
				 0);
		goaway = (const Wat__Envelope__GoAway *)message;
		assert_int_equal(goaway->status, WAT_OVERLOADED);
		assert_string_equal(goaway->failure->text, overload_text(i, text));
		protobuf_c_message_free_unpacked(message, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_frame),
	};

	return test_run_cases(tests, NULL, NULL);
}
