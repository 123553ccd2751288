/* harness_instance.c - the instance's beginning and end, as watd asks for them. Test's thread. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sodium.h>

#include "daemon/harness/harness.h"
#include "daemon/host/call_self.h"
#include "daemon/host/plugin_load.h"
#include "daemon/host/service_loop.h"
#include "daemon/host/service_requests.h"
#include "proto/failure.h"
#include "proto/support/cleanup.h"

int harness_fail(struct wat_test *test, int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(test->text, sizeof test->text, format, arguments);
	va_end(arguments);
	return status;
}

static uint64_t fake_now(void *arg)
{
	const struct wat_test *test = arg;

	return test->now_ns;
}

/* A stream of its own for each request of a handler, all from the one seed. */
static void fake_random(void *arg, void *buffer, size_t n)
{
	struct wat_test *test = arg;
	uint8_t seed[randombytes_SEEDBYTES] = {0};

	memcpy(seed, &test->seed, sizeof test->seed);
	memcpy(seed + sizeof test->seed, &test->n_random, sizeof test->n_random);
	test->n_random++;
	randombytes_buf_deterministic(buffer, n, seed);
}

/* What the instance tells watd: nobody listens. */
static void drop_outbox(struct wat_test *test)
{
	struct list items = LIST_INIT(items);
	struct list *first;

	queue_take(&test->outbox, &items);
	while ((first = list_first(&items))) {
		struct outgoing *out = container_of(first, struct outgoing, link);

		list_remove(first);
		if (out->is_event)
			free(container_of(out, struct outgoing_event, out));
	}
}

int harness_serve(struct wat_test *test, struct request *request)
{
	Wat__Envelope__Failure *failure;

	service_loop_serve(test->instance.loop, request);
	drop_outbox(test);
	failure = TAKE(request->failure);
	if (request->status != WAT_OK)
		(void)harness_fail(test, 0, "%s",
				   failure && failure->text ? failure->text : "no memory");
	failure_free(failure);
	return (int)request->status;
}

void harness_forget_journal(struct wat_test *test)
{
	if (test->begun)
		wat__host__snapshot__free_unpacked(test->begun, NULL);
	test->begun = NULL;
	test->segment_fd = fd_close(test->segment_fd);
}

/* Takes the descriptor. */
static int add_segment(struct request *request, uint64_t number, bool fresh, int fd)
{
	struct segment *segment = fd < 0 ? NULL : calloc(1, sizeof *segment);

	if (!segment) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	segment->number = number;
	segment->fresh = fresh;
	segment->fd = fd;
	list_append(&request->segments, &segment->link);
	return 0;
}

/* A fresh file to go on with, and after a death the one that is there. */
static int add_journal(struct wat_test *test, struct request *request, enum harness_begin how)
{
	int fd, r = 0;

	if (how == HARNESS_AFTER_A_DEATH)
		r = add_segment(request, test->segment, false, fd_take(&test->segment_fd));
	test->segment_fd = fd_close(test->segment_fd);
	fd = memfd_create("journal", MFD_CLOEXEC);
	if (r < 0 || fd < 0) {
		(void)fd_close(fd);
		return r < 0 ? r : -errno;
	}
	test->segment_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r = add_segment(request, ++test->segment, true, fd);
	return r == 0 && test->segment_fd < 0 ? -EMFILE : r;
}

static int serve_start(struct wat_test *test, struct request *request, enum harness_begin how)
{
	bool journal = interface_is_deterministic(test->instance.service->interface);
	int r = journal ? add_journal(test, request, how) : 0;

	if (r == 0)
		r = harness_serve(test, request);
	if (r != WAT_OK || !journal)
		return r;
	if (test->begun)
		wat__host__snapshot__free_unpacked(test->begun, NULL);
	test->begun = TAKE(request->snapshot);
	return WAT_OK;
}

int harness_begin(struct wat_test *test, Wat__Host__Snapshot *from, enum harness_begin how)
{
	Wat__Host__StartRequest in = WAT__HOST__START_REQUEST__INIT;
	Wat__Host__Carried carried = WAT__HOST__CARRIED__INIT;
	struct request request;
	int r = service_loop_new(&test->instance, &test->instance.loop);

	if (r < 0)
		return r;
	test->instance.generation++;
	test->instance.loop->candid = true;
	test->instance.loop->source =
		(struct loop_source){.now_ns = fake_now, .random = fake_random, .arg = test};
	carried.snapshot = from;
	in.from = &carried;
	in.run_start = how == HARNESS_FIRST;
	in.durability = interface_is_deterministic(test->instance.service->interface)
				? DURABILITY_CRASH
				: DURABILITY_NONE;
	request_init(&request, REQUEST_START, &in.base, -1);
	r = serve_start(test, &request, how);
	request_deinit(&request);
	if (r != WAT_OK)
		harness_end(test, WAT_UNAVAILABLE, "it did not start");
	return r;
}

void harness_end(struct wat_test *test, wat_status status, const char *text)
{
	Wat__Host__FinishRequest in = WAT__HOST__FINISH_REQUEST__INIT;
	struct service_loop *loop = test->instance.loop;
	struct request request;

	if (!loop)
		return;
	in.status = (uint32_t)status;
	in.text = (char *)text;
	request_init(&request, REQUEST_FINISH, &in.base, -1);
	/* A start that failed has asked for the end already. */
	if (!loop->last)
		service_loop_serve(loop, &request);
	request_deinit(&request);
	loop->last = NULL;
	call_free_self(loop);
	test->instance.loop = service_loop_free(loop);
	drop_outbox(test);
}
