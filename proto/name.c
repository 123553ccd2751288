/* name.c - names of instances and users. */
#include "proto/name.h"

#include <string.h>

#include "proto/limits.h"

bool name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= WAT_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n &&
	       !strchr("._-", name[0]);
}
