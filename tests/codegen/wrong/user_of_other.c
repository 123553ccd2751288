/* A User of another service. expect: incompatible pointer type */
#include "counter.client.h"
#include "kv.client.h"

int get(kv_store_user *other, counter_user *user)
{
#ifndef RIGHT
	return counter_get(other, NULL, NULL);
#endif
	(void)other;
	return counter_get(user, NULL, NULL);
}
