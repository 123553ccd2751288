/* A callback of another method. expect: kv_store_http_get_done */
#include "kv.client.h"

static void on_put(void *arg, int status, const wat_empty *out, const struct wat_failure *failure)
{
	(void)arg, (void)status, (void)out, (void)failure;
}

#ifdef RIGHT
#define kv_store_http_get_send kv_store_put_send
#endif

int put(kv_store_user *user)
{
	return kv_store_http_get_send(user, NULL, on_put, NULL);
}
