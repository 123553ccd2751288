/* schema_resolve.c - is what a FileDescriptorSet says about fields, types and methods true? Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema_private.h"
#include "proto/support/bytes.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#define STATE_OPTION 50817u
#define FIRST_TYPE GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE
#define LAST_TYPE GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64
#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name
#define LABEL(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_##name

/* protoc writes every reference in full, with a leading dot. */
static bool refers_to(const struct schema *schema, const char *reference, enum schema_kind kind)
{
	const struct schema_symbol *symbol;

	if (!reference || reference[0] != '.')
		return false;
	symbol = schema_find(schema, reference + 1);
	return symbol ? symbol->kind == kind : schema->is_partial;
}

static bool has_good_type(const struct schema *schema, const schema_field_proto *field)
{
	if (!field->has_type || field->type < FIRST_TYPE || field->type > LAST_TYPE)
		return false;
	if (field->type == TYPE(MESSAGE))
		return refers_to(schema, field->type_name, SCHEMA_MESSAGE);
	if (field->type == TYPE(ENUM))
		return refers_to(schema, field->type_name, SCHEMA_ENUM);
	return field->type != TYPE(GROUP);
}

static bool is_good_field(const struct schema *schema,
			  const schema_message_proto *message,
			  const schema_field_proto *field)
{
	if (!field->has_number || field->number < 1 || (uint32_t)field->number > WIRE_NUMBER_MAX)
		return false;
	if (!field->has_label || field->label < LABEL(OPTIONAL) || field->label > LABEL(REPEATED))
		return false;
	if (field->has_oneof_index &&
	    (field->oneof_index < 0 || (size_t)field->oneof_index >= message->n_oneof_decl ||
	     field->label != LABEL(OPTIONAL)))
		return false;
	return has_good_type(schema, field);
}

static bool is_good_key(const schema_field_proto *field)
{
	return field->type != TYPE(DOUBLE) && field->type != TYPE(FLOAT) &&
	       field->type != TYPE(BYTES) && field->type != TYPE(MESSAGE) &&
	       field->type != TYPE(ENUM);
}

static bool is_good_map_entry(const struct schema_type *type)
{
	return type->message->n_field == 2 && type->fields[0]->number == 1 &&
	       type->fields[1]->number == 2 && type->fields[0]->label == LABEL(OPTIONAL) &&
	       type->fields[1]->label == LABEL(OPTIONAL) && is_good_key(type->fields[0]);
}

/* As protoc does it: an underscore goes and the letter behind it becomes a capital. */
static char *camel_case(struct arena *arena, const char *name)
{
	char *json_name = arena_alloc(arena, strlen(name) + 1), *to = json_name;

	if (!json_name)
		return NULL;
	for (bool capital = false; *name; name++) {
		bool is_lower = *name >= 'a' && *name <= 'z';

		if (*name != '_')
			*to++ = capital && is_lower ? (char)(*name - 'a' + 'A') : *name;
		capital = *name == '_';
	}
	return json_name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_doubles(const char **names, size_t n)
{
	qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return true;
	return false;
}

/* A field answers to two spellings in JSON, which often are the same. */
static int name_fields(struct schema *schema, const schema_message_proto *message)
{
	const char **keys = arena_alloc(&schema->arena, 2 * message->n_field * sizeof *keys);
	size_t n = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < message->n_field; i++) {
		schema_field_proto *field = message->field[i];

		if (!field->json_name || !*field->json_name)
			field->json_name = camel_case(&schema->arena, field->name);
		if (!field->json_name)
			return -ENOMEM;
		keys[n++] = field->name;
		if (strcmp(field->name, field->json_name) != 0)
			keys[n++] = field->json_name;
	}
	return has_doubles(keys, n) ? -EBADMSG : 0;
}

static int compare(const void *a, const void *b)
{
	const schema_field_proto *const *first = a, *const *second = b;

	return ((*first)->number > (*second)->number) - ((*first)->number < (*second)->number);
}

