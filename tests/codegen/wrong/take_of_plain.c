/* A method that answers at once can't be taken. expect: kv_store_put_take */
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#include "kv.service.h"

wat_status take(struct kv_store_put_call *put, struct kv_store_http_get_call *get)
{
#ifndef RIGHT
	return kv_store_put_take(put);
#endif
	(void)put;
	return kv_store_http_get_take(get);
}
