/* The message in place of the live form. expect: conflicting types for 'kv_cache_on_take' */
#include "kv.service.h"

#ifdef RIGHT
#define STATE struct kv_lru
#else
#define STATE kv_state
#endif

wat_status kv_cache_on_take(struct kv_cache_take_call *call, STATE *self, const kv_item_key *in, kv_answer *out)
{
	(void)call, (void)self, (void)in, (void)out;
	return WAT_OK;
}
