/* test_flood.c - a million frames that are made worse by chance, the same in each run, against a
 * real watd's sockets and a real host's channels: whatever is a frame is answered, whatever is none
 * ends its connection, and the client that works beside never stops (row 42). */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/check.h"
#include "proto/limits.h"
#include "tests/lib/daemon.h"
#include "tests/scenario/chance.h"
#include "tests/scenario/hand.h"
#include "tests/scenario/innocent.h"

#ifdef WAT_DEBUG
#define N_FRAMES 250000u /* everything takes several times as long there */
#else
#define N_FRAMES 1000000u
#endif
#define ROUND_MAX 1000u  /* frames of one connection */
#define BODY_MAX 1000u   /* under the limit before the first BIND */
#define STATUSES_MAX 64u /* of those that are counted */
#define MAY_CALL 3u      /* the methods but Plant: what is planted, the innocent planted */
#define NODE_METHODS 9u  /* of wat.node.Node */
#define NOBODYS (UINT64_C(1) << 40)

struct flood {
	struct test_daemon daemon;
	struct innocent innocent;
	char *token; /* of the User that floods */
	struct chance chance;
	size_t n_frames;
	size_t n_answers[STATUSES_MAX], n_goaways;
};

/* A connection or channel of the flood. */
struct flow {
	struct flood *flood;
	struct hand *hand;
	bool channel;
	uint32_t handle;          /* 0: nothing is bound */
	size_t n_methods;         /* that there are */
	bool open[ROUND_MAX + 2]; /* by id: not answered yet */
	size_t n_open, n_pings;
	uint64_t last_answered;
};

static void on_answer(struct flow *flow, uint32_t status)
{
	uint64_t id = flow->hand->frame.id;

	assert_true(id <= ROUND_MAX + 1 && flow->open[id]);
	/* A channel answers in the order of the calls. */
	assert_true(!flow->channel || id > flow->last_answered);
	flow->last_answered = id;
	flow->open[id] = false;
	flow->n_open--;
	assert_true(status < STATUSES_MAX);
	flow->flood->n_answers[status]++;
}

static void check_body(const struct hand *hand, const ProtobufCMessageDescriptor *descriptor)
{
	assert_int_equal(check_message(descriptor, hand->body, hand->frame.body_len, NULL), 0);
	assert_true(hand->frame.body_len > 0);
}

/* Whatever comes is one of the answers that are due; false at the end of the stream. */
static bool read_answer(struct flow *flow)
{
	struct hand *hand = flow->hand;
	int r = hand_turn(hand);

	if (r <= 0)
		return r == 0;
	switch (hand->frame.type) {
	case FRAME_REPLY:
	case FRAME_BOUND:
		on_answer(flow, WAT_OK);
		return true;
	case FRAME_FAIL:
		check_body(hand, &wat__envelope__failure__descriptor);
		on_answer(flow, hand->frame.budget);
		return true;
	case FRAME_PONG:
		assert_true(flow->n_pings-- > 0);
		return true;
	case FRAME_GOAWAY:
		check_body(hand, &wat__envelope__go_away__descriptor);
		flow->flood->n_goaways++;
		return true;
	default:
		fail_msg("frame type %u", hand->frame.type);
		return false;
	}
}

/* Bytes of a message that is one, made worse more often than not. */
static size_t make_body(struct chance *chance,
			const char *const *seeds,
			size_t n_seeds,
			uint8_t *body)
{
	const char *seed = seeds[chance_below(chance, n_seeds)];
	size_t n = strlen(seed);

	memcpy(body, seed, n);
	if (chance_below(chance, 16) == 0) {
		n = chance_below(chance, BODY_MAX);
		chance_fill(chance, body, n);
	} else if (chance_below(chance, 4) > 0) {
		n = chance_mutate(chance, body, n, BODY_MAX);
	}
	return n;
}

/* Trees; and, as good as anything else, requests to watd. */
static const char *const trees[] = {
	"",
	"\x0a\x03oak\x12\x05\x0a\x03"
	"ash\x1a\x07\x12\x05\x0a\x03"
	"elm",
	"\x22\x04\x02\x04\x06\x08\x32\x03"
	"abc\x39\x01\x02\x03\x04\x05\x06\x07\x08",
	"\x2a\x0c\x0a\x03"
	"fir\x12\x05\x0a\x03yew\x2a\x05\x0a\x03"
	"bay",
	"\x1a\x0c\x1a\x0a\x1a\x08\x1a\x06\x1a\x04\x1a\x02\x1a",
};
static const char *const requests[] = {
	"",
	"\x08\x01",
	"\x0a\x06"
	"nobody",
	"\x0a\x10"
	"0123456789abcdef\x12\x07no.Such\x1a\x06nobody\x20\x02\x2a\x02\x08\x01",
	"\x08\x02\x12\x06"
	"a.user\x18\x01",
};
#define N(seeds) (sizeof(seeds) / sizeof *(seeds))

