/* method.c - a method of a service as its schema has it: the wat.MethodOptions are read from the
 * bytes of extension 50817, which google's own descriptor does not know. Pure. */
#include "client/watctl/method.h"

#include <stdio.h>
#include <string.h>

#include <wat/interface.h>

#include "client/watctl/suggest.h"
#include "proto/limits.h"
#include "proto/wire.h"

#define WAT_OPTION 50817u

/* Field numbers of wat.MethodOptions. */
enum { READ_ONLY = 1, LATER = 2, INTERNAL = 3, VALIDATES_FIRST = 4, DEADLINE_MS = 5 };

static uint32_t flag_of(uint32_t number)
{
	switch (number) {
	case READ_ONLY:
		return WAT_METHOD_READ_ONLY;
	case LATER:
		return WAT_METHOD_LATER;
	case INTERNAL:
		return WAT_METHOD_INTERNAL;
	case VALIDATES_FIRST:
		return WAT_METHOD_VALIDATES_FIRST;
	default:
		return 0;
	}
}

static void read_options(const uint8_t *bytes, size_t n, struct method *method)
{
	struct wire wire = wire_of(bytes, n);
	struct wire_field field;

	while (wire_next(&wire, &field) == 1) {
		uint32_t flag = flag_of(field.number);

		if (field.type != WIRE_VARINT)
			continue;
		if (field.number == DEADLINE_MS)
			method->deadline_ms = (uint32_t)field.value;
		else
			method->flags = field.value ? method->flags | flag : method->flags & ~flag;
	}
}

/* protobuf-c keeps the bytes of an unknown field with the length in front. */
static void read_unknown(const ProtobufCMessageUnknownField *unknown, struct method *method)
{
	size_t prefix = 0;

	if (unknown->tag != WAT_OPTION ||
	    unknown->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
		return;
	while (prefix < unknown->len && unknown->data[prefix] & 0x80)
		prefix++;
	if (prefix < unknown->len)
		read_options(unknown->data + prefix + 1, unknown->len - prefix - 1, method);
}

static const char *without_dot(const char *name)
{
	return name && *name == '.' ? name + 1 : name;
}

void method_read(const method_service *service, size_t i, struct method *ret)
{
	const Google__Protobuf__MethodDescriptorProto *method = service->method[i];

	*ret = (struct method){
		.name = method->name,
		.input = without_dot(method->input_type),
		.output = without_dot(method->output_type),
		.number = (uint16_t)i,
	};
	if (!method->options)
		return;
	for (unsigned j = 0; j < method->options->base.n_unknown_fields; j++)
		read_unknown(&method->options->base.unknown_fields[j], ret);
}

bool method_find(const method_service *service, const char *name, struct method *ret)
{
	for (size_t i = 0; i < service->n_method; i++) {
		if (strcmp(service->method[i]->name, name) != 0)
			continue;
		method_read(service, i, ret);
		return true;
	}
	return false;
}

static void list_all(const char *const *names, size_t n_names, char *text, size_t size)
{
	int used = snprintf(text, size, "it has ");

	for (size_t i = 0; i < n_names && used > 0 && (size_t)used < size; i++) {
		const char *between = i == 0 ? "" : i + 1 == n_names ? " and " : ", ";
		int n = snprintf(text + used, size - (size_t)used, "%s%s", between, names[i]);

		used = n < 0 ? n : used + n;
	}
}

void method_suggest(const method_service *service, const char *name, char *ret_text, size_t size)
{
	const char *names[WAT_METHODS_MAX] = {NULL}, *guess;
	size_t n = 0;

	for (; n < service->n_method && n < WAT_METHODS_MAX; n++)
		names[n] = service->method[n]->name;
	guess = suggest(name, names, n, sizeof names[0]);
	if (guess)
		(void)snprintf(ret_text, size, "did you mean %s?", guess);
	else if (n > 0)
		list_all(names, n, ret_text, size);
	else
		(void)snprintf(ret_text, size, "it has none");
}
