/* harness.c - libwat-test: a service in the process of its test. Test's thread. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/harness/harness.h"
#include "daemon/host/call_self.h"
#include "daemon/host/plugin_load.h"
#include "daemon/host/service_loop.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

#define FIRST_TIME_NS 1000000000000000000u

static wat_test *allocate(const struct wat_service *service)
{
	wat_test *test = calloc(1, sizeof *test);

	if (!test)
		return NULL;
	list_init(&test->users);
	list_init(&test->calls);
	list_init(&test->instance.link);
	test->instance.service = service;
	test->instance.slot = &test->slot;
	test->instance.outbox = &test->outbox;
	test->now_ns = FIRST_TIME_NS;
	test->segment_fd = -1;
	(void)snprintf(test->instance.name, sizeof test->instance.name, "test");
	if (queue_init(&test->outbox) < 0) {
		free(test);
		return NULL;
	}
	if (queue_init(&test->instance.inbox) < 0) {
		queue_deinit(&test->outbox);
		free(test);
		return NULL;
	}
	return test;
}

static int pack(const ProtobufCMessage *message, uint8_t **ret_bytes, size_t *ret_n)
{
	size_t n = message ? protobuf_c_message_get_packed_size(message) : 0;
	uint8_t *bytes = malloc(n + 1);

	if (!bytes)
		return -ENOMEM;
	if (message)
		(void)protobuf_c_message_pack(message, bytes);
	*ret_bytes = bytes;
	*ret_n = n;
	return 0;
}

/* Whoever calls before a user was let in. */
static int add_tester(struct wat_test *test)
{
	test->acting = harness_add_user(test, "tester");
	return test->acting ? 0 : -ENOMEM;
}

static void remove_users(struct wat_test *test)
{
	list_for_each_safe (i, &test->users)
		harness_remove_user(test, container_of(i, struct harness_user, link));
}

int wat_test_new(const struct wat_service *service, wat_test **ret)
{
	const struct wat_service *const services[] = {service};
	const struct wat_plugin plugin = {WAT_PLUGIN_ABI, sizeof plugin, 1, services};
	char why[PLUGIN_TEXT_MAX];

	if (sodium_init() < 0)
		return -EIO;
	if (plugin_check(&plugin, why) < 0) {
		fprintf(stderr, "wat_test_new: %s\n", why);
		return WAT_INVALID_ARGUMENT;
	}
	*ret = allocate(service);
	return *ret ? 0 : -ENOMEM;
}

int wat_test_start(wat_test *test, const ProtobufCMessage *state)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	Wat__Host__Snapshot from = WAT__HOST__SNAPSHOT__INIT;
	size_t n = 0;
	int r;

	if (test->instance.loop)
		return harness_fail(test, WAT_FAILED_PRECONDITION, "the instance is running");
	r = pack(state, &bytes, &n);
	from.state = (ProtobufCBinaryData){n, bytes};
	if (r == 0)
		r = add_tester(test);
	if (r == 0)
		r = harness_begin(test, &from, HARNESS_FIRST);
	if (r != 0)
		remove_users(test);
	return r;
}

wat_test *wat_test_free(wat_test *test)
{
	if (!test)
		return NULL;
	harness_end(test, WAT_UNAVAILABLE, "the test has ended");
	remove_users(test);
	harness_drop_calls(test);
	harness_forget_journal(test);
	queue_deinit(&test->instance.inbox);
	queue_deinit(&test->outbox);
	free(test);
	return NULL;
}

const char *wat_test_text(const wat_test *test)
{
	return test->text;
}

void wat_test_set_time(wat_test *test, uint64_t unix_ns)
{
	test->now_ns = unix_ns;
}

void wat_test_advance(wat_test *test, uint64_t ns)
{
	test->now_ns += ns;
}

void wat_test_seed(wat_test *test, uint64_t seed)
{
	test->seed = seed;
	test->n_random = 0;
}

static int unpack_state(struct wat_test *test,
			const uint8_t *bytes,
			size_t n,
			ProtobufCMessage **ret_state)
{
	return ret_state ? check_unpack(test->instance.service->interface->state, NULL, bytes, n,
					ret_state, NULL)
			 : 0;
}

int wat_test_state(wat_test *test, ProtobufCMessage **ret_state)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct service_loop *loop = test->instance.loop;
	const char *text = "";
	wat_status status;
	size_t n;

	if (!loop)
		return harness_fail(test, WAT_STOPPED, "no instance is running");
	status = call_save_self(loop, &text);
	if (status != WAT_OK)
		return harness_fail(test, (int)status, "%s", text);
	if (state_pack(&loop->state, &bytes, &n) < 0)
		return -ENOMEM;
	return unpack_state(test, bytes, n, ret_state);
}

/* Everything that was sent is served; the state is the request's then. */
static int drain(struct wat_test *test, bool run_stop, struct request *request)
{
	Wat__Host__DrainRequest in = WAT__HOST__DRAIN_REQUEST__INIT;

	if (!test->instance.loop)
		return harness_fail(test, WAT_STOPPED, "no instance is running");
	in.run_stop = run_stop;
	request->in = &in.base;
	return harness_serve(test, request);
}

int wat_test_resume(wat_test *test)
{
	struct request request;
	int r;

	request_init(&request, REQUEST_DRAIN, NULL, -1);
	r = drain(test, false, &request);
	if (r == 0) {
		harness_end(test, WAT_UNAVAILABLE, "the instance is suspended");
		harness_read_rest(test);
		r = harness_begin(test, request.snapshot, HARNESS_AGAIN);
	}
	request_deinit(&request);
	return r;
}

/* Nobody is told of anything: the process is gone. */
int wat_test_crash(wat_test *test)
{
	if (!test->instance.loop)
		return harness_fail(test, WAT_STOPPED, "no instance is running");
	if (!interface_is_deterministic(test->instance.service->interface))
		return harness_fail(test, WAT_FAILED_PRECONDITION,
				    "its journal holds states: wat_test_resume is the same to it");
	harness_end(test, WAT_UNAVAILABLE, "the process died");
	harness_read_rest(test);
	return harness_begin(test, test->begun, HARNESS_AFTER_A_DEATH);
}

int wat_test_stop(wat_test *test, ProtobufCMessage **ret_state)
{
	struct request request;
	int r;

	request_init(&request, REQUEST_DRAIN, NULL, -1);
	r = drain(test, true, &request);
	if (r == 0) {
		harness_end(test, WAT_STOPPED, "the instance was stopped");
		harness_read_rest(test);
		remove_users(test);
		r = unpack_state(test, request.snapshot->state.data, request.snapshot->state.len,
				 ret_state);
	}
	request_deinit(&request);
	return r;
}
