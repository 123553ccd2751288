/* operation.h - a mutating Node or Admin call under way. Its request id makes it happen once: the
 * same call sent again joins it, or gets the stored answer. What watd does by itself, for its
 * configuration, is an operation too: without calls and without a stored answer. Loop thread. The
 * node owns operations until they conclude. */
#ifndef WAT_SUPERVISOR_OPERATION_H
#define WAT_SUPERVISOR_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/instance.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct grant;
struct operation;
struct store_txn;

/* How an operation of watd's own ended: WAT_OK, and operation->reply is there; or why not. */
typedef void operation_finished(void *arg,
				const struct operation *operation,
				wat_status status,
				const char *text);

struct operation {
	struct list link; /* node->operations; those of watd's own are in no list */
	struct node *node;
	uint8_t request_id[16], owner[16];
	struct origin origin; /* of the call that began it */
	int answer;           /* ANSWER_OF_... */
	struct list calls;
	struct instance_waiter waiter; /* while the instance settles first */
	void (*retry)(struct operation *);
	struct instance *instance;
	/* What follows once the instance was stopped; NULL: the operation is a Stop itself. */
	void (*stopped)(struct operation *);
	struct grant *grant;
	void *arg;      /* of retry */
	uint8_t *reply; /* packed; set once the answer is decided */
	size_t reply_len;
	const ProtobufCMessageDescriptor *reply_type;
	operation_finished *finished; /* NULL: it is of calls */
	void *finished_arg;
};

/* The call's operation. NULL: there is nothing to start, and the handler returns *ret_status (the
 * call joined the operation that is under way, was answered from the store, or is refused). */
struct operation *operation_begin(struct wat_call *call,
				  int answer,
				  const ProtobufCBinaryData *request_id,
				  wat_status *ret_status);

/* One of watd's own; finished is called once, also before whoever was given the operation returns.
 * NULL: no memory. */
struct operation *operation_own(struct node *node,
				int answer,
				operation_finished *finished,
				void *arg);

/* Decides the answer and puts it into the transaction that makes it true. */
int operation_decide(struct operation *operation,
		     const ProtobufCMessage *reply,
		     struct store_txn *txn) WAT_MUST_CHECK;
/* Tells the decided answer and frees. */
void operation_conclude(struct operation *operation);
/* failure (may be NULL) gives the chain; text NULL: the failure's. Frees. */
void operation_fail(struct operation *operation,
		    wat_status status,
		    const Wat__Envelope__Failure *failure,
		    const char *format,
		    ...) WAT_PRINTF(4, 5);
/* Nothing was started: the handler that began it answers its call itself. */
void operation_forget(struct operation *operation);
/* Runs retry when the instance is settled. */
void operation_wait(struct operation *operation,
		    struct instance *instance,
		    void (*retry)(struct operation *));

#endif
