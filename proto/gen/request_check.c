/* request_check.c - is a request one that protoc could have made? */
#include "proto/gen/request_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "proto/gen/model.h"
#include "proto/gen/names.h"
#include "proto/utf8.h"
#include "proto/wire.h"

/* Numbers of fields in plugin.proto and descriptor.proto. */
#define PROTO_FILE 15u
#define FILE_NAME 1u

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;

static bool is_name(const char *name)
{
	return name && name_is_word(name);
}

static bool message_has_names(const message_proto *message)
{
	if (!is_name(message->name))
		return false;
	for (size_t i = 0; i < message->n_field; i++)
		if (!is_name(message->field[i]->name))
			return false;
	for (size_t i = 0; i < message->n_oneof_decl; i++)
		if (!is_name(message->oneof_decl[i]->name))
			return false;
	for (size_t i = 0; i < message->n_nested_type; i++)
		if (!message_has_names(message->nested_type[i]))
			return false;
	return true;
}

static bool service_has_names(const service_proto *service)
{
	if (!is_name(service->name))
		return false;
	for (size_t i = 0; i < service->n_method; i++)
		if (!is_name(service->method[i]->name) || !service->method[i]->input_type ||
		    !service->method[i]->output_type)
			return false;
	return true;
}

/* It stands in comments and in strings of the output. */
static bool is_file_name(const char *name)
{
	if (!name || !*name || strstr(name, "*/"))
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '"' || *c == '\\')
			return false;
	return true;
}

static bool file_has_names(const file_proto *file)
{
	if (file->package && *file->package && !name_is_path(file->package))
		return false;
	for (size_t i = 0; i < file->n_message_type; i++)
		if (!message_has_names(file->message_type[i]))
			return false;
	for (size_t i = 0; i < file->n_service; i++)
		if (!service_has_names(file->service[i]))
			return false;
	return true;
}

/* protoc lists files after those that they import: whoever does so can't import itself. */
static bool imports_earlier_only(const request *in, size_t n)
{
	const file_proto *file = in->proto_file[n];

	for (size_t i = 0; i < file->n_dependency; i++)
		for (size_t j = n; j < in->n_proto_file; j++)
			if (in->proto_file[j]->name &&
			    strcmp(in->proto_file[j]->name, file->dependency[i]) == 0)
				return false;
	return true;
}

static bool is_listed_before(const request *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(in->proto_file[i]->name, in->proto_file[n]->name) == 0)
			return true;
	return false;
}

/* The n-th field of this number, or none: of the type WIRE_LENGTH, in bytes that may end anywhere.
 */
static bool find_field(struct wire wire, uint32_t number, size_t n, struct wire_field *ret)
{
	while (wire_next(&wire, ret) > 0)
		if (ret->number == number && ret->type == WIRE_LENGTH && n-- == 0)
			return true;
	return false;
}

/* A file that is not UTF-8 is its author's mistake, who wants to know which it is. */
static char *describe(const struct check_error *error, const uint8_t *bytes, size_t n)
{
	struct wire_field file, name;
	char text[512];
	size_t number;

	check_error_format(error, text, sizeof text);
	if (sscanf(error->path, "proto_file[%zu]", &number) != 1 ||
	    !find_field(wire_of(bytes, n), PROTO_FILE, number, &file) ||
	    !find_field(wire_of(file.data, file.n), FILE_NAME, 0, &name) ||
	    !utf8_is_text(name.data, name.n))
		return name_format("no request of protoc: %s", text);
	return name_format("%.*s: error: %s", (int)name.n, (const char *)name.data, text);
}

request *request_read(const uint8_t *bytes, size_t n, char **ret_problem)
{
	struct check_error error;
	ProtobufCMessage *message;
	int r = check_unpack(&google__protobuf__compiler__code_generator_request__descriptor, NULL,
			     bytes, n, &message, &error);

	if (r == 0)
		return (request *)message;
	*ret_problem = r == -EBADMSG ? describe(&error, bytes, n) : name_format("%s", strerror(-r));
	return NULL;
}

char *request_check(const request *in)
{
	for (size_t i = 0; i < in->n_proto_file; i++) {
		const char *name = in->proto_file[i]->name;

		if (!is_file_name(name))
			return name_format("file %zu of the request has no name, or one that can't "
					   "be written into the output",
					   i);
		if (!file_has_names(in->proto_file[i]))
			return name_format(
				"file %zu of the request, %s, has a thing without a name "
				"or with one that is none",
				i, name);
		if (is_listed_before(in, i))
			return name_format("%s is twice in the request", name);
		if (!imports_earlier_only(in, i))
			return name_format("%s comes before a file that it imports", name);
	}
	return NULL;
}
