/* Another method's handle answered on. expect: incompatible pointer type */
#include "kv.service.h"

wat_status answer(struct kv_store_put_call *other, struct kv_store_http_get_call *call, const kv_answer *answer)
{
#ifndef RIGHT
	return kv_store_http_get_reply(other, answer);
#endif
	(void)other;
	return kv_store_http_get_reply(call, answer);
}
