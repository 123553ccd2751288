/* snapshot.h - an instance as it is now, to be made again from. Instance's thread. */
#ifndef WAT_HOST_SNAPSHOT_H
#define WAT_HOST_SNAPSHOT_H

#include <wat/host.pb-c.h>

struct service_loop;

/* Everything is in the journal before; a live form was saved. Free with
 * wat__host__snapshot__free_unpacked; NULL: no memory. */
Wat__Host__Snapshot *snapshot_new(const struct service_loop *loop);

#endif
