/* The answer of another method. expect: incompatible pointer type */
#include "kv.service.h"

wat_status answer(struct kv_store_http_get_call *call, const kv_item *item, const kv_answer *answer)
{
#ifndef RIGHT
	return kv_store_http_get_reply(call, item);
#endif
	(void)item;
	return kv_store_http_get_reply(call, answer);
}
