/* An internal method has no client function. expect: kv_cache_sweep */
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#include "kv.client.h"

int use(kv_cache_user *user)
{
#ifndef RIGHT
	return kv_cache_sweep(user, NULL, NULL);
#endif
	return kv_cache_take(user, NULL, NULL);
}
