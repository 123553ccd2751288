/* test_hostile_bytes.c - a peer that sends what no client of ours would: it is told what is wrong,
 * or loses its own connection, and nobody else notices. On both tiers, against a real watd and real
 * hosts. */
#include <stdlib.h>
#include <string.h>

#include "forest.client.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"
#include "tests/lib/daemon.h"
#include "tests/scenario/hand.h"

enum { COUNT, RINGS, PLANT }; /* of forest.Forest */
enum { STATUS, SPAWN = 6 };   /* of wat.node.Node */

#define BYTES(text) text, sizeof(text) - 1

struct grove {
	struct test_daemon daemon;
	wat *client;
	wat_node *node;
	forest_admin *admin;
	char *token;           /* of the bad peer */
	forest_user *innocent; /* another client of the same instance */
	uint64_t planted;
	struct hand control, channel;
};

static forest_user *user(struct grove *g, const char *name, char **ret_token)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	forest_user *given;

	grant.name = name;
	assert_int_equal(forest_provision(g->admin, &grant, &given), 0);
	assert_int_equal(forest_user_token(given, ret_token), 0);
	return given;
}

static int set_up(void **state, uint32_t tier)
{
	struct grove *g = calloc(1, sizeof *g);
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	char *token;

	assert_non_null(g);
	test_daemon_init(&g->daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&g->daemon);
	assert_int_equal(wat_connect(g->daemon.admin_socket, &g->client), 0);
	assert_int_equal(wat_node_open(g->client, &g->node), 0);
	spawn.tier = tier;
	assert_int_equal(forest_spawn(g->node, "forest", &spawn, NULL, &g->admin), 0);
	g->innocent = user(g, "innocent", &token);
	wat_memory_free(token);
	forest_user_free(user(g, "bad", &g->token));
	hand_connect(&g->control, g->daemon.socket);
	hand_greet(&g->control);
	hand_bind_user(&g->control, g->token, &g->channel);
	*state = g;
	return 0;
}

static int set_up_thread(void **state)
{
	return set_up(state, WAT_TIER_THREAD);
}

static int set_up_process(void **state)
{
	return set_up(state, WAT_TIER_PROCESS);
}

static int tear_down(void **state)
{
	struct grove *g = *state;
	forest_state *final = NULL;

	/* One generation, with all that was planted. */
	assert_int_equal(forest_stop(g->admin, &final), 0);
	assert_int_equal(final->planted, g->planted);
	forest_state_free(final);
	assert_false(test_daemon_logged(&g->daemon, "to=backoff"));
	hand_close(&g->channel);
	hand_close(&g->control);
	forest_user_free(g->innocent);
	forest_admin_free(g->admin);
	wat_node_free(g->node);
	wat_free(g->client);
	wat_memory_free(g->token);
	test_daemon_deinit(&g->daemon);
	free(g);
	return 0;
}

/* The innocent client's call is served, and its state is what it made it. */
static void assert_others_go_on(struct grove *g)
{
	forest_tree tree = FOREST_TREE_INIT;
	forest_number *number = NULL;

	if (forest_plant(g->innocent, &tree, &number) != 0)
		fail_msg("the innocent: %s", wat_failure()->text);
	assert_int_equal(number->n, ++g->planted);
	forest_number_free(number);
}

/* The bad peer's channel lives: its next call is answered. */
static void assert_channel_lives(struct grove *g)
{
	uint64_t id = hand_queue_call(&g->channel, COUNT, NULL, 0);

	assert_true(hand_read(&g->channel));
	assert_int_equal(g->channel.frame.type, FRAME_REPLY);
	assert_int_equal(g->channel.frame.id, id);
	assert_int_equal(g->channel.frame.body_len, 2);
	assert_memory_equal(g->channel.body, "\x08\x01", 2);
}

/* A channel in place of one that has ended. */
static void bind_again(struct grove *g)
{
	hand_close(&g->channel);
	hand_bind_user(&g->control, g->token, &g->channel);
}

struct malformed {
	const char *bytes;
	size_t n;
	const char *said;
};

/* A malformed request is INVALID_ARGUMENT with path, expected and got; nothing of it was run, and
 * the channel lives (row 42). */
