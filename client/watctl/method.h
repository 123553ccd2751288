/* method.h - a method of a service as its schema has it. Pure. */
#ifndef WAT_WATCTL_METHOD_H
#define WAT_WATCTL_METHOD_H

#include <stdbool.h>

#include "proto/schema.h"

struct method {
	const char *name, *input, *output; /* full names of the messages; live with the schema */
	uint16_t number;                   /* on the wire */
	uint32_t flags;                    /* enum wat_method_flags */
	uint32_t deadline_ms;
};

typedef Google__Protobuf__ServiceDescriptorProto method_service;

/* i < service->n_method. */
void method_read(const method_service *service, size_t i, struct method *ret);
/* By its exact name. */
bool method_find(const method_service *service, const char *name, struct method *ret)
	WAT_MUST_CHECK;
/* "did you mean Increment?", or "it has Get, Increment and Reset". */
void method_suggest(const method_service *service, const char *name, char *ret_text, size_t size);

#endif
