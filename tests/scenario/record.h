/* record.h - clients that call a service at the same time, from threads and from processes, and
 * note when they made each call and when it was answered. The notes lie in memory that all share;
 * the clock is a counter in it, so that no two stamps are alike and each is taken before or after
 * every other one. */
#ifndef WAT_TESTS_RECORD_H
#define WAT_TESTS_RECORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/linear.h"

#define RECORD_CLIENTS 16u
/* The descriptor that a client's process gets the memory by. */
#define RECORD_FD 3

enum record_service { RECORD_COUNTER, RECORD_LEDGER };

/* How one client calls. */
struct record_plan {
	uint32_t service; /* enum record_service */
	uint32_t window;  /* calls under way at a time; 0: one, by the blocking functions */
	uint32_t n_calls; /* at most record->n_calls */
	uint32_t kill_at; /* its process kills itself inside of this answer; 0: it does not */
	uint64_t seed;    /* of its random choices; not 0 */
	char socket[96];
	char token[1024];
};

struct record_client {
	struct record_plan plan;
	uint32_t n_made, n_answered;
	uint32_t n_disordered; /* answers that came before one of an earlier call */
};

struct record {
	_Atomic uint64_t clock;
	pthread_barrier_t begin; /* all are bound before the first calls */
	uint32_t n_calls;        /* room for the calls of each */
	struct record_client clients[RECORD_CLIENTS];
	struct linear_op ops[]; /* n_calls of each client */
};

/* The memory; -errno. Ends with record_free; *ret_fd is the caller's to close. */
int record_new(uint32_t n_calls, struct record **ret, int *ret_fd)
	__attribute__((warn_unused_result));
/* The same memory in a client's process. */
int record_map(int fd, struct record **ret) __attribute__((warn_unused_result));
void record_free(struct record *record);

/* What client number c noted; valid as long as the record. */
struct linear_op *record_ops(struct record *record, uint32_t c);
/* Calls that were made and not answered are pending. */
struct linear_client record_history(struct record *record, uint32_t c);

/* Client number c: connects, waits until all are there, calls as its plan says. 0 if every call was
 * answered, however; else it says on stderr what went wrong, and returns 1. */
int record_run(struct record *record, uint32_t c) __attribute__((warn_unused_result));

#endif