static int resolve_message(struct schema *schema, struct schema_symbol *symbol)
{
	struct schema_type *type = &symbol->type;
	size_t n = type->message->n_field;

	type->name = symbol->name;
	type->is_proto3 = symbol->file->syntax && strcmp(symbol->file->syntax, "proto3") == 0;
	type->fields = arena_alloc(&schema->arena, n * sizeof(void *));
	if (!type->fields)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		type->fields[i] = type->message->field[i];
		if (!is_good_field(schema, type->message, type->fields[i]))
			return -EBADMSG;
	}
	qsort(type->fields, n, sizeof(void *), compare);
	for (size_t i = 1; i < n; i++)
		if (type->fields[i - 1]->number == type->fields[i]->number)
			return -EBADMSG;
	if (schema_is_map_entry(type->message) && !is_good_map_entry(type))
		return -EBADMSG;
	return name_fields(schema, type->message);
}

/* Field 1, state, of the option's message; the last one counts. */
static int read_state(struct schema *schema, struct schema_symbol *symbol, struct wire wire)
{
	struct wire_field field;
	char *state;
	int r;

	while ((r = wire_next(&wire, &field)) > 0) {
		if (field.number != 1)
			continue;
		if (field.type != WIRE_LENGTH || field.n == 0 || !utf8_is_text(field.data, field.n))
			return -EBADMSG;
		state = arena_alloc(&schema->arena, field.n + 1);
		if (!state)
			return -ENOMEM;
		memcpy(state, field.data, field.n);
		symbol->state = state;
	}
	return r;
}

/* An option that descriptor.proto does not know arrives as an unknown field: its length, then its
 * bytes. */
static int read_options(struct schema *schema, struct schema_symbol *symbol)
{
	const Google__Protobuf__ServiceOptions *options = symbol->of.service->options;
	const ProtobufCMessageUnknownField *field;

	for (size_t i = 0; options && i < options->base.n_unknown_fields; i++) {
		struct wire wire;
		uint64_t length;
		int r;

		field = &options->base.unknown_fields[i];
		if (field->tag != STATE_OPTION)
			continue;
		if (field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			return -EBADMSG;
		wire = wire_of(field->data, field->len);
		r = wire_next_packed(&wire, WIRE_VARINT, &length);
		if (r < 0)
			return r;
		r = read_state(schema, symbol, wire);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resolve_service(struct schema *schema, struct schema_symbol *symbol)
{
	const schema_service_proto *service = symbol->of.service;
	const struct schema_symbol *state;
	int r;

	for (size_t i = 0; i < service->n_method; i++)
		if (!refers_to(schema, service->method[i]->input_type, SCHEMA_MESSAGE) ||
		    !refers_to(schema, service->method[i]->output_type, SCHEMA_MESSAGE))
			return -EBADMSG;
	r = read_options(schema, symbol);
	if (r < 0 || !symbol->state)
		return r;
	state = schema_find(schema, symbol->state);
	if (state ? state->kind == SCHEMA_MESSAGE : schema->is_partial)
		return 0;
	return -EBADMSG;
}

/* Sets is_partial. */
static int look_for_gaps(struct schema *schema)
{
	const Google__Protobuf__FileDescriptorSet *set = schema->set;
	const char **names = arena_alloc(&schema->arena, set->n_file * sizeof *names);

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_file; i++)
		names[i] = set->file[i]->name;
	if (has_doubles(names, set->n_file))
		return -EBADMSG;
	for (size_t i = 0; i < set->n_file; i++)
		for (size_t k = 0; k < set->file[i]->n_dependency; k++)
			if (!bsearch(&set->file[i]->dependency[k], names, set->n_file,
				     sizeof *names, compare_names))
				schema->is_partial = true;
	return 0;
}

int schema_resolve(struct schema *schema)
{
	int r;

	r = look_for_gaps(schema);
	for (size_t i = 0; r >= 0 && i < schema->n_symbols; i++) {
		struct schema_symbol *symbol = &schema->symbols[i];

		if (symbol->kind == SCHEMA_MESSAGE)
			r = resolve_message(schema, symbol);
		else if (symbol->kind == SCHEMA_SERVICE)
			r = resolve_service(schema, symbol);
	}
	return r;
}
