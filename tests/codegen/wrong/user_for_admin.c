/* A User where an Admin is needed. expect: incompatible pointer type */
#include "counter.client.h"

int stop(counter_user *user)
{
	return counter_stop(user, NULL);
}
