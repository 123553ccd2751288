/* fuzz_noise.c - a client's and a server's end of a secured stream, with whoever sits on the wire
 * steered by the input: it passes on what the other end says, or changes, cuts, repeats or invents
 * bytes. Frames come out in their order and as they were sent, up to the first byte that is not
 * genuine and not one after it; and nothing is refused before. First byte: which end. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/stream.h"
#include "proto/stream_secure.h"

#define BODY_MAX 4096u
#define HELD_MAX 8192u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum step { PASS, FLIP, CUT, REPEAT, INVENT, N_STEPS };

struct scene {
	struct stream tested, other;
	int to_tested, to_other; /* far ends of their sockets */
	uint8_t last[HELD_MAX];  /* what the other end said last */
	size_t n_last;
	uint8_t *genuine; /* all that it said */
	size_t n_genuine, n_delivered;
	uint64_t sent, got;
	bool tampered, refused;
};

static void require(int condition)
{
	if (!condition)
		abort();
}

/* The same input takes the same way: randomness is a count. */
static uint8_t count;

static const char *name(void)
{
	return "count";
}

static uint32_t next_number(void)
{
	return count++;
}

static void fill(void *buffer, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buffer)[i] = count++;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct randombytes_implementation counting = {
		.implementation_name = name, .random = next_number, .buf = fill};

	(void)argc;
	(void)argv;
	require(randombytes_set_implementation(&counting) == 0 && sodium_init() >= 0);
	return 0;
}

static int open_end(struct stream *stream)
{
	int pair[2];

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	stream_init(stream, pair[0], BODY_MAX);
	return pair[1];
}

static void scene_init(struct scene *scene, bool test_server)
{
	uint8_t sk[NOISE_KEY_SIZE], pk[NOISE_KEY_SIZE];

	memset(scene, 0, sizeof *scene);
	scene->genuine = malloc(1);
	require(scene->genuine != NULL);
	count = 0;
	memset(sk, 5, sizeof sk);
	noise_public_key(sk, pk);
	scene->to_tested = open_end(&scene->tested);
	scene->to_other = open_end(&scene->other);
	require(stream_secure_accept(test_server ? &scene->tested : &scene->other, sk) == 0);
	require(stream_secure_connect(test_server ? &scene->other : &scene->tested, pk) == 0);
}

static void scene_deinit(struct scene *scene)
{
	stream_deinit(&scene->tested);
	stream_deinit(&scene->other);
	free(scene->genuine);
	close(scene->to_tested);
	close(scene->to_other);
}

/* What the tested end says goes to the other as it is. */
static void listen_to_tested(struct scene *scene)
{
	uint8_t bytes[HELD_MAX];
	ssize_t n;

	(void)!stream_write(&scene->tested);
	n = recv(scene->to_tested, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n <= 0)
		return;
	(void)!send(scene->to_other, bytes, (size_t)n, MSG_NOSIGNAL);
	(void)!stream_read(&scene->other);
}

/* The other end sends a frame; what it has written is held. */
static void speak(struct scene *scene, size_t n_body)
{
	static const uint8_t body[256];
	struct frame frame = {.type = FRAME_CALL, .id = scene->sent + 1};
	ssize_t n;

	if (stream_secure_hash(&scene->other)) {
		require(stream_queue(&scene->other, &frame, body, n_body, -1) == 0);
		scene->sent++;
	}
	(void)!stream_write(&scene->other);
	n = recv(scene->to_other, scene->last, sizeof scene->last, MSG_DONTWAIT);
	scene->n_last = n > 0 ? (size_t)n : 0;
	scene->genuine = realloc(scene->genuine, scene->n_genuine + scene->n_last + 1);
	require(scene->genuine != NULL);
	memcpy(scene->genuine + scene->n_genuine, scene->last, scene->n_last);
	scene->n_genuine += scene->n_last;
}

static void take_frames(struct scene *scene)
{
	struct frame frame;
	const uint8_t *body;
	int fd;

	while (stream_next(&scene->tested, &frame, &body, &fd) > 0) {
		require(frame.type == FRAME_CALL && frame.id == scene->got + 1);
		scene->got = frame.id;
	}
}

/* Is it what the other end said, from the first byte on, without a gap? */
static bool is_genuine(struct scene *scene, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = scene->genuine + scene->n_delivered;

	if (n > scene->n_genuine - scene->n_delivered || memcmp(at, bytes, n) != 0)
		return false;
	scene->n_delivered += n;
	return true;
}

static void deliver(struct scene *scene, const uint8_t *bytes, size_t n)
{
	uint64_t before = scene->got;
	bool tampered = scene->tampered;
	int r;

	if (n == 0 || scene->refused)
		return;
	scene->tampered = tampered || !is_genuine(scene, bytes, n);
	require(send(scene->to_tested, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
	r = stream_read(&scene->tested);
	scene->refused = r < 0;
	require(r > 0 || scene->tampered);
	if (r > 0)
		take_frames(scene);
	/* Nothing that comes after a byte that is not genuine gets through. */
	require(!tampered || scene->got == before);
	if (!scene->tampered && scene->n_delivered == scene->n_genuine)
		require(scene->got == scene->sent);
	listen_to_tested(scene);
}

static void invent(struct scene *scene, uint8_t n)
{
	uint8_t bytes[256];

	memset(bytes, n, sizeof bytes);
	deliver(scene, bytes, n);
}

static void cut(struct scene *scene, uint8_t n)
{
	deliver(scene, scene->last, n % (scene->n_last + 1));
}

static void act(struct scene *scene, uint8_t step, uint8_t argument)
{
	if (step == FLIP || step == CUT || step == PASS)
		speak(scene, argument);
	if (step == INVENT) {
		invent(scene, argument);
		return;
	}
	if (step == CUT) {
		cut(scene, argument);
		return;
	}
	if (step == FLIP && scene->n_last > 0)
		scene->last[argument % scene->n_last] ^= (uint8_t)(1u << argument % 8);
	deliver(scene, scene->last, scene->n_last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct scene scene;

	if (n == 0)
		return 0;
	scene_init(&scene, data[0] & 1);
	listen_to_tested(&scene);
	for (size_t i = 1; i + 1 < n && i < 400; i += 2)
		act(&scene, data[i] % N_STEPS, data[i + 1]);
	scene_deinit(&scene);
	return 0;
}