static void test_malformed_calls(void **state)
{
	static const struct malformed cases[] = {
		{BYTES("\x0a"), "name: expected the rest of a varint, got the end of the message"},
		{BYTES("\x0a\x80"), "name: expected the rest of a varint"},
		{BYTES("\x0a\x05tree"), "name: expected as many bytes as announced"},
		{BYTES("\x0a\xff\xff\xff\xff\x0f"), "name: expected as many bytes as announced"},
		{BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
		 "name: expected at most 5 bytes"},
		{BYTES("\x22\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		 "rings[0]: expected a varint of at most 64 bits"},
		{BYTES("\x08\x01"), "name: expected bytes with a length, got a varint"},
		{BYTES("\x11"
		       "12345678"),
		 "branches[0]: expected bytes with a length, got 8 bytes"},
		{BYTES("\x3a\x01x"), "height: expected 8 bytes, got bytes with a length"},
		{BYTES("\x3d"
		       "1234"),
		 "height: expected 8 bytes, got 4 bytes"},
		{BYTES("\x39"
		       "1234567"),
		 "height: expected 8 bytes"},
		{BYTES("\x0a\x02\xc3\x28"), "name: expected UTF-8"},
		{BYTES("\x0a\x03\xed\xa0\x80"), "name: expected UTF-8"},
		{BYTES("\x0a\x02\xc0\x80"), "name: expected UTF-8"},
		{BYTES("\x0a\x04\xf4\x90\x80\x80"), "name: expected UTF-8"},
		{BYTES("\x0a\x01\x00"), "name: expected UTF-8 without U+0000"},
		{BYTES("\x12\x00\x12\x05\x1a\x03\x0a\x01\xff"),
		 "branches[1].top.name: expected UTF-8"},
		{BYTES("\x2a\x03\x0a\x01\xff"), "grafts[0].key: expected UTF-8"},
		{BYTES("\x2a\x05\x12\x03\x0a\x01\xff"), "grafts[0].value.name: expected UTF-8"},
		{BYTES("\x22\x03\x02\x04\x80"), "rings[2]: expected the rest of a varint"},
		{BYTES("\x1a\x00\x1a\x00"), "top: expected one such field, got another"},
		{BYTES("\x0b\x0c"), "name: expected a wire type of 0, 1, 2 or 5"},
		{BYTES("\x0f"), "name: expected a wire type of 0, 1, 2 or 5"},
		{BYTES("\x00\x00"), "expected a field number of 1"},
		{BYTES("\xff\xff\xff\xff\xff\x01"), "expected at most 5 bytes"},
	};
	struct grove *g = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char said[160];

		snprintf(said, sizeof said, "Plant of forest.Forest: %s", cases[i].said);
		hand_expect_fail(&g->channel,
				 hand_queue_call(&g->channel, PLANT, cases[i].bytes, cases[i].n),
				 WAT_INVALID_ARGUMENT, said);
		assert_channel_lives(g);
		assert_others_go_on(g);
	}
}

/* n trees, each the top of the one around it; a heap array. */
static uint8_t *nest(size_t n, size_t *ret_n)
{
	size_t size = n * 6, length = 0;
	uint8_t *bytes = malloc(size), *at = bytes + size;

	assert_non_null(bytes);
	for (size_t i = 1; i < n; i++) {
		uint8_t head[6] = {0x1a};
		size_t n_head = 1, rest = length;

		for (; rest > 0x7f; rest >>= 7)
			head[n_head++] = (uint8_t)(rest | 0x80);
		head[n_head++] = (uint8_t)rest;
		at -= n_head;
		memcpy(at, head, n_head);
		length += n_head;
	}
	memmove(bytes, at, length);
	*ret_n = length;
	return bytes;
}

static void expect_number(struct grove *g, uint64_t id, const char *varint, size_t n)
{
	assert_true(hand_read(&g->channel));
	assert_int_equal(g->channel.frame.type, FRAME_REPLY);
	assert_int_equal(g->channel.frame.id, id);
	assert_int_equal(g->channel.frame.body_len, n);
	assert_memory_equal(g->channel.body, varint, n);
}

/* Messages nest 64 deep and not deeper: 12,000 levels, which take 42 KB and would overflow the
 * stack of a decoder that recurses, are refused like 65 (row 42). */
static void test_recursion(void **state)
{
	static const size_t depths[] = {WAT_DEPTH_MAX + 1, 12000, 200000};
	struct grove *g = *state;
	size_t n;
	uint8_t *bytes = nest(WAT_DEPTH_MAX, &n);

	expect_number(g, hand_queue_call(&g->channel, COUNT, bytes, n), BYTES("\x08\x40"));
	free(bytes);
	for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
		bytes = nest(depths[i], &n);
		assert_true(n < WAT_BODY_MAX);
		hand_expect_fail(&g->channel, hand_queue_call(&g->channel, PLANT, bytes, n),
				 WAT_INVALID_ARGUMENT, "expected messages at most 64 deep");
		free(bytes);
		assert_channel_lives(g);
		assert_others_go_on(g);
	}
}

