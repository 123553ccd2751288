/* request_check.c - is a request one that protoc could have made? */
#include "proto/gen/request_check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/model.h"
#include "proto/gen/names.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;

static bool is_name(const char *name)
{
	return name && name_is_word(name);
}

static bool check_message(const message_proto *message)
{
	if (!is_name(message->name))
		return false;
	for (size_t i = 0; i < message->n_field; i++)
		if (!is_name(message->field[i]->name))
			return false;
	for (size_t i = 0; i < message->n_nested_type; i++)
		if (!check_message(message->nested_type[i]))
			return false;
	return true;
}

static bool check_service(const service_proto *service)
{
	if (!is_name(service->name))
		return false;
	for (size_t i = 0; i < service->n_method; i++)
		if (!is_name(service->method[i]->name) || !service->method[i]->input_type ||
		    !service->method[i]->output_type)
			return false;
	return true;
}

static bool check_file(const file_proto *file)
{
	if (!file->name || !*file->name)
		return false;
	for (size_t i = 0; i < file->n_message_type; i++)
		if (!check_message(file->message_type[i]))
			return false;
	for (size_t i = 0; i < file->n_service; i++)
		if (!check_service(file->service[i]))
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

char *request_check(const request *in)
{
	for (size_t i = 0; i < in->n_proto_file; i++) {
		const char *name = in->proto_file[i]->name;

		if (!check_file(in->proto_file[i]))
			return name_format(
				"file %zu of the request, %s, has a thing without a name "
				"or with one that is none",
				i, name ? name : "itself nameless");
		if (!imports_earlier_only(in, i))
			return name_format("%s comes before a file that it imports", name);
	}
	return NULL;
}
