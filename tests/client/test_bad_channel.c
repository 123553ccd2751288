/* test_bad_channel.c - a service that breaks the protocol: libwat never crashes, never hangs, never
 * makes of nonsense an answer. Each open call ends with a status. */
#include <stdlib.h>
#include <string.h>

#include "tests/client/fake.h"

/* What is said on the channel after one call came; the call's id is 1. */
struct nonsense {
	const char *what;
	void (*say)(struct stream *channel);
	const char *expected; /* the reply, or NULL: the call must not succeed */
};

static void raw_frame(struct stream *channel, struct frame frame, const char *body)
{
	uint8_t bytes[FRAME_HEADER_SIZE];

	frame_encode(&frame, bytes);
	fake_bytes(channel, bytes, sizeof bytes);
	fake_bytes(channel, body, strlen(body));
}

static void garbage(struct stream *channel)
{
	uint8_t bytes[4096];

	memset(bytes, 0xa5, sizeof bytes);
	fake_bytes(channel, bytes, sizeof bytes);
}

static void http(struct stream *channel)
{
	fake_bytes(channel, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47);
}

static void cut_frame(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_REPLY, .id = 1, .body_len = 100},
		  "ten bytes ");
}

static void never_sent(struct stream *channel)
{
	fake_reply(channel, 99, "stray");
}

static void id_zero(struct stream *channel)
{
	fake_reply(channel, 0, "stray");
}

static void twice(struct stream *channel)
{
	fake_reply(channel, 1, "right");
	fake_reply(channel, 1, "wrong");
}

static void over_long(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_REPLY, .id = 1, .body_len = UINT32_MAX},
		  "");
}

static void reserved(struct stream *channel)
{
	uint8_t bytes[FRAME_HEADER_SIZE];

	frame_encode(&(struct frame){.type = FRAME_REPLY, .id = 1}, bytes);
	bytes[31] = 1;
	fake_bytes(channel, bytes, sizeof bytes);
}

static void unknown(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = 200, .id = 1}, "");
}

static void skippable(struct stream *channel)
{
	raw_frame(channel,
		  (struct frame){.type = 200, .flags = FRAME_FLAG_SKIPPABLE, .body_len = 4},
		  "skip");
	fake_reply(channel, 1, "right");
}

static void no_descriptor(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_REPLY, .flags = FRAME_FLAG_FD, .id = 1},
		  "");
}

static void attached_twice(struct stream *channel)
{
	fake_attached(channel, WAT__ENVELOPE__LANE_STATE__LANE_NEW, 0);
}

static void client_frame(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_CALL, .id = 1}, "");
}

static void bad_go_away(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_GOAWAY, .body_len = 3}, "\xff\xff\xff");
}

static void status_zero(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_FAIL, .id = 1, .budget = 0}, "");
}

static void status_huge(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_FAIL, .id = 1, .budget = UINT32_MAX}, "");
}

static void bad_failure(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_FAIL, .id = 1, .budget = 5, .body_len = 2},
		  "\x0a\x7f");
}

static void ping(struct stream *channel)
{
	raw_frame(channel, (struct frame){.type = FRAME_PING, .id = 7}, "");
	fake_reply(channel, 1, "right");
}

static const struct nonsense all[] = {
	{"garbage", garbage, NULL},
	{"http", http, NULL},
	{"cut_frame", cut_frame, NULL},
	{"never_sent", never_sent, NULL},
	{"id_zero", id_zero, NULL},
	{"twice", twice, "right"},
	{"over_long", over_long, NULL},
	{"reserved", reserved, NULL},
	{"unknown", unknown, NULL},
	{"skippable", skippable, "right"},
	{"no_descriptor", no_descriptor, NULL},
	{"attached_twice", attached_twice, NULL},
	{"client_frame", client_frame, NULL},
	{"bad_go_away", bad_go_away, NULL},
	{"status_zero", status_zero, NULL},
	{"status_huge", status_huge, NULL},
	{"bad_failure", bad_failure, NULL},
	{"ping", ping, "right"},
};

static void one(const struct nonsense *nonsense)
{
	struct fake fake;
	struct stream channel;
	struct outcome call = {0};
	wat *w;
	wat_capability *user;

	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	wat_set_reconnect(w, 0);
	fake_send(user, 0, "x", &call);
	(void)fake_expect(w, &channel, FRAME_CALL);
	nonsense->say(&channel);
	if (nonsense->expected)
		fake_wait(w, &call);
	stream_deinit(&channel);
	fake_wait(w, &call);
	assert_int_equal(call.n, 1);
	if (nonsense->expected)
		assert_string_equal(call.reply, nonsense->expected);
	else if (call.status <= 0)
		fail_msg("%s: status %d", nonsense->what, call.status);
	wat_capability_free(user);
	assert_int_equal(call.n, 1);
	wat_free(w);
	fake_stop(&fake);
}

static void test_nonsense(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		one(&all[i]);
}

/* First words that are none, and lanes that were not asked for: the binding is tried again, and
 * with time for no other try the call ends. */
static void test_bad_attached(void **state)
{
	static const int lanes[] = {WAT__ENVELOPE__LANE_STATE__LANE_RESUMED,
				    WAT__ENVELOPE__LANE_STATE__LANE_NEW, 77};
	struct fake_bind bind;
	struct fake fake;
	struct stream channel;
	struct outcome call = {0};
	wat_capability *user;
	wat *w;

	(void)state;
	fake_start(&fake);
	w = fake_connect(&fake);
	user = fake_user(&fake, w, &channel);
	fake_send(user, 0, "x", &call);
	(void)fake_expect(w, &channel, FRAME_CALL);
	for (size_t i = 0; i < sizeof lanes / sizeof lanes[0]; i++) {
		stream_deinit(&channel);
		fake_next_channel(&fake, w, &channel, &bind);
		assert_int_equal(bind.lane_mode, WAT__ENVELOPE__LANE_MODE__RESUME);
		/* Resumed, but more was applied than was ever sent; new; a lane of no kind. */
		fake_attached(&channel, lanes[i], lanes[i] ? 1000 : 0);
	}
	stream_deinit(&channel);
	fake_next_channel(&fake, w, &channel, &bind);
	garbage(&channel);
	wat_set_reconnect(w, 0);
	fake_wait(w, &call);
	assert_int_equal(call.status, WAT_DISCONNECTED);
	stream_deinit(&channel);
	wat_capability_free(user);
	wat_free(w);
	fake_stop(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_bad_attached),
	};

	return test_run_cases(tests, NULL, NULL);
}
