/* A request of another method. expect: incompatible pointer type */
#include "kv.client.h"

int put(kv_store_user *user, const kv_answer *answer, const kv_item *item)
{
#ifndef RIGHT
	return kv_store_put(user, answer, NULL);
#endif
	(void)answer;
	return kv_store_put(user, item, NULL);
}
