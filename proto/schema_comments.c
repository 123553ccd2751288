/* schema_comments.c - what a .proto says about its services, methods, messages and fields in words.
 * Pure. descriptor.proto, SourceCodeInfo, says what the paths mean. */
#include <errno.h>
#include <string.h>

#include "proto/schema_private.h"

/* Numbers of fields in descriptor.proto. */
enum { FILE_MESSAGE = 4, FILE_ENUM = 5, FILE_SERVICE = 6 };
enum { MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4 };
enum { SERVICE_METHOD = 2 };

struct path {
	const int32_t *at;
	size_t n;
	char name[SCHEMA_NAME_MAX + 1]; /* of what the steps up to here lead to */
};

/* An index of fewer than n; false: it is none. */
static bool take_index(struct path *path, size_t n, size_t *ret_index)
{
	if (path->n == 0 || path->at[0] < 0 || (size_t)path->at[0] >= n)
		return false;
	*ret_index = (size_t)path->at[0];
	path->at++;
	path->n--;
	return true;
}

static int take_step(struct path *path)
{
	if (path->n == 0)
		return -1;
	path->n--;
	return *path->at++;
}

static bool go(struct path *path, const char *name)
{
	return schema_join(path->name, path->name, name);
}

static bool follow_enum(struct path *path, schema_enum_proto *const *enums, size_t n)
{
	size_t i;

	return take_index(path, n, &i) && go(path, enums[i]->name) && path->n == 0;
}

static bool follow_field(struct path *path, const schema_message_proto *message)
{
	size_t i;

	return take_index(path, message->n_field, &i) && go(path, message->field[i]->name) &&
	       path->n == 0;
}

static bool follow_message(struct path *path, schema_message_proto *const *messages, size_t n)
{
	size_t i;

	while (take_index(path, n, &i)) {
		const schema_message_proto *message = messages[i];

		if (!go(path, message->name))
			return false;
		if (path->n == 0)
			return true;
		switch (take_step(path)) {
		case MESSAGE_NESTED:
			messages = message->nested_type;
			n = message->n_nested_type;
			break;
		case MESSAGE_FIELD:
			return follow_field(path, message);
		case MESSAGE_ENUM:
			return follow_enum(path, message->enum_type, message->n_enum_type);
		default:
			return false;
		}
	}
	return false;
}

static bool follow_service(struct path *path, const schema_file *file)
{
	const schema_service_proto *service;
	size_t i;

	if (!take_index(path, file->n_service, &i))
		return false;
	service = file->service[i];
	if (!go(path, service->name))
		return false;
	if (path->n == 0)
		return true;
	return take_step(path) == SERVICE_METHOD && take_index(path, service->n_method, &i) &&
	       go(path, service->method[i]->name) && path->n == 0;
}

/* Paths also lead to options, numbers and names of types; those have no comment for us. */
static bool follow(struct path *path, const schema_file *file)
{
	switch (take_step(path)) {
	case FILE_MESSAGE:
		return follow_message(path, file->message_type, file->n_message_type);
	case FILE_ENUM:
		return follow_enum(path, file->enum_type, file->n_enum_type);
	case FILE_SERVICE:
		return follow_service(path, file);
	default:
		return false;
	}
}

/* protoc keeps the blank behind the slashes and the end of the last line. */
static const char *tidy(struct arena *arena, const char *text)
{
	char *copy = arena_alloc(arena, strlen(text) + 1), *to = copy;
	bool at_start = true;

	if (!copy)
		return NULL;
	for (; *text; text++) {
		if (!(at_start && *text == ' '))
			*to++ = *text;
		at_start = *text == '\n';
	}
	while (to > copy && (to[-1] == '\n' || to[-1] == ' '))
		to--;
	*to = '\0';
	return copy;
}

static int read_location(struct schema *schema,
			 const schema_file *file,
			 const Google__Protobuf__SourceCodeInfo__Location *location)
{
	const char *text = location->leading_comments ? location->leading_comments
						      : location->trailing_comments;
	struct path path = {.at = location->path, .n = location->n_path};
	struct schema_symbol *symbol;

	if (!text)
		return 0;
	if (file->package)
		memcpy(path.name, file->package, strlen(file->package) + 1);
	if (!follow(&path, file))
		return 0;
	symbol = schema_find(schema, path.name);
	if (!symbol)
		return 0;
	symbol->comment = tidy(&schema->arena, text);
	return symbol->comment ? 0 : -ENOMEM;
}

int schema_read_comments(struct schema *schema)
{
	for (size_t i = 0; i < schema->set->n_file; i++) {
		const schema_file *file = schema->set->file[i];
		const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;

		for (size_t k = 0; info && k < info->n_location; k++) {
			int r = read_location(schema, file, info->location[k]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}
