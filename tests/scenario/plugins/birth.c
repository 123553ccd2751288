/* birth.c - a plugin that dies when it is loaded, before anybody can ask anything of it. */
#include "birth.service.h"

#include <stdlib.h>

static void __attribute__((constructor)) die(void)
{
	abort();
}

wat_status birth_on_get(struct birth_get_call *call,
			birth_state *state,
			const wat_empty *in,
			wat_empty *out)
{
	(void)call;
	(void)state;
	(void)in;
	(void)out;
	return WAT_OK;
}
