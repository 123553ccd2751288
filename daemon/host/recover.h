/* recover.h - a new host makes an instance from its snapshot and its journal. Instance's thread,
 * before it serves. */
#ifndef WAT_HOST_RECOVER_H
#define WAT_HOST_RECOVER_H

#include <stddef.h>
#include <wat/host.pb-c.h>

#include "daemon/host/request.h"
#include "proto/support/must_check.h"

struct service_loop;

/* What is wrong. */
#define RECOVER_TEXT_MAX 512
struct recover_failure {
	char text[RECOVER_TEXT_MAX];
	const char *differs_in; /* the method of a call that, run again, did not do what it had
				   done; NULL: that is not it */
};

/* The loop has the snapshot's state. Its lanes come back, then what each record after the snapshot
 * did, in order, up to the first that is not whole; calls that were taken are answered, the one of
 * the verdict too. Then the fresh segment is gone on with. Takes the segments. Calls of a journal
 * that holds them are run again, on a live form where the service has one: it is there then.
 * -EBADMSG, -ENOMEM or what the disk says, each with a sentence. */
int recover(struct service_loop *loop,
	    const Wat__Host__Snapshot *from,
	    const Wat__Host__Verdict *verdict,
	    struct request *request,
	    struct recover_failure *ret_failure) WAT_MUST_CHECK;
/* The same to the state only, as of record up_to (UINT64_MAX: the last): nothing is answered and
 * nothing written. -ERANGE: the journal does not have that one. */
int recover_last(struct service_loop *loop,
		 const Wat__Host__Snapshot *from,
		 struct request *request,
		 uint64_t up_to,
		 struct recover_failure *ret_failure) WAT_MUST_CHECK;

#endif
