/* overload.c - the limits that connections and BINDs meet. Pure. */
#include "proto/overload.h"

#include <stdio.h>

static const struct {
	const char *key, *sentence;
} limits[] = {
#define OVERLOAD_ROW(name, number, key, sentence) [number] = {key, sentence},
	OVERLOADS(OVERLOAD_ROW)
#undef OVERLOAD_ROW
};

const char *overload_key(unsigned number)
{
	return number < sizeof limits / sizeof *limits ? limits[number].key : NULL;
}

const char *overload_text(unsigned number, char ret[static OVERLOAD_TEXT_MAX])
{
	if (overload_key(number))
		(void)snprintf(ret, OVERLOAD_TEXT_MAX, "%s (%s)", limits[number].sentence,
			       limits[number].key);
	else
		(void)snprintf(ret, OVERLOAD_TEXT_MAX, "a limit is reached (number %u)", number);
	return ret;
}
