/* flat.c - messages of single numbers. Pure. */
#include "proto/flat.h"

#include <string.h>

#include "proto/support/bytes.h"
#include "proto/wire.h"

static bool is_flat(const ProtobufCFieldDescriptor *field)
{
	return (field->label == PROTOBUF_C_LABEL_NONE ||
		field->label == PROTOBUF_C_LABEL_OPTIONAL) &&
	       !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
	       field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES &&
	       field->type != PROTOBUF_C_TYPE_MESSAGE;
}

static uint32_t get32(const void *member)
{
	uint32_t value;

	memcpy(&value, member, sizeof value);
	return value;
}

static uint64_t get64(const void *member)
{
	uint64_t value;

	memcpy(&value, member, sizeof value);
	return value;
}

/* The member's number as it stands on the wire. */
static uint64_t load(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return (uint64_t)(int64_t)(int32_t)get32(member);
	case PROTOBUF_C_TYPE_SINT32:
		return get32(member) << 1 ^ (get32(member) >> 31 ? UINT32_MAX : 0);
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FLOAT:
		return get32(member);
	case PROTOBUF_C_TYPE_SINT64:
		return get64(member) << 1 ^ (get64(member) >> 63 ? UINT64_MAX : 0);
	case PROTOBUF_C_TYPE_BOOL:
		return get32(member) != 0;
	default:
		return get64(member);
	}
}

static void store(const ProtobufCFieldDescriptor *field, uint64_t value, void *member)
{
	uint32_t low = (uint32_t)value;

	_Static_assert(sizeof(protobuf_c_boolean) == 4, "as load and store take it to be");
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		low = value != 0;
		break;
	case PROTOBUF_C_TYPE_SINT32:
		low = low >> 1 ^ (low & 1 ? UINT32_MAX : 0);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FLOAT:
		break;
	default:
		if (field->type == PROTOBUF_C_TYPE_SINT64)
			value = value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
		memcpy(member, &value, sizeof value);
		return;
	}
	memcpy(member, &low, sizeof low);
}

/* proto3 leaves out what is zero; of floats both zeros are. */
static bool is_zero(const ProtobufCFieldDescriptor *field, uint64_t value)
{
	if (field->type == PROTOBUF_C_TYPE_FLOAT)
		return (value & INT32_MAX) == 0;
	if (field->type == PROTOBUF_C_TYPE_DOUBLE)
		return (value & INT64_MAX) == 0;
	return value == 0;
}

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
	while (value >= 0x80) {
		*out++ = (uint8_t)value | 0x80;
		value >>= 7;
	}
	*out++ = (uint8_t)value;
	return out;
}

static uint8_t *put(uint8_t *out, const ProtobufCFieldDescriptor *field, uint64_t value)
{
	enum wire_type type = wire_type_of(field);

	out = put_varint(out, (uint64_t)field->id << 3 | type);
	switch (type) {
	case WIRE_32:
		bytes_put32(out, (uint32_t)value);
		return out + 4;
	case WIRE_64:
		bytes_put64(out, value);
		return out + 8;
	case WIRE_VARINT:
	case WIRE_LENGTH:
	default:
		return put_varint(out, value);
	}
}

static const void *member_of(const ProtobufCMessage *message, unsigned offset)
{
	return (const uint8_t *)message + offset;
}

static bool is_there(const ProtobufCMessage *message,
		     const ProtobufCFieldDescriptor *field,
		     uint64_t value)
{
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
		return get32(member_of(message, field->quantifier_offset)) != 0;
	return !is_zero(field, value);
}

bool flat_pack(const ProtobufCMessage *message, uint8_t out[static FLAT_PACKED_MAX], size_t *ret_n)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint8_t *at = out;

	if (descriptor->n_fields > FLAT_FIELDS_MAX || message->n_unknown_fields > 0)
		return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		uint64_t value;

		if (!is_flat(field))
			return false;
		value = load(field, member_of(message, field->offset));
		if (is_there(message, field, value))
			at = put(at, field, value);
	}
	*ret_n = (size_t)(at - out);
	return true;
}

/* A field that has to be there would have to be looked for. */
static bool is_simple(const ProtobufCMessageDescriptor *descriptor)
{
	if (descriptor->n_fields > FLAT_FIELDS_MAX || !descriptor->message_init ||
	    descriptor->sizeof_message > sizeof(union flat_message))
		return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (descriptor->fields[i].label == PROTOBUF_C_LABEL_REQUIRED)
			return false;
	return true;
}

static const ProtobufCFieldDescriptor *find(const ProtobufCMessageDescriptor *descriptor,
					    uint32_t number)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (descriptor->fields[i].id == number)
			return &descriptor->fields[i];
	return NULL;
}

struct reader {
	const uint8_t *at, *end;
};

/* At most max bytes; of the tenth only the lowest bit counts. */
static bool get_long_varint(struct reader *reader, unsigned max, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < max && reader->at < reader->end; i++) {
		uint8_t byte = *reader->at++;

		if (i == WIRE_VARINT_MAX - 1 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* Most have one byte. */
static inline bool get_varint(struct reader *reader, unsigned max, uint64_t *ret_value)
{
	if (reader->at == reader->end || *reader->at >= 0x80)
		return get_long_varint(reader, max, ret_value);
	*ret_value = *reader->at++;
	return true;
}

static bool get_fixed(struct reader *reader, size_t n, uint64_t *ret_value)
{
	if ((size_t)(reader->end - reader->at) < n)
		return false;
	*ret_value = n == 4 ? bytes_get32(reader->at) : bytes_get64(reader->at);
	reader->at += n;
	return true;
}

static bool get(struct reader *reader, enum wire_type type, uint64_t *ret_value)
{
	switch (type) {
	case WIRE_VARINT:
		return get_varint(reader, WIRE_VARINT_MAX, ret_value);
	case WIRE_32:
		return get_fixed(reader, 4, ret_value);
	case WIRE_64:
		return get_fixed(reader, 8, ret_value);
	case WIRE_LENGTH:
	default:
		return false;
	}
}

static bool get_field(struct reader *reader,
		      const ProtobufCMessageDescriptor *descriptor,
		      union flat_message *message)
{
	static const protobuf_c_boolean there = 1;
	const ProtobufCFieldDescriptor *field;
	uint64_t key, value;

	if (!get_varint(reader, WIRE_KEY_MAX, &key) || key > UINT32_MAX)
		return false;
	field = find(descriptor, (uint32_t)key >> 3);
	if (!field || !is_flat(field) || (key & 7) != wire_type_of(field) ||
	    !get(reader, (enum wire_type)(key & 7), &value))
		return false;
	store(field, value, message->bytes + field->offset);
	if (field->quantifier_offset)
		memcpy(message->bytes + field->quantifier_offset, &there, sizeof there);
	return true;
}

bool flat_unpack(const ProtobufCMessageDescriptor *descriptor,
		 const uint8_t *bytes,
		 size_t n,
		 union flat_message *message)
{
	struct reader reader = {bytes, n ? bytes + n : bytes};

	if (!is_simple(descriptor))
		return false;
	descriptor->message_init(&message->base);
	while (reader.at < reader.end)
		if (!get_field(&reader, descriptor, message))
			return false;
	return true;
}
