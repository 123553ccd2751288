/* Another method's handle answered on. expect: incompatible pointer type */
#include "kv.service.h"

wat_status answer(struct kv_store_put_call *call, const kv_answer *answer)
{
	return kv_store_http_get_reply(call, answer);
}
