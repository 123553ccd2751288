/* A User where an Admin is needed. expect: incompatible pointer type */
#include "counter.client.h"

int stop(counter_user *user, counter_admin *admin)
{
#ifndef RIGHT
	return counter_stop(user, NULL);
#endif
	(void)user;
	return counter_stop(admin, NULL);
}
