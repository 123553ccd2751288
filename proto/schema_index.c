/* schema_index.c - the full names of everything that a FileDescriptorSet declares. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/schema_private.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* One identifier, or with dots a package. */
static bool is_name(const char *name, bool dots)
{
	bool at_start = true;

	for (; *name; name++) {
		if (*name == '.' && dots && !at_start) {
			at_start = true;
			continue;
		}
		if (!is_letter(*name) && (at_start || *name < '0' || *name > '9'))
			return false;
		at_start = false;
	}
	return !at_start;
}

bool schema_join(char *buffer, const char *scope, const char *name)
{
	size_t n_scope = strlen(scope), n_name = strlen(name);

	if (!is_name(name, false) || n_scope + n_name + 1 > SCHEMA_NAME_MAX)
		return false;
	memmove(buffer, scope, n_scope);
	if (n_scope > 0)
		buffer[n_scope++] = '.';
	memcpy(buffer + n_scope, name, n_name + 1);
	return true;
}

static int grow(struct schema *schema)
{
	size_t size = schema->symbols_size ? schema->symbols_size * 2 : 64;
	void *symbols;

	if (schema->n_symbols < schema->symbols_size)
		return 0;
	symbols = reallocarray(schema->symbols, size, sizeof *schema->symbols);
	if (!symbols)
		return -ENOMEM;
	schema->symbols = symbols;
	schema->symbols_size = size;
	return 0;
}

/* Puts the name into symbol->name and keeps a copy of the symbol. */
static int add(struct schema *schema,
	       const char *scope,
	       const char *name,
	       struct schema_symbol *symbol)
{
	char full[SCHEMA_NAME_MAX + 1];
	int r;

	if (!name || !schema_join(full, scope, name))
		return -EBADMSG;
	symbol->name = arena_strdup(&schema->arena, full);
	if (!symbol->name)
		return -ENOMEM;
	r = grow(schema);
	if (r < 0)
		return r;
	schema->symbols[schema->n_symbols++] = *symbol;
	return 0;
}

static int add_enum(struct schema *schema,
		    const schema_file *file,
		    const char *scope,
		    const schema_enum_proto *enumeration)
{
	struct schema_symbol symbol = {.kind = SCHEMA_ENUM, .file = file};

	symbol.of.enumeration = enumeration;
	if (enumeration->n_value == 0)
		return -EBADMSG;
	for (size_t i = 0; i < enumeration->n_value; i++) {
		const Google__Protobuf__EnumValueDescriptorProto *value = enumeration->value[i];

		if (!value->has_number || !value->name || !is_name(value->name, false))
			return -EBADMSG;
	}
	return add(schema, scope, enumeration->name, &symbol);
}

static int add_fields(struct schema *schema,
		      const schema_file *file,
		      const char *scope,
		      const schema_message_proto *message)
{
	for (size_t i = 0; i < message->n_field; i++) {
		struct schema_symbol symbol = {.kind = SCHEMA_FIELD, .file = file};
		int r = add(schema, scope, message->field[i]->name, &symbol);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Recursive; the checked decode has bounded the depth. */
static int add_message(struct schema *schema,
		       const schema_file *file,
		       const char *scope,
		       const schema_message_proto *message)
{
	struct schema_symbol symbol = {.kind = SCHEMA_MESSAGE, .file = file};
	int r;

	symbol.type.message = message;
	r = add(schema, scope, message->name, &symbol);
	if (r < 0)
		return r;
	r = add_fields(schema, file, symbol.name, message);
	for (size_t i = 0; r >= 0 && i < message->n_enum_type; i++)
		r = add_enum(schema, file, symbol.name, message->enum_type[i]);
	for (size_t i = 0; r >= 0 && i < message->n_nested_type; i++)
		r = add_message(schema, file, symbol.name, message->nested_type[i]);
	return r;
}

static int add_service(struct schema *schema,
		       const schema_file *file,
		       const char *scope,
		       const schema_service_proto *service)
{
	struct schema_symbol symbol = {.kind = SCHEMA_SERVICE, .file = file};
	int r;

	symbol.of.service = service;
	r = add(schema, scope, service->name, &symbol);
	for (size_t i = 0; r >= 0 && i < service->n_method; i++) {
		struct schema_symbol method = {.kind = SCHEMA_METHOD, .file = file};

		r = add(schema, symbol.name, service->method[i]->name, &method);
	}
	return r;
}

static int add_file(struct schema *schema, const schema_file *file)
{
	const char *package = file->package ? file->package : "";
	int r = 0;

	if (!file->name || strlen(package) > SCHEMA_NAME_MAX ||
	    (*package && !is_name(package, true)))
		return -EBADMSG;
	for (size_t i = 0; r >= 0 && i < file->n_enum_type; i++)
		r = add_enum(schema, file, package, file->enum_type[i]);
	for (size_t i = 0; r >= 0 && i < file->n_message_type; i++)
		r = add_message(schema, file, package, file->message_type[i]);
	for (size_t i = 0; r >= 0 && i < file->n_service; i++)
		r = add_service(schema, file, package, file->service[i]);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct schema_symbol *first = a, *second = b;

	return strcmp(first->name, second->name);
}

int schema_index(struct schema *schema)
{
	for (size_t i = 0; i < schema->set->n_file; i++) {
		int r = add_file(schema, schema->set->file[i]);

		if (r < 0)
			return r;
	}
	if (schema->n_symbols == 0)
		return 0;
	qsort(schema->symbols, schema->n_symbols, sizeof *schema->symbols, compare);
	for (size_t i = 1; i < schema->n_symbols; i++)
		if (compare(&schema->symbols[i - 1], &schema->symbols[i]) == 0)
			return -EBADMSG;
	return 0;
}
