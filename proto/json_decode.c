/* json_decode.c - JSON to wire bytes. Pure; recursion is bounded by json_enter. */
#include "proto/json_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
	const struct schema *schema;
	struct json_error *error;
	struct json_buffer out;
};

static int decode_message(struct decoder *decoder,
			  const char *name,
			  const struct json_value *object,
			  const struct json_place *at);

/* The field's value under either spelling; NULL: not there, or null. */
static const struct json_value *value_of(const json_field *field,
					 const struct json_value *object,
					 const char **ret_key)
{
	const struct json_value *value = json_member(object, field->json_name);

	*ret_key = field->json_name;
	if (!value) {
		value = json_member(object, field->name);
		*ret_key = field->name;
	}
	return value && value->what != JSON_IS_NULL ? value : NULL;
}

static const json_field *field_of_key(const struct schema_type *type, const char *key)
{
	for (size_t i = 0; i < type->message->n_field; i++) {
		const json_field *field = type->message->field[i];

		if (strcmp(key, field->json_name) == 0 || strcmp(key, field->name) == 0)
			return field;
	}
	return NULL;
}

/* Every key is a field, and none is there under both of its names. */
static int check_keys(const struct decoder *decoder,
		      const struct schema_type *type,
		      const struct json_value *object,
		      const struct json_place *place)
{
	for (const struct json_value *member = object->first; member; member = member->next) {
		const char *key = member->key;
		const json_field *field = field_of_key(type, key);
		struct json_place here = json_place_field(place, key);

		if (!field)
			return json_fail(decoder->error, &here, "there is no such field in %s",
					 type->name);
		if (strcmp(key, field->json_name) != 0 && json_member(object, field->json_name))
			return json_fail(decoder->error, &here,
					 "the field is there twice, also as %s", field->json_name);
	}
	return 0;
}

/* At most one member of a oneof may have a value. */
static int check_oneof(const struct decoder *decoder,
		       const struct schema_type *type,
		       size_t index,
		       const struct json_value *object,
		       const struct json_place *here)
{
	const json_field *field = type->fields[index];
	const char *key;

	for (size_t i = 0; field->has_oneof_index && i < index; i++) {
		const json_field *other = type->fields[i];

		if (other->has_oneof_index && other->oneof_index == field->oneof_index &&
		    value_of(other, object, &key))
			return json_fail(decoder->error, here,
					 "%s is there already; only one of them may be", key);
	}
	return 0;
}

static void put_key(struct decoder *decoder, const json_field *field, enum wire_type type)
{
	json_buffer_varint(&decoder->out, (uint64_t)field->number << 3 | type);
}

static void put_scalar(struct decoder *decoder,
		       enum wire_type type,
		       const struct json_scalar *scalar)
{
	uint64_t little = htole64(scalar->bits);

	if (type == WIRE_VARINT) {
		json_buffer_varint(&decoder->out, scalar->bits);
	} else if (type == WIRE_LENGTH) {
		json_buffer_varint(&decoder->out, scalar->n);
		json_buffer_put(&decoder->out, scalar->data, scalar->n);
	} else {
		json_buffer_put(&decoder->out, &little, type == WIRE_64 ? 8 : 4);
	}
}

static bool is_default(const json_field *field, const struct json_scalar *scalar)
{
	return json_wire_type(field) == WIRE_LENGTH ? scalar->n == 0 : scalar->bits == 0;
}

/* One value with its key; a default is left out where it may be. */
static int decode_value(struct decoder *decoder,
			const json_field *field,
			const struct json_value *value,
			bool omit_default,
			const struct json_place *here)
{
	struct json_scalar scalar;
	size_t start;
	int r;

	if (field->type == JSON_TYPE(MESSAGE)) {
		put_key(decoder, field, WIRE_LENGTH);
		start = decoder->out.n;
		r = decode_message(decoder, field->type_name + 1, value, here);
		json_buffer_prefix(&decoder->out, start);
		return r;
	}
	r = json_scalar_read(decoder->schema, field, value, here, decoder->error, &scalar);
	if (r < 0)
		return r;
	if (!omit_default || !is_default(field, &scalar)) {
		put_key(decoder, field, json_wire_type(field));
		put_scalar(decoder, json_wire_type(field), &scalar);
	}
	free(scalar.owned);
	return 0;
}

static bool is_packed(const struct schema_type *type, const json_field *field)
{
	if (json_wire_type(field) == WIRE_LENGTH)
		return false;
	if (field->options && field->options->has_packed)
		return field->options->packed;
	return type->is_proto3;
}

static int decode_packed(struct decoder *decoder,
			 const json_field *field,
			 const struct json_value *list,
			 const struct json_place *here)
{
	size_t start, i = 0;

	put_key(decoder, field, WIRE_LENGTH);
	start = decoder->out.n;
	for (const struct json_value *value = list->first; value; value = value->next) {
		struct json_place element = json_place_index(here, i++);
		struct json_scalar scalar;
		int r = json_scalar_read(decoder->schema, field, value, &element, decoder->error,
					 &scalar);

		if (r < 0)
			return r;
		put_scalar(decoder, json_wire_type(field), &scalar);
	}
	json_buffer_prefix(&decoder->out, start);
	return 0;
}

