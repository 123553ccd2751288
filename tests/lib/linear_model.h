/* linear_model.h - what the services do that histories are recorded of, one call at a time. */
#ifndef WAT_TESTS_LINEAR_MODEL_H
#define WAT_TESTS_LINEAR_MODEL_H

#include "tests/lib/linear.h"

/* A number; each call adds `in` to it and answers with the sum. */
extern const struct linear_model linear_counter;

/* tests/scenario/plugins/ledger.proto: cells and a queue. */
#define LEDGER_CELLS 4u
#define LEDGER_QUEUE_MAX 8u

enum ledger_what {
	LEDGER_READ,             /* out: cell `at` */
	LEDGER_WRITE,            /* cell `at` becomes `in` */
	LEDGER_SWAP,             /* in_2, if it is `in`; else FAILED_PRECONDITION */
	LEDGER_PUSH,             /* `in`; RESOURCE_EXHAUSTED when full */
	LEDGER_PULL,             /* out: the oldest; NOT_FOUND when empty */
	LEDGER_SUM,              /* out: of all cells and of the queue */
	LEDGER_WRITE_THEN_FAIL,  /* ABORTED; nothing changes */
	LEDGER_WRITE_THEN_PANIC, /* SERVER_DIED; nothing changes */
	LEDGER_WHATS
};

extern const struct linear_model linear_ledger;

#endif
