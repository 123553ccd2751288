/* schema.c - reading a FileDescriptorSet, and looking things up in it. Any thread; the caller owns
 * the schema. */
#include "proto/schema.h"

#include <errno.h>
#include <string.h>

#include "proto/check.h"
#include "proto/limits.h"
#include "proto/schema_private.h"

/* A set of the largest size takes about a tenth of this when it is an honest one. */
#define SCHEMA_MEMORY_MAX (64u * 1024u * 1024u)

struct schema *schema_free(struct schema *schema)
{
	if (!schema)
		return NULL;
	arena_deinit(&schema->arena);
	free(schema->symbols);
	free(schema);
	return NULL;
}

int schema_new(const uint8_t *bytes, size_t n, struct schema **ret_schema)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	ProtobufCMessage *set;
	int r;

	if (n > WAT_SCHEMA_MAX)
		return -EBADMSG;
	schema = calloc(1, sizeof *schema);
	if (!schema)
		return -ENOMEM;
	arena_init(&schema->arena, SCHEMA_MEMORY_MAX);
	r = check_unpack(&google__protobuf__file_descriptor_set__descriptor,
			 &schema->arena.allocator, bytes, n, &set, NULL);
	if (r < 0)
		return r;
	schema->set = (Google__Protobuf__FileDescriptorSet *)(void *)set;
	r = schema_index(schema);
	if (r < 0)
		return r;
	r = schema_resolve(schema);
	if (r < 0)
		return r;
	r = schema_read_comments(schema);
	if (r < 0)
		return r;
	*ret_schema = TAKE(schema);
	return 0;
}

struct schema_symbol *schema_find(const struct schema *schema, const char *name)
{
	size_t low = 0, high = schema->n_symbols;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, schema->symbols[middle].name);

		if (order == 0)
			return &schema->symbols[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct schema_symbol *find_kind(const struct schema *schema,
					     const char *name,
					     enum schema_kind kind)
{
	const struct schema_symbol *symbol = schema_find(schema, name);

	return symbol && symbol->kind == kind ? symbol : NULL;
}

const struct schema_type *schema_type(const struct schema *schema, const char *name)
{
	const struct schema_symbol *symbol = find_kind(schema, name, SCHEMA_MESSAGE);

	return symbol ? &symbol->type : NULL;
}

const Google__Protobuf__DescriptorProto *schema_message(const struct schema *schema,
							const char *name)
{
	const struct schema_type *type = schema_type(schema, name);

	return type ? type->message : NULL;
}

const Google__Protobuf__EnumDescriptorProto *schema_enum(const struct schema *schema,
							 const char *name)
{
	const struct schema_symbol *symbol = find_kind(schema, name, SCHEMA_ENUM);

	return symbol ? symbol->of.enumeration : NULL;
}

const Google__Protobuf__ServiceDescriptorProto *schema_service(const struct schema *schema,
							       const char *name)
{
	const struct schema_symbol *symbol = find_kind(schema, name, SCHEMA_SERVICE);

	return symbol ? symbol->of.service : NULL;
}

const Google__Protobuf__FileDescriptorProto *schema_file_of(const struct schema *schema,
							    const char *name)
{
	const struct schema_symbol *symbol = schema_find(schema, name);

	return symbol ? symbol->file : NULL;
}

const char *schema_comment(const struct schema *schema, const char *name)
{
	const struct schema_symbol *symbol = schema_find(schema, name);

	return symbol && symbol->comment ? symbol->comment : "";
}

const char *schema_state(const struct schema *schema, const char *service)
{
	const struct schema_symbol *symbol = find_kind(schema, service, SCHEMA_SERVICE);

	return symbol ? symbol->state : NULL;
}

const Google__Protobuf__FieldDescriptorProto *schema_field(const struct schema_type *type,
							   uint32_t number)
{
	size_t low = 0, high = type->message->n_field;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t at = (uint32_t)type->fields[middle]->number;

		if (at == number)
			return type->fields[middle];
		if (number < at)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool schema_is_map_entry(const Google__Protobuf__DescriptorProto *message)
{
	return message->options && message->options->has_map_entry && message->options->map_entry;
}
