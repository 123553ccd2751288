/* types.h - C names of the messages in wat/types.proto. Public: installed as <wat/types.h>. */
#ifndef WAT_TYPES_H
#define WAT_TYPES_H

#include <wat/types.pb-c.h>

typedef Wat__Empty wat_empty;
#define WAT_EMPTY_INIT WAT__EMPTY__INIT

static __inline__ void wat_empty_free(wat_empty *message)
{
	if (message)
		wat__empty__free_unpacked(message, NULL);
}

#endif
