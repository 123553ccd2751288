/* carried.h - a snapshot on its way between a host and watd: in the message, or packed in a sealed
 * memfd if it is large. Any one thread. */
#ifndef WAT_PROTO_CARRIED_H
#define WAT_PROTO_CARRIED_H

#include <wat/host.pb-c.h>

#include "proto/support/must_check.h"

#define CARRIED_INLINE_MAX (512u * 1024u)  /* bytes of a snapshot in the message */
#define CARRIED_MAX (256u * 1024u * 1024u) /* and in a descriptor */

/* Fills the message, which then points to the snapshot or says that *ret_fd has it; *ret_fd is the
 * caller's, -1 for none. -ENOMEM, or what memfd_create and write say. */
int carried_put(Wat__Host__Snapshot *snapshot, Wat__Host__Carried *message, int *ret_fd)
	WAT_MUST_CHECK;
/* The snapshot that came, on the heap: free with wat__host__snapshot__free_unpacked. fd is the
 * frame's, not taken; -1: none. -EBADMSG for what is none: nothing is not an empty one. */
int carried_open(const Wat__Host__Carried *message, int fd, Wat__Host__Snapshot **ret)
	WAT_MUST_CHECK;

#endif
