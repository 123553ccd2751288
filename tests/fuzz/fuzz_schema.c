/* fuzz_schema.c - what a plugin says of itself: its schema section, and its file as a whole, which
 * libelf reads. It is refused with a sentence, or all of it can be walked. Even first byte: schema;
 * odd: a file. */
#include <stdlib.h>
#include <string.h>

#include "proto/plugin_file.h"
#include "proto/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void walk_message(const struct schema *schema,
			 const char *scope,
			 const Google__Protobuf__DescriptorProto *message)
{
	char name[1024];
	const struct schema_type *type;

	require(snprintf(name, sizeof name, "%s%s%s", scope, *scope ? "." : "", message->name) > 0);
	if (strlen(name) + 1 == sizeof name)
		return;
	require(schema_message(schema, name) == message);
	require(schema_comment(schema, name) != NULL);
	type = schema_type(schema, name);
	require(type && type->message == message);
	for (size_t i = 0; i < message->n_field; i++) {
		const Google__Protobuf__FieldDescriptorProto *field = message->field[i];

		require(field->name && field->json_name);
		require(schema_field(type, (uint32_t)field->number) == field);
	}
	for (size_t i = 0; i < message->n_nested_type; i++)
		walk_message(schema, name, message->nested_type[i]);
}

static void walk(const uint8_t *data, size_t n)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	Google__Protobuf__FileDescriptorSet *set;

	if (schema_new(data, n, &schema) < 0)
		return;
	/* What was taken is a set; its messages are found under their names. */
	set = google__protobuf__file_descriptor_set__unpack(NULL, n, data);
	require(set != NULL);
	for (size_t i = 0; i < set->n_file; i++) {
		const char *package = set->file[i]->package ? set->file[i]->package : "";

		for (size_t j = 0; j < set->file[i]->n_message_type; j++) {
			char name[1024];
			const Google__Protobuf__DescriptorProto *found;

			(void)snprintf(name, sizeof name, "%s%s%s", package, *package ? "." : "",
				       set->file[i]->message_type[j]->name);
			found = schema_message(schema, name);
			if (strlen(name) + 1 < sizeof name) {
				require(found != NULL);
				walk_message(schema, package, found);
			}
		}
	}
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

static void read_file(const uint8_t *data, size_t n)
{
	_cleanup_(plugin_file_freep) struct plugin_file *file = NULL;
	char *copy = malloc(n + 1);
	Elf *elf;

	require(copy != NULL);
	memcpy(copy, data, n);
	(void)elf_version(EV_CURRENT);
	elf = elf_memory(copy, n);
	require(plugin_file_new("fuzz.so", elf, "not an ELF shared object", 0, &file) == 0);
	(void)elf_end(elf);
	if (file->error) {
		require(*file->error);
	} else {
		require(file->manifest && file->manifest->n_services > 0 && file->schema_len > 0);
		walk(file->schema, file->schema_len);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] % 2 == 0)
		walk(data + 1, n - 1);
	else
		read_file(data + 1, n - 1);
	return 0;
}
