/* status.c - names and sentences of the statuses. Pure. */
#include "proto/status.h"

/* Seen from outside libwat, which is made of this file too. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED const char *wat_status_name(int status)
{
	switch (status) {
#define STATUS_NAME(name, number, text) \
	case number:                    \
		return #name;
		WAT_STATUSES(STATUS_NAME)
#undef STATUS_NAME
	default:
		return "UNKNOWN";
	}
}

EXPORTED const char *wat_status_text(int status)
{
	switch (status) {
#define STATUS_TEXT(name, number, text) \
	case number:                    \
		return text;
		WAT_STATUSES(STATUS_TEXT)
#undef STATUS_TEXT
	default:
		return "failed in a way that has no name here";
	}
}
