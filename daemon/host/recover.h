/* recover.h - a new host makes an instance from its snapshot and its journal. Instance's thread,
 * before it serves. */
#ifndef WAT_HOST_RECOVER_H
#define WAT_HOST_RECOVER_H

#include <stddef.h>
#include <wat/host.pb-c.h>

#include "daemon/host/request.h"
#include "proto/support/must_check.h"

struct service_loop;

/* Bytes for the sentence about what is wrong. */
#define RECOVER_TEXT_MAX 512

/* The loop has the snapshot's state. Its lanes come back, then what each record after the snapshot
 * did, in order, up to the first that is not whole; calls that were taken are answered, the one of
 * the verdict too. Then the fresh segment is gone on with. Takes the segments.
 * -EBADMSG, -ENOMEM or what the disk says, each with a sentence. */
int recover(struct service_loop *loop,
	    const Wat__Host__Snapshot *from,
	    const Wat__Host__Verdict *verdict,
	    struct request *request,
	    char text[static RECOVER_TEXT_MAX]) WAT_MUST_CHECK;
/* The same to the state only, which is the last: nothing is answered and nothing written. */
int recover_last(struct service_loop *loop,
		 const Wat__Host__Snapshot *from,
		 struct request *request,
		 char text[static RECOVER_TEXT_MAX]) WAT_MUST_CHECK;

#endif