static int decode_list(struct decoder *decoder,
		       const struct schema_type *type,
		       const json_field *field,
		       const struct json_value *list,
		       const struct json_place *here)
{
	size_t i = 0;

	if (list->what != JSON_IS_LIST)
		return json_fail(decoder->error, here, "expected a list, got %s", json_kind(list));
	if (list->n_elements == 0)
		return 0;
	if (is_packed(type, field))
		return decode_packed(decoder, field, list, here);
	for (const struct json_value *value = list->first; value; value = value->next) {
		struct json_place element = json_place_index(here, i++);
		int r = decode_value(decoder, field, value, false, &element);

		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_entry(struct decoder *decoder,
			const struct schema_type *entry,
			const struct json_value *member,
			const struct json_place *place)
{
	struct json_place here = json_place_key(place, member->key);
	const struct schema_type *type;
	struct json_scalar scalar;
	int r;

	/* The entry is a message of its own on the wire, and counts as one. */
	r = json_enter(decoder->schema, entry->name, &here, decoder->error, &type);
	if (r < 0)
		return r;
	r = json_scalar_read_key(type->fields[0], member, &here, decoder->error, &scalar);
	if (r < 0)
		return r;
	put_key(decoder, type->fields[0], json_wire_type(type->fields[0]));
	put_scalar(decoder, json_wire_type(type->fields[0]), &scalar);
	return decode_value(decoder, type->fields[1], member, false, &here);
}

static int decode_map(struct decoder *decoder,
		      const json_field *field,
		      const struct schema_type *entry,
		      const struct json_value *object,
		      const struct json_place *here)
{
	if (object->what != JSON_IS_OBJECT)
		return json_fail(decoder->error, here, "expected an object, got %s",
				 json_kind(object));
	for (const struct json_value *member = object->first; member; member = member->next) {
		size_t start;
		int r;

		put_key(decoder, field, WIRE_LENGTH);
		start = decoder->out.n;
		r = decode_entry(decoder, entry, member, here);
		if (r < 0)
			return r;
		json_buffer_prefix(&decoder->out, start);
	}
	return 0;
}

static int decode_field(struct decoder *decoder,
			const struct schema_type *type,
			size_t index,
			const struct json_value *object,
			const struct json_place *place)
{
	const json_field *field = type->fields[index];
	const struct schema_type *entry = json_map_entry(decoder->schema, field);
	const char *key;
	const struct json_value *value = value_of(field, object, &key);
	struct json_place here = json_place_field(place, key);
	int r;

	if (!value && field->label == JSON_LABEL_REQUIRED)
		return json_fail(decoder->error, &here, "expected a value, got none");
	if (!value)
		return 0;
	r = check_oneof(decoder, type, index, object, &here);
	if (r < 0)
		return r;
	if (entry)
		return decode_map(decoder, field, entry, value, &here);
	if (json_is_repeated(field))
		return decode_list(decoder, type, field, value, &here);
	return decode_value(decoder, field, value, !json_has_presence(type, field), &here);
}

static int decode_message(struct decoder *decoder,
			  const char *name,
			  const struct json_value *object,
			  const struct json_place *at)
{
	struct json_place place = *at;
	const struct schema_type *type;
	int r;

	r = json_enter(decoder->schema, name, &place, decoder->error, &type);
	if (r < 0)
		return r;
	if (object->what != JSON_IS_OBJECT)
		return json_fail(decoder->error, at, "expected an object, got %s",
				 json_kind(object));
	r = check_keys(decoder, type, object, &place);
	for (size_t i = 0; r >= 0 && i < type->message->n_field; i++)
		r = decode_field(decoder, type, i, object, &place);
	return r;
}

int json_to_message(const struct schema *schema,
		    const char *type,
		    const char *json,
		    size_t n,
		    uint8_t **ret_bytes,
		    size_t *ret_n,
		    struct json_error *ret_error)
{
	struct decoder decoder = {.schema = schema, .error = ret_error};
	struct json_place top = {0};
	struct json_value document;
	struct arena arena = {0};
	int r;

	r = json_parse(json, n, &arena, ret_error, &document);
	if (r >= 0)
		r = decode_message(&decoder, type, &document, &top);
	arena_deinit(&arena);
	/* So that there is something to free for an empty message too. */
	json_buffer_put(&decoder.out, "", 1);
	if (r >= 0 && decoder.out.failed)
		r = -ENOMEM;
	if (r < 0) {
		free(decoder.out.data);
		return r;
	}
	*ret_bytes = decoder.out.data;
	*ret_n = decoder.out.n - 1;
	return 0;
}
