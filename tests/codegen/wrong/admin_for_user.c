/* An Admin where a User is needed. expect: incompatible pointer type */
#include "counter.client.h"

int get(counter_admin *admin, counter_user *user)
{
#ifndef RIGHT
	return counter_get(admin, NULL, NULL);
#endif
	(void)admin;
	return counter_get(user, NULL, NULL);
}
