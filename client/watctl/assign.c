/* assign.c - arguments as the fields of a message. Builds JSON with jansson; the values' own rules
 * are json_to_message's. */
#include "client/watctl/assign.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client/watctl/read_file.h"
#include "client/watctl/suggest.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name
#define NAMES_MAX 256u

typedef Google__Protobuf__FieldDescriptorProto field_proto;

/* One argument on its way through the message. */
struct walk {
	const struct schema *schema;
	const char *argument;
	const char *at;    /* what is left of the path */
	const char *end;   /* of the path */
	const char *value; /* behind = or := */
	bool raw;          /* := */
	struct json_error *error;
};

static int WAT_PRINTF(2, 3) refuse(const struct walk *walk, const char *format, ...)
{
	int n = (int)(walk->at - walk->argument);
	va_list arguments;

	while (n > 0 && walk->argument[n - 1] == '.')
		n--;
	(void)snprintf(walk->error->path, sizeof walk->error->path, "%.*s", n, walk->argument);
	va_start(arguments, format);
	(void)vsnprintf(walk->error->text, sizeof walk->error->text, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

/* Takes the value. */
static int put(json_t *object, const char *key, json_t *value)
{
	return value && json_object_set_new(object, key, value) == 0 ? 0 : -ENOMEM;
}

static int append(json_t *list, json_t *value)
{
	return value && json_array_append_new(list, value) == 0 ? 0 : -ENOMEM;
}

/* The value of a key, made when there is none: an object or a list, borrowed. */
static json_t *get_or_make(json_t *object, const char *key, json_t *(*make)(void))
{
	json_t *value = json_object_get(object, key);

	if (value)
		return value;
	return put(object, key, make()) == 0 ? json_object_get(object, key) : NULL;
}

/* Values. */

static json_t *base64(const void *bytes, size_t n)
{
	size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
	_cleanup_(freep) char *text = malloc(size);

	if (!text)
		return NULL;
	(void)sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
	return json_string(text);
}

static bool takes_file(const field_proto *field)
{
	return field->type == TYPE(STRING) || field->type == TYPE(BYTES);
}

static int bytes_value(const struct walk *walk,
		       const field_proto *field,
		       const char *bytes,
		       size_t n,
		       json_t **ret)
{
	if (field->type == TYPE(STRING) && !utf8_is_text((const uint8_t *)bytes, n))
		return refuse(walk, "expected UTF-8 without U+0000, got other bytes");
	*ret = field->type == TYPE(BYTES) ? base64(bytes, n) : json_stringn(bytes, n);
	return *ret ? 0 : -ENOMEM;
}

static int file_value(const struct walk *walk, const field_proto *field, json_t **ret)
{
	_cleanup_(freep) char *bytes = NULL;
	size_t n;
	int r = read_file(walk->value + 1, &bytes, &n);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return refuse(walk,
			      "%s can't be read: %s (a value that begins with @ is :='\"@...\"')",
			      walk->value + 1, strerror(-r));
	return bytes_value(walk, field, bytes, n, ret);
}

static int raw_value(const struct walk *walk, json_t **ret)
{
	json_error_t error;

	*ret = json_loads(walk->value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	return *ret ? 0
		    : refuse(walk, "expected JSON after :=, got \"%.40s\": %s", walk->value,
			     error.text);
}

static bool is_number(const char *text)
{
	size_t sign = *text == '-';

	return text[sign] && strspn(text + sign, "0123456789") == strlen(text + sign);
}

/* Numbers go as strings, which may be of any size; what is none is refused by who knows the type.
 */
static int text_value(const struct walk *walk, const field_proto *field, json_t **ret)
{
	const char *text = walk->value;

	if (takes_file(field))
		return *text == '@' ? file_value(walk, field, ret)
				    : bytes_value(walk, field, text, strlen(text), ret);
	if (field->type == TYPE(BOOL) && strcmp(text, "true") == 0)
		*ret = json_true();
	else if (field->type == TYPE(BOOL) && strcmp(text, "false") == 0)
		*ret = json_false();
	else if (field->type == TYPE(BOOL))
		return refuse(walk, "expected true or false, got \"%.40s\"", text);
	else if (field->type == TYPE(MESSAGE))
		return refuse(walk,
			      "is a %s: set its fields (%s.FIELD=VALUE), or give JSON (%s:=...)",
			      field->type_name + 1, field->name, field->name);
	else if (field->type == TYPE(ENUM) && is_number(text))
		*ret = json_integer(strtoll(text, NULL, 10));
	else
		*ret = json_string(text);
	return *ret ? 0 : refuse(walk, "expected UTF-8, got other bytes");
}

static int read_value(const struct walk *walk, const field_proto *field, json_t **ret)
{
	return walk->raw ? raw_value(walk, ret) : text_value(walk, field, ret);
}

/* Places. */

static int into_message(struct walk *walk, const char *type, json_t *object);

static bool at_end(const struct walk *walk)
{
	return walk->at == walk->end;
}

/* A sub-message or the value itself, for a key of an object. */
static int into_key(struct walk *walk, const field_proto *field, json_t *object, const char *key)
{
	json_t *value;
	int r;

	if (!at_end(walk) && field->type == TYPE(MESSAGE) && *walk->at == '.') {
		walk->at++;
		value = get_or_make(object, key, json_object);
		if (value && !json_is_object(value))
			return refuse(walk, "was given as JSON before");
		return value ? into_message(walk, field->type_name + 1, value) : -ENOMEM;
	}
	if (!at_end(walk))
		return refuse(walk, "has nothing inside: got \"%.*s\"", (int)(walk->end - walk->at),
			      walk->at);
	if (json_object_get(object, key))
		return refuse(walk, "was given twice");
	r = read_value(walk, field, &value);
	return r < 0 ? r : put(object, key, value);
}

/* ".KEY" or "[KEY]"; a key of messages ends at the next dot. */
static int take_key(struct walk *walk, const field_proto *value, char *key, size_t size)
{
	bool bracket = !at_end(walk) && *walk->at == '[';
	char stop = bracket ? ']' : value->type == TYPE(MESSAGE) ? '.' : '\0';
	const char *start = walk->at + 1, *end = start;

	if (at_end(walk) || (!bracket && *walk->at != '.'))
		return refuse(walk, "is a map: set its entries, such as %.*s.KEY=VALUE",
			      (int)(walk->end - walk->argument), walk->argument);
	while (end < walk->end && *end != stop)
		end++;
	if ((bracket && end == walk->end) || end == start || (size_t)(end - start) >= size)
		return refuse(walk, "expected a key, such as .KEY or [KEY]");
	memcpy(key, start, (size_t)(end - start));
	key[end - start] = '\0';
	walk->at = bracket ? end + 1 : end;
	return 0;
}

static int into_map(struct walk *walk,
		    const Google__Protobuf__DescriptorProto *entry,
		    json_t *object,
		    const char *name)
{
	const field_proto *value = entry->field[entry->field[0]->number == 2 ? 0 : 1];
	char key[256];
	json_t *map;
	int r = take_key(walk, value, key, sizeof key);

	if (r < 0)
		return r;
	map = get_or_make(object, name, json_object);
	if (!map)
		return -ENOMEM;
	return json_is_object(map) ? into_key(walk, value, map, key)
				   : refuse(walk, "was given as JSON before");
}

/* "", "[]" and "[N]": where the value goes; the list's length is one more. */
static int take_index(struct walk *walk, const json_t *list, size_t *ret_index)
{
	size_t n = json_array_size(list), index = 0;
	const char *at = walk->at;

	*ret_index = n;
	if (at_end(walk) || *at != '[')
		return 0;
	for (at++; at < walk->end && *at >= '0' && *at <= '9' && index <= n; at++)
		index = index * 10 + (size_t)(*at - '0');
	if (at == walk->end || *at != ']')
		return refuse(walk, "expected [] or [N], N at most %zu here", n);
	if (at > walk->at + 1)
		*ret_index = index;
	if (*ret_index > n)
		return refuse(walk, "has %zu entries so far; the next is [%zu]", n, n);
	walk->at = at + 1;
	return 0;
}

static int into_element(struct walk *walk, const field_proto *field, json_t *list, size_t index)
{
	json_t *value = json_array_get(list, index);

	walk->at++;
	if (!value && append(list, json_object()) < 0)
		return -ENOMEM;
	value = json_array_get(list, index);
	return json_is_object(value) ? into_message(walk, field->type_name + 1, value)
				     : refuse(walk, "was given as JSON before");
}

static int into_list(struct walk *walk, const field_proto *field, json_t *object)
{
	json_t *list = get_or_make(object, field->name, json_array), *value;
	size_t index;
	int r;

	if (!list)
		return -ENOMEM;
	if (!json_is_array(list))
		return refuse(walk, "was given as JSON before");
	r = take_index(walk, list, &index);
	if (r < 0)
		return r;
	if (!at_end(walk) && field->type == TYPE(MESSAGE) && *walk->at == '.')
		return into_element(walk, field, list, index);
	if (!at_end(walk))
		return refuse(walk, "is a list: got \"%.*s\"", (int)(walk->end - walk->at),
			      walk->at);
	if (index < json_array_size(list))
		return refuse(walk, "was given twice");
	r = read_value(walk, field, &value);
	return r < 0 ? r : append(list, value);
}

/* The whole list as JSON. */
static bool is_whole_list(const struct walk *walk, const json_t *object, const char *name)
{
	return walk->raw && at_end(walk) && *walk->value == '[' && !json_object_get(object, name);
}

static int into_field(struct walk *walk, const field_proto *field, json_t *object)
{
	const Google__Protobuf__DescriptorProto *message =
		field->type == TYPE(MESSAGE) ? schema_message(walk->schema, field->type_name + 1)
					     : NULL;
	json_t *value;
	int r;

	if (field->label != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED)
		return into_key(walk, field, object, field->name);
	if (message && schema_is_map_entry(message) && message->n_field == 2 &&
	    !(walk->raw && at_end(walk)))
		return into_map(walk, message, object, field->name);
	if (!is_whole_list(walk, object, field->name) && !(message && schema_is_map_entry(message)))
		return into_list(walk, field, object);
	r = raw_value(walk, &value);
	return r < 0 ? r : put(object, field->name, value);
}

static int refuse_field(struct walk *walk, const struct schema_type *type, const char *name)
{
	const char *names[NAMES_MAX] = {NULL}, *guess;
	size_t n = type->message->n_field < NAMES_MAX ? type->message->n_field : NAMES_MAX;

	for (size_t i = 0; i < n; i++)
		names[i] = type->message->field[i]->name;
	guess = suggest(name, names, n, sizeof names[0]);
	if (guess)
		return refuse(walk, "%s has no field \"%s\"; did you mean %s?", type->name, name,
			      guess);
	return refuse(walk, "%s has no field \"%s\"", type->name, name);
}

static const field_proto *find_field(const struct schema_type *type, const char *name)
{
	for (size_t i = 0; i < type->message->n_field; i++) {
		const field_proto *field = type->message->field[i];

		if (strcmp(field->name, name) == 0 || strcmp(field->json_name, name) == 0)
			return field;
	}
	return NULL;
}

static int into_message(struct walk *walk, const char *type_name, json_t *object)
{
	const struct schema_type *type = schema_type(walk->schema, type_name);
	size_t n = strcspn(walk->at, ".[:=");
	char name[128];
	const field_proto *field;

	if (!type)
		return refuse(walk, "the schema does not declare %s", type_name);
	if (n == 0 || n >= sizeof name)
		return refuse(walk, "expected the name of a field of %s", type_name);
	memcpy(name, walk->at, n);
	name[n] = '\0';
	field = find_field(type, name);
	if (!field)
		return refuse_field(walk, type, name);
	walk->at += n;
	return into_field(walk, field, object);
}

static int assign(struct walk *walk, const char *type, json_t *root)
{
	const char *equals = strchr(walk->argument, '=');

	walk->at = walk->argument;
	if (!equals)
		return refuse(walk,
			      "expected FIELD=VALUE, FIELD:=JSON, or JSON alone; got \"%.80s\"",
			      walk->argument);
	walk->raw = equals > walk->argument && equals[-1] == ':';
	walk->end = walk->raw ? equals - 1 : equals;
	walk->value = equals + 1;
	return into_message(walk, type, root);
}

int assign_to_json(const struct schema *schema,
		   const char *type,
		   char *const *arguments,
		   int n,
		   char **ret_json,
		   struct json_error *ret_error)
{
	json_auto_t *root = json_object();
	char *text;

	if (!root)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		struct walk walk = {.schema = schema, .argument = arguments[i], .error = ret_error};
		int r = assign(&walk, type, root);

		if (r < 0)
			return r;
	}
	text = json_dumps(root, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	*ret_json = text;
	return 0;
}