/* NULL body: a token that was genuine but for a bit. */
static size_t make_bind(struct flow *flow, uint8_t *body)
{
	struct chance *chance = &flow->flood->chance;
	uint64_t id;
	size_t n = hand_bind_body(flow->hand, flow->flood->token, body, &id);

	if (chance_below(chance, 2))
		return chance_mutate(chance, body, n, BODY_MAX);
	body[chance_below(chance, n)] ^= (uint8_t)(1u << chance_below(chance, 8));
	return n;
}

static void queue_call(struct flow *flow)
{
	struct chance *chance = &flow->flood->chance;
	struct frame frame = {.type = FRAME_CALL,
			      .method = (uint16_t)chance_below(chance, flow->n_methods + 1),
			      .id = ++flow->hand->last_id,
			      .handle = flow->handle,
			      .budget = (uint32_t)chance_next(chance) | 0x10000u};
	uint8_t body[BODY_MAX];
	size_t n = flow->channel ? make_body(chance, trees, N(trees), body)
				 : make_body(chance, requests, N(requests), body);

	if (chance_below(chance, 32) == 0)
		frame.method = (uint16_t)chance_next(chance);
	if (!flow->channel && chance_below(chance, 8) == 0)
		frame.handle = (uint32_t)chance_next(chance);
	hand_queue(flow->hand, frame, body, n);
	flow->open[frame.id] = true;
	flow->n_open++;
}

static void queue_bind(struct flow *flow)
{
	uint8_t body[BODY_MAX];
	size_t n = make_bind(flow, body);
	struct frame frame = {.type = FRAME_BIND, .id = flow->hand->last_id};

	hand_queue(flow->hand, frame, body, n);
	flow->open[frame.id] = true;
	flow->n_open++;
}

/* What has no answer. */
static void queue_other(struct flow *flow)
{
	static const uint8_t types[] = {FRAME_PONG, FRAME_CANCEL, FRAME_PING, 76, 77, 255};
	struct chance *chance = &flow->flood->chance;
	struct frame frame = {.type = types[chance_below(chance, sizeof types)],
			      .flags = FRAME_FLAG_SKIPPABLE,
			      .method = (uint16_t)chance_next(chance),
			      .id = NOBODYS + chance_below(chance, 1000),
			      .handle = (uint32_t)chance_next(chance),
			      .budget = (uint32_t)chance_next(chance),
			      .window = (uint32_t)chance_next(chance)};
	uint8_t body[BODY_MAX];
	size_t n = chance_below(chance, 64);

	chance_fill(chance, body, n);
	hand_queue(flow->hand, frame, body, n);
	if (frame.type == FRAME_PING)
		flow->n_pings++;
}

static void queue_frame(struct flow *flow)
{
	size_t kind = chance_below(&flow->flood->chance, 100);

	if (kind < 2 && !flow->channel)
		queue_bind(flow);
	else if (kind < 75)
		queue_call(flow);
	else
		queue_other(flow);
	flow->flood->n_frames++;
}

