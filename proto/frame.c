/* frame.c - header in front of every body. Pure. */
#include "proto/frame.h"

const char *frame_type_name(uint8_t type)
{
	switch (type) {
#define TYPE_NAME(name, number) \
	case number:            \
		return #name;
		FRAME_TYPES(TYPE_NAME)
#undef TYPE_NAME
	default:
		return NULL;
	}
}
