/* harness.h - the parts of libwat-test: an instance without a thread and without watd. Everything
 * runs on the test's thread. */
#ifndef WAT_HARNESS_H
#define WAT_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <wat/test.h>

#include "daemon/host/instance.h"
#include "proto/attribution.h"
#include "proto/limits.h"
#include "proto/stream.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

/* A user, and the client's end of its channel. */
struct harness_user {
	struct list link;
	uint8_t id[WAT_ID_SIZE];
	char name[WAT_NAME_MAX + 1];
	struct stream stream; /* fd -1: no channel */
};

/* A call that is not answered yet, or whose answer was not asked for. */
struct harness_call {
	struct list link;
	uint64_t id;
	const struct wat_method *method;
	bool answered;
	int status;
	char text[WAT_FAILURE_TEXT_MAX];
	ProtobufCMessage *out;
};

struct wat_test {
	struct instance instance; /* its loop is run by hand */
	struct queue outbox;
	struct attribution_slot slot;
	struct list users, calls;
	struct harness_user *acting; /* of users */
	uint64_t n_users, last_id, connection;
	uint64_t now_ns, seed, n_random;
	/* Of a deterministic service: */
	Wat__Host__Snapshot *begun; /* what the instance was made of; NULL: none */
	uint64_t segment;           /* number of its journal's file, */
	int segment_fd;             /* and the file, in memory; -1: none */
	char text[WAT_FAILURE_TEXT_MAX];
};

/* harness_instance.c */
enum harness_begin { HARNESS_FIRST, HARNESS_AGAIN, HARNESS_AFTER_A_DEATH };
/* The loop, and its Start request. */
int harness_begin(struct wat_test *test, Wat__Host__Snapshot *from, enum harness_begin how)
	WAT_MUST_CHECK;
void harness_forget_journal(struct wat_test *test);
void harness_end(struct wat_test *test, wat_status status, const char *text);
/* Serves the request, which then has the answer; its status. The sentence goes to test->text.
 * request_deinit follows. */
int harness_serve(struct wat_test *test, struct request *request) WAT_MUST_CHECK;
/* Sets test->text; returns the status. */
int WAT_PRINTF(3, 4) harness_fail(struct wat_test *test, int status, const char *format, ...);

/* harness_user.c */
/* NULL: there is none. */
struct harness_user *harness_find_user(struct wat_test *test, const char *name);
/* With no channel yet. NULL: no memory. */
struct harness_user *harness_add_user(struct wat_test *test, const char *name);
void harness_remove_user(struct wat_test *test, struct harness_user *user);
/* Its channel is there. */
int harness_connect(struct wat_test *test, struct harness_user *user) WAT_MUST_CHECK;
void harness_disconnect(struct harness_user *user);

/* harness_call.c */
/* Lets everything that is under way happen. */
int harness_pump(struct wat_test *test) WAT_MUST_CHECK;
/* The instance has ended: takes what it said last. */
void harness_read_rest(struct wat_test *test);
void harness_drop_calls(struct wat_test *test);

#endif
