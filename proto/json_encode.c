/* json_encode.c - wire bytes to JSON. Pure; recursion is bounded by json_enter. */
#include "proto/json_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A few hundred megabytes at most: two bytes of an empty message may stand for a hundred values. */
#define VALUES_MAX (2u * 1024u * 1024u)

struct encoder {
	const struct schema *schema;
	struct json_error *error;
	size_t n_values;
};

static int encode_message(struct encoder *encoder,
			  const char *name,
			  struct wire wire,
			  const struct json_place *at,
			  json_t **ret_object);

static int count_value(struct encoder *encoder, const struct json_place *here)
{
	if (encoder->n_values++ < VALUES_MAX)
		return 0;
	return json_fail(encoder->error, here, "expected at most %u values, got more", VALUES_MAX);
}

/* What a field shows when the message does not have it: null is taken out at the end, until then it
 * keeps the field's place. A new reference. */
static int make_default(struct encoder *encoder,
			const struct schema_type *type,
			const json_field *field,
			const struct json_place *here,
			json_t **ret_json)
{
	const struct json_scalar zero = {0};
	json_t *json;

	if (!json_is_repeated(field) && !json_has_presence(type, field))
		return json_scalar_write(encoder->schema, field, &zero, here, encoder->error,
					 ret_json);
	if (!json_is_repeated(field))
		json = json_null();
	else
		json = json_map_entry(encoder->schema, field) ? json_object() : json_array();
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return 0;
}

static int set_default(struct encoder *encoder,
		       const struct schema_type *type,
		       const json_field *field,
		       const struct json_place *place,
		       json_t *object)
{
	struct json_place here = json_place_field(place, field->json_name);
	json_t *json;
	int r;

	r = count_value(encoder, &here);
	if (r < 0)
		return r;
	r = make_default(encoder, type, field, &here, &json);
	if (r < 0)
		return r;
	return json_object_set_new_nocheck(object, field->json_name, json) ? -ENOMEM : 0;
}

static int refuse_type(struct encoder *encoder,
		       enum wire_type expected,
		       enum wire_type got,
		       const struct json_place *here)
{
	return json_fail(encoder->error, here, "expected %s, got %s", wire_type_name(expected),
			 wire_type_name(got));
}

/* One value as it stands on the wire; a new reference. */
static int encode_value(struct encoder *encoder,
			const json_field *field,
			const struct wire_field *found,
			const struct json_place *here,
			json_t **ret_json)
{
	struct json_scalar scalar = {.bits = found->value, .data = found->data, .n = found->n};
	int r;

	if (found->type != json_wire_type(field))
		return refuse_type(encoder, json_wire_type(field), found->type, here);
	r = count_value(encoder, here);
	if (r < 0)
		return r;
	if (field->type == JSON_TYPE(MESSAGE))
		return encode_message(encoder, field->type_name + 1, wire_of(found->data, found->n),
				      here, ret_json);
	return json_scalar_write(encoder->schema, field, &scalar, here, encoder->error, ret_json);
}

static int append_value(struct encoder *encoder,
			const json_field *field,
			const struct wire_field *found,
			const struct json_place *place,
			json_t *list)
{
	struct json_place here = json_place_index(place, json_array_size(list));
	json_t *json;
	int r;

	r = encode_value(encoder, field, found, &here, &json);
	if (r < 0)
		return r;
	return json_array_append_new(list, json) ? -ENOMEM : 0;
}