/* A frame that brings a descriptor, which nobody asked for. */
static void queue_descriptor(struct flow *flow)
{
	struct frame frame = {.type = FRAME_PING, .id = NOBODYS};
	int fd = fcntl(flow->hand->stream.fd, F_DUPFD_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(stream_queue(&flow->hand->stream, &frame, NULL, 0, fd), 0);
	hand_flush(flow->hand);
}

/* The last bytes of a connection: hardly a frame. */
static void queue_wild(struct flow *flow)
{
	struct chance *chance = &flow->flood->chance;
	struct frame frame = {.type = FRAME_CALL, .id = ++flow->hand->last_id, .body_len = 40};
	uint8_t bytes[200];
	size_t n = FRAME_HEADER_SIZE + chance_below(chance, sizeof bytes - FRAME_HEADER_SIZE);

	if (chance_below(chance, 8) == 0)
		queue_descriptor(flow);
	chance_fill(chance, bytes, n);
	if (chance_below(chance, 4) > 0) {
		/* It may still be one: then it is answered. */
		flow->open[frame.id] = true;
		flow->n_open++;
		frame_encode(&frame, bytes);
		for (size_t left = 1 + chance_below(chance, 3); left > 0; left--)
			bytes[chance_below(chance, FRAME_HEADER_SIZE)] ^=
				(uint8_t)(1u << chance_below(chance, 8));
	}
	hand_queue_bytes(flow->hand, bytes, n - chance_below(chance, 8));
	flow->flood->n_frames++;
}

/* Every frame of a round is answered, in whatever state its body is; then the end comes, sometimes
 * without a word. */
static void run_round(struct flow *flow)
{
	struct chance *chance = &flow->flood->chance;

	for (size_t left = 100 + chance_below(chance, ROUND_MAX - 200); left > 0; left--)
		queue_frame(flow);
	hand_queue(flow->hand, (struct frame){.type = FRAME_PING}, NULL, 0);
	flow->n_pings++;
	while (flow->n_open > 0 || flow->n_pings > 0)
		assert_true(read_answer(flow));
	queue_wild(flow);
	if (chance_below(chance, 4) == 0)
		return;
	(void)shutdown(flow->hand->stream.fd, SHUT_WR);
	/* Its header's id and type may be any now. */
	while (hand_read(flow->hand))
		if (flow->hand->frame.type == FRAME_GOAWAY)
			flow->flood->n_goaways++;
}

static void flood_control(struct flood *flood, bool admin)
{
	struct hand hand;
	struct flow flow = {.flood = flood, .hand = &hand};

	hand_connect(&hand, admin ? flood->daemon.admin_socket : flood->daemon.socket);
	hand_greet(&hand);
	if (admin)
		hand_bind_node(&hand);
	flow.handle = hand.handle;
	flow.n_methods = admin ? NODE_METHODS : 1;
	run_round(&flow);
	hand_close(&hand);
}

static void flood_channel(struct flood *flood)
{
	struct hand control, channel;
	struct flow flow = {.flood = flood, .hand = &channel, .channel = true, .n_methods = 3};

	hand_connect(&control, flood->daemon.socket);
	hand_greet(&control);
	hand_bind_user(&control, flood->token, &channel);
	run_round(&flow);
	hand_close(&channel);
	hand_close(&control);
}

static size_t count_descriptors(long pid)
{
	char path[64];
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%ld/fd", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A number of `watctl show forest`. */
static long shown(const struct flood *flood, const char *key)
{
	static struct test_output out;
	const char *at;

	test_watctl(&flood->daemon, &out, "show", "forest", "-j", NULL);
	assert_int_equal(out.code, 0);
	at = strstr(out.out, key);
	assert_non_null(at);
	return strtol(at + strlen(key), NULL, 10);
}

static void set_up_flood(struct flood *flood, uint32_t tier)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	forest_admin *admin;
	wat_node *node;
	char *token;
	wat *w;

	*flood = (struct flood){.chance = {20260314}};
	test_daemon_init(&flood->daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&flood->daemon);
	assert_int_equal(wat_connect(flood->daemon.admin_socket, &w), 0);
	assert_int_equal(wat_node_open(w, &node), 0);
	spawn.tier = tier;
	assert_int_equal(forest_spawn(node, "forest", &spawn, NULL, &admin), 0);
	grant.name = "flood";
	grant.methods = MAY_CALL;
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &flood->token), 0);
	grant.name = "innocent";
	grant.methods = 0;
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	innocent_start(&flood->innocent, flood->daemon.socket, token);
	wat_memory_free(token);
	forest_admin_free(admin);
	wat_node_free(node);
	wat_free(w);
}

/* It was a flood of all kinds. */
static void assert_answers(const struct flood *flood)
{
	static const wat_status statuses[] = {WAT_OK, WAT_INVALID_ARGUMENT, WAT_UNIMPLEMENTED,
					      WAT_ACCESS_DENIED, WAT_NOT_FOUND};

	for (size_t i = 0; i < N(statuses); i++)
		if (flood->n_answers[statuses[i]] < N_FRAMES / 1000)
			fail_msg("only %zu answers were %s", flood->n_answers[statuses[i]],
				 wat_status_name((int)statuses[i]));
	assert_true(flood->n_goaways > 50);
}

static void run_flood(uint32_t tier)
{
	struct flood flood;
	size_t n_watd, n_host;
	long host;

	set_up_flood(&flood, tier);
	innocent_await(&flood.innocent);
	host = shown(&flood, "\"pid\":");
	n_watd = count_descriptors(flood.daemon.pid);
	n_host = count_descriptors(host);
	while (flood.n_frames < N_FRAMES) {
		size_t kind = chance_below(&flood.chance, 4);

		if (kind < 2)
			flood_control(&flood, kind == 0);
		else
			flood_channel(&flood);
		innocent_await(&flood.innocent);
	}
	assert_answers(&flood);
	/* The same host, in its first generation; nothing stays open. */
	assert_int_equal(shown(&flood, "\"pid\":"), host);
	assert_int_equal(shown(&flood, "\"generation\":"), 1);
	while (count_descriptors(flood.daemon.pid) > n_watd || count_descriptors(host) > n_host)
		(void)sched_yield();
	innocent_stop(&flood.innocent);
	wat_memory_free(flood.token);
	test_daemon_deinit(&flood.daemon);
}

/* Against an instance in the pool's host, which is a thread beside others. */
static void test_flood(void **state)
{
	(void)state;
	run_flood(WAT_TIER_THREAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flood)};

	return test_run_cases(tests, NULL, NULL);
}
