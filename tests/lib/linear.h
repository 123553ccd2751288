/* linear.h - is a recorded history of calls one that a service could have given that ran them one
 * at a time? Pure: calls in, a verdict out.
 *
 * A history linearizes if all its calls can be put into one order in which each answer is what the
 * model gives at that place, no call stands before one that was answered before it was made, and
 * those of one client stand as it made them. The search is that of Wing and Gong ("Testing and
 * verifying concurrent objects", 1993) with Lowe's memory of the configurations that led nowhere
 * ("Testing for linearizability", 2017). As the calls of a client keep their order, a configuration
 * is a place in each client's list and a state. Any thread. */
#ifndef WAT_TESTS_LINEAR_H
#define WAT_TESTS_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEAR_CLIENTS_MAX 32u
/* Nobody saw the answer: the call may have been run or not. */
#define LINEAR_PENDING UINT64_MAX

struct linear_op {
	uint64_t invoked, responded; /* stamps of one clock for all clients, no two alike */
	uint64_t hint; /* where in the order it may have been; 0: unknown. Speeds up the search and
			  decides nothing */
	uint32_t what; /* the model's: which call */
	int32_t status;
	uint32_t at; /* the model's: arguments and answer */
	int64_t in, in_2, out;
};

/* Calls of one client in the order in which it made them. After one that is pending all are. */
struct linear_client {
	const struct linear_op *ops;
	size_t n;
};

/* What the calls do when they are run one at a time. */
struct linear_model {
	size_t state_size; /* compared as bytes */
	void (*init)(void *state);
	/* Runs the call. False: in this state it has no such answer; what is in `state` then does
	 * not matter. A pending one has any answer. */
	bool (*step)(void *state, const struct linear_op *op);
};

enum linear_verdict {
	LINEAR_NO = 0,
	LINEAR_YES = 1,
	LINEAR_GAVE_UP = 2, /* not within the steps that were allowed */
};

struct linear_report {
	uint64_t steps;
	size_t n_placed; /* calls in the longest order that was found */
	/* The calls that came next then, by client; SIZE_MAX: it had none left. */
	size_t next[LINEAR_CLIENTS_MAX];
};

/* enum linear_verdict; -EINVAL: that is no history (stamps that do not rise, an answer after one
 * that is pending, too many clients); -ENOMEM. */
int linear_search(const struct linear_model *model,
		  const struct linear_client *clients,
		  size_t n_clients,
		  uint64_t steps_max,
		  struct linear_report *ret_report) __attribute__((warn_unused_result));

/* The same question with the order given: that of the hints, all known and no two alike. LINEAR_NO:
 * not in this order. For histories that are too long for a search. report->n_placed: how far it
 * came. */
int linear_follow(const struct linear_model *model,
		  const struct linear_client *clients,
		  size_t n_clients,
		  struct linear_report *ret_report) __attribute__((warn_unused_result));

#endif