/* n bytes: the head, then the element and the NUL behind it as often as they fit. */
static uint8_t *fill(size_t n, const char *head, size_t n_head, const char *element)
{
	uint8_t *bytes = malloc(n);
	size_t n_element = strlen(element) + 1;

	assert_non_null(bytes);
	memcpy(bytes, head, n_head);
	for (size_t i = n_head; i + n_element <= n; i += n_element)
		memcpy(bytes + i, element, n_element);
	return bytes;
}

/* Half a million messages in 1 MiB, or a million numbers, would take more memory than a call may:
 * they are refused, and half of the numbers are not (row 42). */
static void test_huge_counts(void **state)
{
	struct grove *g = *state;
	uint8_t *bytes = fill(WAT_BODY_MAX, "", 0, "\x12");

	hand_expect_fail(&g->channel, hand_queue_call(&g->channel, PLANT, bytes, WAT_BODY_MAX),
			 WAT_RESOURCE_EXHAUSTED, "more memory than a call may");
	free(bytes);
	assert_channel_lives(g);
	/* Packed, with a length of WAT_BODY_MAX - 4. */
	bytes = fill(WAT_BODY_MAX, "\x22\xfc\xff\x3f", 4, "");
	hand_expect_fail(&g->channel, hand_queue_call(&g->channel, PLANT, bytes, WAT_BODY_MAX),
			 WAT_RESOURCE_EXHAUSTED, "more memory than a call may");
	free(bytes);
	assert_others_go_on(g);
	/* 524,288 of them. */
	bytes = fill(4 + 524288, "\x22\x80\x80\x20", 4, "");
	expect_number(g, hand_queue_call(&g->channel, RINGS, bytes, 4 + 524288),
		      BYTES("\x08\x80\x80\x20"));
	free(bytes);
	assert_others_go_on(g);
}

/* A frame that announces more than the limit ends that channel and nothing else: not the connection
 * that it was bound on, not the other clients of the instance (row 41). */
static void test_long_frame_on_channel(void **state)
{
	static const uint32_t lengths[] = {WAT_BODY_MAX + 1, 0x7fffffff, UINT32_MAX};
	struct grove *g = *state;

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t header[FRAME_HEADER_SIZE];

		frame_encode(&(struct frame){.type = FRAME_CALL,
					     .method = PLANT,
					     .id = 1,
					     .body_len = lengths[i]},
			     header);
		hand_queue_bytes(&g->channel, header, sizeof header);
		hand_expect_goaway(&g->channel, WAT_TOO_LARGE);
		assert_others_go_on(g);
		bind_again(g);
		assert_channel_lives(g);
	}
}

/* The same on a control connection: what was bound there goes on, on the channel too (row 41). */
static void test_long_frame_on_control(void **state)
{
	struct grove *g = *state;
	uint8_t header[FRAME_HEADER_SIZE];

	/* After a BIND the limit is that of a state and its envelope. */
	frame_encode(&(struct frame){.type = FRAME_CALL,
				     .id = g->control.last_id + 1,
				     .body_len = WAT_CONTROL_BODY_MAX + 1},
		     header);
	hand_queue_bytes(&g->control, header, sizeof header);
	hand_expect_goaway(&g->control, WAT_TOO_LARGE);
	assert_channel_lives(g);
	assert_others_go_on(g);
	hand_close(&g->control);
	hand_connect(&g->control, g->daemon.socket);
	hand_greet(&g->control);
	bind_again(g);
	assert_channel_lives(g);
}

