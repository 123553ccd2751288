/* fuzz_json.c - JSON, wire bytes and schemas from anybody: no crash, and what is accepted survives
 * the way there and back. The first byte chooses: 'j' JSON text, 'm' a message's bytes, 's' a
 * schema, under which a message of each type is then read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "tests/unit/schema_example.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* The text of a message is read again as the same message. */
static void there_and_back(const struct schema *schema, const uint8_t *data, size_t n)
{
	_cleanup_(freep) char *first = NULL, *second = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct json_error error;
	size_t n_bytes;

	if (json_from_message(schema, "t.All", data, n, &first, &error) < 0)
		return;
	require(json_to_message(schema, "t.All", first, strlen(first), &bytes, &n_bytes, &error) ==
		0);
	require(json_from_message(schema, "t.All", bytes, n_bytes, &second, &error) == 0);
	require(strcmp(first, second) == 0);
}

static void read_json(const struct schema *schema, const uint8_t *data, size_t n)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct json_error error;
	size_t n_bytes;

	if (json_to_message(schema, "t.All", (const char *)data, n, &bytes, &n_bytes, &error) == 0)
		there_and_back(schema, bytes, n_bytes);
}

static void read_types(const struct schema *schema,
		       const Google__Protobuf__FileDescriptorProto *file)
{
	for (size_t i = 0; i < file->n_message_type; i++) {
		_cleanup_(freep) char *json = NULL;
		struct json_error error;
		char name[600];

		(void)snprintf(name, sizeof name, "%s%s%s", file->package ? file->package : "",
			       file->package && *file->package ? "." : "",
			       file->message_type[i]->name);
		(void)schema_comment(schema, name);
		if (json_from_message(schema, name, NULL, 0, &json, &error) < 0)
			continue;
	}
}

static void read_schema(const uint8_t *data, size_t n)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	Google__Protobuf__FileDescriptorSet *set;

	if (schema_new(data, n, &schema) < 0)
		return;
	set = google__protobuf__file_descriptor_set__unpack(NULL, n, data);
	for (size_t i = 0; set && i < set->n_file; i++)
		read_types(schema, set->file[i]);
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct schema *schema;

	if (!schema)
		schema = example_schema();
	if (n == 0)
		return 0;
	if (data[0] == 'j')
		read_json(schema, data + 1, n - 1);
	else if (data[0] == 'm')
		there_and_back(schema, data + 1, n - 1);
	else if (data[0] == 's')
		read_schema(data + 1, n - 1);
	return 0;
}
