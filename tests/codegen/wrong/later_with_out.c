/* A method that answers later gets no reply to fill. expect: conflicting types for 'kv_store_on_http_get' */
#include "kv.service.h"

#ifdef RIGHT
#define OUT
#else
#define OUT , kv_answer *out
#endif

wat_status kv_store_on_http_get(struct kv_store_http_get_call *call, kv_state *state, const kv_http_request *in OUT)
{
	(void)call, (void)state, (void)in;
	return WAT_OK;
}
