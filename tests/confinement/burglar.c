/* burglar.c - a plugin that tries to get out of where it runs: when it is loaded, from a thread
 * that it started then, and in a handler. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "burglar.service.h"
#include "daemon/base/sanitized.h"
#include "tests/confinement/attempts.h"

/* The import of pthread_create would be refused. */
typedef int start_thread(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static struct targets targets;
static struct attempts at_load, by_thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { NO_THREAD, WAITS, ASKED, DONE } thread_state;

/* The code is mapped from STATE/plugins/..., so it is known where everything else is. */
static void find_targets(void)
{
	const char *end;
	Dl_info info;
	int n;

	targets.watd = getppid();
	end = dladdr(&targets, &info) ? strstr(info.dli_fname, "/plugins/") : NULL;
	if (!end)
		return;
	n = (int)(end - info.dli_fname);
	(void)snprintf(targets.key, sizeof targets.key, "%.*s/node.key", n, info.dli_fname);
	(void)snprintf(targets.database, sizeof targets.database, "%.*s/watd.db", n,
		       info.dli_fname);
	(void)snprintf(targets.journals, sizeof targets.journals, "%.*s/journal", n,
		       info.dli_fname);
	(void)snprintf(targets.keyring, sizeof targets.keyring, "%.*s/../a-keyring", n,
		       info.dli_fname);
}

static void try_all(struct attempts *attempts)
{
	attempts->n = 0;
	/* Nothing would hold it there. */
	if (WAT_SANITIZED)
		return;
	attempts_ways(&targets, attempts);
	attempts_calls(&targets, attempts);
}

static void *lurk(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&mutex);
	while (thread_state != ASKED)
		(void)pthread_cond_wait(&changed, &mutex);
	try_all(&by_thread);
	thread_state = DONE;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&mutex);
	return NULL;
}

static void __attribute__((constructor)) begin(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, "pthread_create");
	start_thread *start;
	pthread_t thread;

	memcpy(&start, &symbol, sizeof start);
	find_targets();
	try_all(&at_load);
	if (start && start(&thread, NULL, lurk, NULL) == 0)
		thread_state = WAITS;
}

/* An empty one if memory is out, which is none of what is expected. */
static void report(struct wat_call *call, const struct attempts *attempts, burglar_report *out)
{
	burglar_attempt *all = call->api->alloc(call, attempts->n * sizeof *all + 1);

	out->attempts = call->api->alloc(call, attempts->n * sizeof(*out->attempts) + 1);
	if (!all || !out->attempts)
		return;
	for (size_t i = 0; i < attempts->n; i++) {
		all[i] = (burglar_attempt)BURGLAR_ATTEMPT_INIT;
		all[i].name = (char *)attempts->all[i].name;
		all[i].error = attempts->all[i].error;
		out->attempts[out->n_attempts++] = &all[i];
	}
}

wat_status burglar_on_try(struct burglar_try_call *call,
			  burglar_state *state,
			  const wat_empty *in,
			  burglar_report *out)
{
	static struct attempts attempts;

	(void)in;
	state->calls++;
	try_all(&attempts);
	report(&call->base, &attempts, out);
	return WAT_OK;
}

wat_status burglar_on_at_load(struct burglar_at_load_call *call,
			      burglar_state *state,
			      const wat_empty *in,
			      burglar_report *out)
{
	(void)in;
	state->calls++;
	report(&call->base, &at_load, out);
	return WAT_OK;
}

wat_status burglar_on_by_thread(struct burglar_by_thread_call *call,
				burglar_state *state,
				const wat_empty *in,
				burglar_report *out)
{
	(void)in;
	state->calls++;
	if (thread_state == NO_THREAD)
		return wat_fail(call, WAT_FAILED_PRECONDITION, "there is no thread");
	(void)pthread_mutex_lock(&mutex);
	thread_state = ASKED;
	(void)pthread_cond_broadcast(&changed);
	while (thread_state != DONE)
		(void)pthread_cond_wait(&changed, &mutex);
	(void)pthread_mutex_unlock(&mutex);
	report(&call->base, &by_thread, out);
	return WAT_OK;
}

static int hoard_descriptors(uint64_t *ret_n)
{
	int fds[2048], n = 0, error;

	while (n < 2048 && (fds[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
		n++;
	error = n < 2048 ? errno : 0;
	*ret_n = (uint64_t)n;
	while (n > 0)
		(void)close(fds[--n]);
	return error;
}

#define CHUNK (16u << 20)
#define CHUNKS 64u

static int hoard_memory(uint64_t *ret_n)
{
	void *chunks[CHUNKS];
	unsigned n = 0;
	int error;

	while (n < CHUNKS && (chunks[n] = malloc(CHUNK)))
		n++;
	error = n < CHUNKS ? errno : 0;
	*ret_n = n;
	while (n > 0)
		free(chunks[--n]);
	return error;
}

/* The journal's file, as of any other descriptor that can be guessed. It is cut back: what is meant
 * is whether it can grow for ever. */
static int hoard_disk(uint64_t *ret_n)
{
	*ret_n = 0;
	for (int fd = 5; fd < 64; fd++) {
		off_t end = lseek(fd, 0, SEEK_END);

		if (end <= 0)
			continue;
		(*ret_n)++;
		if (pwrite(fd, "x", 1, (off_t)4 << 30) < 0)
			return errno;
		if (ftruncate(fd, end) < 0)
			return errno;
	}
	return 0;
}

static int hoard_output(uint64_t *ret_n)
{
	static const char line[] =
		"a line that nobody has asked for, and then once more the same\n";

	for (*ret_n = 0; *ret_n < 20000; (*ret_n)++)
		if (write(STDOUT_FILENO, line, sizeof line - 1) < 0)
			return errno;
	return 0;
}

wat_status burglar_on_hoard(struct burglar_hoard_call *call,
			    burglar_state *state,
			    const burglar_what *in,
			    burglar_hoarded *out)
{
	state->calls++;
	if (strcmp(in->what, "descriptors") == 0)
		out->error = hoard_descriptors(&out->n);
	else if (strcmp(in->what, "memory") == 0)
		out->error = hoard_memory(&out->n);
	else if (strcmp(in->what, "disk") == 0)
		out->error = hoard_disk(&out->n);
	else if (strcmp(in->what, "output") == 0)
		out->error = hoard_output(&out->n);
	else
		return wat_fail(call, WAT_INVALID_ARGUMENT, "%s", in->what);
	return WAT_OK;
}

/* EVENT 1 of wat/host.proto, ChannelCount: a frame's header, then grant_id and nothing else. */
wat_status burglar_on_forge(struct burglar_forge_call *call,
			    burglar_state *state,
			    const burglar_grant *in,
			    burglar_hoarded *out)
{
	uint8_t frame[32 + 2 + 16] = {[0] = 18, [4] = 11, [6] = 1, [32] = 0x12, [33] = 16};

	state->calls++;
	if (in->id.len != 16)
		return wat_fail(call, WAT_INVALID_ARGUMENT, "16 bytes");
	memcpy(frame + 34, in->id.data, 16);
	out->error = write(3, frame, sizeof frame) == (ssize_t)sizeof frame ? 0 : errno;
	out->n = 1;
	return WAT_OK;
}

wat_status burglar_on_count(struct burglar_count_call *call,
			    burglar_state *state,
			    const wat_empty *in,
			    burglar_state *out)
{
	(void)call;
	(void)in;
	out->calls = state->calls;
	return WAT_OK;
}