static void assert_too_large(int r, size_t bytes, size_t cap)
{
	char numbers[2][24];

	assert_int_equal(r, WAT_TOO_LARGE);
	assert_int_equal(wat_failure()->status, WAT_TOO_LARGE);
	snprintf(numbers[0], sizeof numbers[0], "%zu", bytes);
	snprintf(numbers[1], sizeof numbers[1], "%zu", cap);
	for (int i = 0; i < 2; i++)
		if (!strstr(wat_failure()->text, numbers[i]))
			fail_msg("%s is not in \"%s\"", numbers[i], wat_failure()->text);
}

/* A request over the limit is TOO_LARGE, which names its bytes and how many are possible, and the
 * connection lives; one at the limit is served (row 41). */
static void test_large_request(void **state)
{
	struct grove *g = *state;
	forest_tree tree = FOREST_TREE_INIT;
	forest_number *number = NULL;

	/* A tag and a length of three bytes. */
	tree.seed.len = WAT_BODY_MAX - 4 + 1;
	tree.seed.data = calloc(1, tree.seed.len);
	assert_non_null(tree.seed.data);
	assert_too_large(forest_plant(g->innocent, &tree, &number), WAT_BODY_MAX + 1, WAT_BODY_MAX);
	assert_too_large(forest_plant_send(g->innocent, &tree, NULL, NULL), WAT_BODY_MAX + 1,
			 WAT_BODY_MAX);
	tree.seed.len--;
	assert_int_equal(forest_plant(g->innocent, &tree, &number), 0);
	assert_int_equal(number->n, ++g->planted);
	forest_number_free(number);
	free(tree.seed.data);
	assert_others_go_on(g);
}

/* A malformed request on a control connection, or a BIND, says where, and the connection lives
 * (row 42). */
static void test_malformed_control(void **state)
{
	static const struct malformed binds[] = {
		{BYTES("\x12\x05"
		       "tok"),
		 "token: expected as many bytes as announced"},
		{BYTES("\x10\x01"), "token: expected bytes with a length, got a varint"},
		{BYTES("\x08\x80"), "role: expected the rest of a varint"},
	};
	static const struct malformed spawns[] = {
		{BYTES("\x12\x02\xc3\x28"), "Spawn of wat.node.Node: service: expected UTF-8"},
		{BYTES("\x1a\x40"
		       "forest"),
		 "name: expected as many bytes as announced"},
		{BYTES("\x22\x01\x01"), "tier: expected a varint, got bytes with a length"},
		{BYTES("\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "tier: expected"},
	};
	struct grove *g = *state;
	struct hand admin;

	hand_connect(&admin, g->daemon.admin_socket);
	hand_greet(&admin);
	for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
		hand_queue(&admin, (struct frame){.type = FRAME_BIND, .id = ++admin.last_id},
			   binds[i].bytes, binds[i].n);
		hand_expect_fail(&admin, admin.last_id, WAT_INVALID_ARGUMENT, binds[i].said);
	}
	hand_bind_node(&admin);
	for (size_t i = 0; i < sizeof spawns / sizeof *spawns; i++) {
		hand_expect_fail(&admin,
				 hand_queue_call(&admin, SPAWN, spawns[i].bytes, spawns[i].n),
				 WAT_INVALID_ARGUMENT, spawns[i].said);
		(void)hand_queue_call(&admin, STATUS, NULL, 0);
		assert_true(hand_read(&admin));
		assert_int_equal(admin.frame.type, FRAME_REPLY);
		assert_others_go_on(g);
	}
	hand_close(&admin);
}

#define ON_BOTH(test)                                                     \
	{#test " (thread)", test, set_up_thread, tear_down, NULL},        \
	{                                                                 \
#test " (process)", test, set_up_process, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_malformed_calls),       ON_BOTH(test_recursion),
		ON_BOTH(test_huge_counts),           ON_BOTH(test_long_frame_on_channel),
		ON_BOTH(test_long_frame_on_control), ON_BOTH(test_large_request),
		ON_BOTH(test_malformed_control),
	};

	return test_run_cases(tests, NULL, NULL);
}
