/* failure.h - why something failed: a status, a sentence, and the chain of causes, nearest first.
 * Pure. The envelope (wat.envelope.Failure) carries it; inside a program it is this struct. */
#ifndef WAT_PROTO_FAILURE_H
#define WAT_PROTO_FAILURE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"
#include "proto/support/must_check.h"
#include <wat/envelope.pb-c.h>

/* Heap-owned. A sentence that is cut, or is no UTF-8, is mended. NULL when memory is out. */
Wat__Envelope__Failure *failure_new(const char *format, ...) WAT_PRINTF(1, 2);
Wat__Envelope__Failure *failure_copy(const Wat__Envelope__Failure *failure);
/* The same chain under another sentence. failure may be NULL. NULL when memory is out. */
Wat__Envelope__Failure *failure_retell(const Wat__Envelope__Failure *failure, const char *text);
/* What a User may know of it: of each cause kind and service. text: the sentence instead of the
 * failure's own. failure may be NULL. NULL when memory is out. */
Wat__Envelope__Failure *failure_for_user(const Wat__Envelope__Failure *failure, const char *text);
Wat__Envelope__Failure *failure_free(Wat__Envelope__Failure *failure);

struct failure_cause {
	Wat__Envelope__CauseKind kind;
	const char *service, *instance, *method, *text; /* NULL: empty */
	uint64_t generation, time_ms;
	uint32_t signal;
};

/* Puts a cause in front of the chain (it is the nearest). -ENOMEM; at most 16 causes, the farthest
 * fall off. */
int failure_add_cause(Wat__Envelope__Failure *failure, const struct failure_cause *cause)
	WAT_MUST_CHECK;

#endif
