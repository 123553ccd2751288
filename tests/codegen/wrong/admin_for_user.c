/* An Admin where a User is needed. expect: incompatible pointer type */
#include "counter.client.h"

int get(counter_admin *admin)
{
	return counter_get(admin, NULL, NULL);
}