static int append_packed(struct encoder *encoder,
			 const json_field *field,
			 const struct wire_field *found,
			 const struct json_place *place,
			 json_t *list)
{
	struct wire_field element = {.number = found->number, .type = json_wire_type(field)};
	struct wire wire = wire_of(found->data, found->n);
	int r;

	while ((r = wire_next_packed(&wire, element.type, &element.value)) > 0) {
		r = append_value(encoder, field, &element, place, list);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return json_fail(encoder->error, place, "expected %s, got %s", wire.expected,
				 wire.got);
	return 0;
}

/* The text that a map's key is in JSON. A new reference to a string. */
static json_t *key_text(const json_t *key)
{
	char *text;
	json_t *string;

	if (json_is_string(key))
		return json_incref((json_t *)(uintptr_t)key);
	if (json_print(key, &text) < 0)
		return NULL;
	string = json_string_nocheck(text);
	free(text);
	return string;
}

/* An entry is a message of two fields, either of which may be missing. */
static int put_entry(struct encoder *encoder,
		     const struct schema_type *entry,
		     const struct wire_field *found,
		     const struct json_place *place,
		     json_t *map)
{
	const json_field *value_field = entry->fields[1];
	json_auto_t *pair = NULL, *key = NULL, *value = NULL;
	struct json_place here = json_place_index(place, json_object_size(map));
	int r;

	if (found->type != WIRE_LENGTH)
		return refuse_type(encoder, WIRE_LENGTH, found->type, &here);
	r = encode_message(encoder, entry->name, wire_of(found->data, found->n), &here, &pair);
	if (r < 0)
		return r;
	key = key_text(json_object_get(pair, entry->fields[0]->json_name));
	value = json_incref(json_object_get(pair, value_field->json_name));
	if (!key)
		return -ENOMEM;
	if (!value) {
		r = encode_message(encoder, value_field->type_name + 1, wire_of(NULL, 0), &here,
				   &value);
		if (r < 0)
			return r;
	}
	return json_object_set_nocheck(map, json_string_value(key), value) ? -ENOMEM : 0;
}

/* The last member of a oneof that comes is the one that counts. */
static void clear_oneof(const struct schema_type *type, const json_field *field, json_t *object)
{
	for (size_t i = 0; field->has_oneof_index && i < type->message->n_field; i++) {
		const json_field *other = type->fields[i];

		if (other != field && other->has_oneof_index &&
		    other->oneof_index == field->oneof_index)
			(void)json_object_set_new_nocheck(object, other->json_name, json_null());
	}
}

/* A message that comes in several parts is all of them together, which is what their bytes one
 * behind the other say. */
static void gather(const struct wire_field *first, struct wire rest, struct json_buffer *parts)
{
	struct wire_field found;

	while (wire_next(&rest, &found) > 0) {
		if (found.number != first->number || found.type != WIRE_LENGTH)
			continue;
		if (parts->n == 0)
			json_buffer_put(parts, first->data, first->n);
		json_buffer_put(parts, found.data, found.n);
	}
}

static int encode_parts(struct encoder *encoder,
			const json_field *field,
			const struct wire_field *first,
			struct wire rest,
			const struct json_place *here,
			json_t **ret_json)
{
	struct json_buffer parts = {0};
	struct wire_field whole = *first;
	int r = -ENOMEM;

	if (first->type == WIRE_LENGTH)
		gather(first, rest, &parts);
	if (parts.n > 0) {
		whole.data = parts.data;
		whole.n = parts.n;
	}
	if (!parts.failed)
		r = encode_value(encoder, field, &whole, here, ret_json);
	free(parts.data);
	return r;
}

static int set_value(struct encoder *encoder,
		     const struct schema_type *type,
		     const json_field *field,
		     const struct wire_field *found,
		     const struct wire *rest,
		     const struct json_place *here,
		     json_t *object)
{
	bool is_message = field->type == JSON_TYPE(MESSAGE);
	json_t *json;
	int r;

	/* Was taken together with the first one. */
	if (is_message && found->type == WIRE_LENGTH &&
	    json_is_object(json_object_get(object, field->json_name)))
		return 0;
	r = is_message ? encode_parts(encoder, field, found, *rest, here, &json)
		       : encode_value(encoder, field, found, here, &json);
	if (r < 0)
		return r;
	clear_oneof(type, field, object);
	return json_object_set_new_nocheck(object, field->json_name, json) ? -ENOMEM : 0;
}

static int encode_field(struct encoder *encoder,
			const struct schema_type *type,
			const json_field *field,
			const struct wire_field *found,
			const struct wire *rest,
			const struct json_place *place,
			json_t *object)
{
	const struct schema_type *entry = json_map_entry(encoder->schema, field);
	struct json_place here = json_place_field(place, field->json_name);
	json_t *present = json_object_get(object, field->json_name);

	if (entry)
		return put_entry(encoder, entry, found, &here, present);
	if (!json_is_repeated(field))
		return set_value(encoder, type, field, found, rest, &here, object);
	if (found->type == WIRE_LENGTH && json_wire_type(field) != WIRE_LENGTH)
		return append_packed(encoder, field, found, &here, present);
	return append_value(encoder, field, found, &here, present);
}

/* What follows is no field any more; its key may still have been one. */
static int refuse_rest(struct encoder *encoder,
		       const struct schema_type *type,
		       const struct wire *wire,
		       const struct json_place *place)
{
	const json_field *field = schema_field(type, wire->number);
	struct json_place here = json_place_field(place, field ? field->json_name : "?");

	return json_fail(encoder->error, field ? &here : place, "expected %s, got %s",
			 wire->expected, wire->got);
}

static int encode_fields(struct encoder *encoder,
			 const struct schema_type *type,
			 struct wire *wire,
			 const struct json_place *place,
			 json_t *object)
{
	struct wire_field found;
	int r;

	while ((r = wire_next(wire, &found)) > 0) {
		const json_field *field = schema_field(type, found.number);

		if (!field)
			continue;
		r = encode_field(encoder, type, field, &found, wire, place, object);
		if (r < 0)
			return r;
	}
	return r < 0 ? refuse_rest(encoder, type, wire, place) : 0;
}

/* Takes out what only kept a place. */
static int finish(struct encoder *encoder,
		  const struct schema_type *type,
		  const struct json_place *place,
		  json_t *object)
{
	for (size_t i = 0; i < type->message->n_field; i++) {
		const json_field *field = type->fields[i];
		struct json_place here = json_place_field(place, field->json_name);

		if (!json_is_null(json_object_get(object, field->json_name)))
			continue;
		if (field->label == JSON_LABEL_REQUIRED)
			return json_fail(encoder->error, &here, "expected a value, got none");
		(void)json_object_del(object, field->json_name);
	}
	return 0;
}

static int encode_message(struct encoder *encoder,
			  const char *name,
			  struct wire wire,
			  const struct json_place *at,
			  json_t **ret_object)
{
	json_auto_t *object = NULL;
	struct json_place place = *at;
	const struct schema_type *type;
	int r;

	r = json_enter(encoder->schema, name, &place, encoder->error, &type);
	if (r < 0)
		return r;
	object = json_object();
	if (!object)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < type->message->n_field; i++)
		r = set_default(encoder, type, type->message->field[i], &place, object);
	if (r >= 0)
		r = encode_fields(encoder, type, &wire, &place, object);
	if (r >= 0)
		r = finish(encoder, type, &place, object);
	if (r < 0)
		return r;
	*ret_object = TAKE(object);
	return 0;
}

int json_from_message(const struct schema *schema,
		      const char *type,
		      const uint8_t *bytes,
		      size_t n,
		      char **ret_json,
		      struct json_error *ret_error)
{
	struct encoder encoder = {.schema = schema, .error = ret_error};
	json_auto_t *object = NULL;
	struct json_place top = {0};
	int r;

	r = encode_message(&encoder, type, wire_of(bytes, n), &top, &object);
	if (r < 0)
		return r;
	return json_print(object, ret_json);
}
