/* flat.c - messages of single numbers. Pure. */
#include "proto/flat.h"

#include <string.h>

#include "proto/support/bytes.h"
#include "proto/wire.h"

enum form {
	NOT_FLAT, /* a string, bytes, a message */
	PLAIN,
	SIGNED, /* the wire has 64 bits of it */
	ZIGZAG,
	BOOLEAN,
	FLOATING,
};

/* How a number lies in its message, and how on the wire. */
struct kind {
	_Alignas(4) uint8_t form; /* enum form; four bytes are found without a multiplication */
	uint8_t size;             /* of the member */
	uint8_t wire;             /* enum wire_type */
};

static const struct kind kinds[] = {
	[PROTOBUF_C_TYPE_INT32] = {SIGNED, 4, WIRE_VARINT},
	[PROTOBUF_C_TYPE_ENUM] = {SIGNED, 4, WIRE_VARINT},
	[PROTOBUF_C_TYPE_SINT32] = {ZIGZAG, 4, WIRE_VARINT},
	[PROTOBUF_C_TYPE_UINT32] = {PLAIN, 4, WIRE_VARINT},
	[PROTOBUF_C_TYPE_SFIXED32] = {PLAIN, 4, WIRE_32},
	[PROTOBUF_C_TYPE_FIXED32] = {PLAIN, 4, WIRE_32},
	[PROTOBUF_C_TYPE_FLOAT] = {FLOATING, 4, WIRE_32},
	[PROTOBUF_C_TYPE_INT64] = {PLAIN, 8, WIRE_VARINT},
	[PROTOBUF_C_TYPE_SINT64] = {ZIGZAG, 8, WIRE_VARINT},
	[PROTOBUF_C_TYPE_UINT64] = {PLAIN, 8, WIRE_VARINT},
	[PROTOBUF_C_TYPE_SFIXED64] = {PLAIN, 8, WIRE_64},
	[PROTOBUF_C_TYPE_FIXED64] = {PLAIN, 8, WIRE_64},
	[PROTOBUF_C_TYPE_DOUBLE] = {FLOATING, 8, WIRE_64},
	[PROTOBUF_C_TYPE_BOOL] = {BOOLEAN, sizeof(protobuf_c_boolean), WIRE_VARINT},
	[PROTOBUF_C_TYPE_STRING] = {0},
	[PROTOBUF_C_TYPE_BYTES] = {0},
	[PROTOBUF_C_TYPE_MESSAGE] = {0},
};

/* Of a field that is a number of its own; NULL: it is not. */
static const struct kind *kind_of(const ProtobufCFieldDescriptor *field)
{
	const struct kind *kind = &kinds[field->type];

	if (kind->form == NOT_FLAT || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
	    (field->label != PROTOBUF_C_LABEL_NONE && field->label != PROTOBUF_C_LABEL_OPTIONAL))
		return NULL;
	return kind;
}

static uint64_t get_member(const void *member, size_t size)
{
	uint32_t small;
	uint64_t large;

	if (size == sizeof small) {
		memcpy(&small, member, sizeof small);
		return small;
	}
	memcpy(&large, member, sizeof large);
	return large;
}

static void set_member(void *member, size_t size, uint64_t value)
{
	uint32_t small = (uint32_t)value;

	if (size == sizeof small)
		memcpy(member, &small, sizeof small);
	else
		memcpy(member, &value, sizeof value);
}

/* The member's number as it stands on the wire. */
static uint64_t load(const struct kind *kind, const void *member)
{
	uint64_t value = get_member(member, kind->size);

	switch (kind->form) {
	case SIGNED:
		return (uint64_t)(int32_t)value;
	case ZIGZAG:
		if (kind->size == 4)
			return (uint32_t)value << 1 ^ (value >> 31 ? UINT32_MAX : 0);
		return value << 1 ^ (value >> 63 ? UINT64_MAX : 0);
	case BOOLEAN:
		return value != 0;
	default:
		return value;
	}
}

static void store(const struct kind *kind, uint64_t value, void *member)
{
	if (kind->form == ZIGZAG && kind->size == 4)
		value = (uint32_t)value >> 1 ^ (value & 1 ? UINT32_MAX : 0);
	else if (kind->form == ZIGZAG)
		value = value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
	else if (kind->form == BOOLEAN)
		value = value != 0;
	set_member(member, kind->size, value);
}

/* proto3 leaves out what is zero; of floats both zeros are. */
static bool is_zero(const struct kind *kind, uint64_t value)
{
	if (kind->form == FLOATING)
		return (value & (kind->size == 4 ? INT32_MAX : INT64_MAX)) == 0;
	return value == 0;
}

/* Below this a key of one byte and the number make a word. */
#define SHORT_MAX (UINT64_C(1) << 49)

/* Seven bits of a number below SHORT_MAX in each byte. */
static uint64_t spread(uint64_t value)
{
	value = (value & 0xfffffff) | (value & 0xfffffff0000000) << 4;
	value = (value & 0x00003fff00003fff) | (value & 0x0fffc0000fffc000) << 2;
	return (value & 0x007f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
}

/* Written at once, so that it can be read at once: a word that was written byte by byte can't be
 * read before they all are in the cache. */
static uint8_t *put_short(uint8_t *out, uint8_t key, uint64_t value)
{
	uint64_t bytes = spread(value);
	unsigned n = (unsigned)(63 - __builtin_clzll(bytes | 1)) / 8;

	bytes |= UINT64_C(0x8080808080808080) & ((UINT64_C(1) << 8 * n) - 1);
	bytes_put64(out, bytes << 8 | key);
	return out + 2 + n;
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

static uint8_t *put(uint8_t *out, uint32_t number, enum wire_type type, uint64_t value)
{
	if (type == WIRE_VARINT && number < 16 && value < 0x80) {
		bytes_put16(out, (uint16_t)(value << 8 | number << 3 | type));
		return out + 2;
	}
	if (type == WIRE_VARINT && number < 16 && value < SHORT_MAX)
		return put_short(out, (uint8_t)(number << 3 | type), value);
	out = put_varint(out, (uint64_t)number << 3 | type);
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

static bool is_there(const ProtobufCMessage *message,
		     const ProtobufCFieldDescriptor *field,
		     const struct kind *kind,
		     uint64_t value)
{
	const uint8_t *quantifier = (const uint8_t *)message + field->quantifier_offset;

	if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
		return get_member(quantifier, sizeof(protobuf_c_boolean)) != 0;
	return !is_zero(kind, value);
}

bool flat_pack(const ProtobufCMessage *message, uint8_t out[static FLAT_PACKED_MAX], size_t *ret_n)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint8_t *at = out;

	if (descriptor->n_fields > FLAT_FIELDS_MAX || message->n_unknown_fields > 0)
		return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		const struct kind *kind = kind_of(field);
		uint64_t value;

		if (!kind)
			return false;
		value = load(kind, (const uint8_t *)message + field->offset);
		if (is_there(message, field, kind, value))
			at = put(at, field->id, (enum wire_type)kind->wire, value);
	}
	*ret_n = (size_t)(at - out);
	return true;
}

bool flat_is(const ProtobufCMessageDescriptor *descriptor)
{
	if (descriptor->n_fields > FLAT_FIELDS_MAX || !descriptor->message_init ||
	    descriptor->sizeof_message > sizeof(union flat_message))
		return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (!kind_of(&descriptor->fields[i]))
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

/* Each returns where the next begins, or NULL: what is there is no such number. */

/* At most max bytes; of the tenth only the lowest bit counts. */
static const uint8_t *get_bytewise(const uint8_t *at,
				   const uint8_t *end,
				   unsigned max,
				   uint64_t *ret)
{
	uint64_t value = 0, byte;

	for (unsigned i = 0; i < max && at < end; i++) {
		byte = *at++;
		value |= (byte & 0x7f) << (7 * i);
		if (byte >= 0x80)
			continue;
		*ret = value;
		return i < WIRE_VARINT_MAX - 1 || byte <= 1 ? at : NULL;
	}
	return NULL;
}

/* The first 8 bytes; what is not there is zero. */
static inline uint64_t word_at(const uint8_t *at, size_t n)
{
	if (n >= 8)
		return bytes_get64(at);
	if (n >= 4)
		return bytes_get32(at) | (uint64_t)bytes_get32(at + n - 4) << 8 * (n - 4);
	return at[0] | (uint64_t)at[n / 2] << 8 * (n / 2) | (uint64_t)at[n - 1] << 8 * (n - 1);
}

/* What spread did, for up to 8 bytes. */
static inline uint64_t gather(uint64_t value)
{
	value &= 0x7f7f7f7f7f7f7f7f;
	value = (value & 0x007f007f007f007f) | (value & 0x7f007f007f007f00) >> 1;
	value = (value & 0x00003fff00003fff) | (value & 0x3fff00003fff0000) >> 2;
	return (value & 0xfffffff) | (value & 0xfffffff00000000) >> 4;
}

static const uint8_t *get_long(const uint8_t *at, const uint8_t *end, unsigned max, uint64_t *ret)
{
	size_t n = (size_t)(end - at), n_bytes;
	uint64_t word = word_at(at, n), ends = ~word & 0x8080808080808080;

	if (ends == 0)
		return get_bytewise(at, end, max, ret);
	n_bytes = (size_t)__builtin_ctzll(ends) / 8 + 1;
	if (n_bytes > n || n_bytes > max)
		return NULL;
	*ret = gather(word & UINT64_MAX >> (64 - 8 * n_bytes));
	return at + n_bytes;
}

/* Keys have one byte, and so have many numbers. */
static inline const uint8_t *get_varint(const uint8_t *at,
					const uint8_t *end,
					unsigned max,
					uint64_t *ret)
{
	if (at == end)
		return NULL;
	if (*at >= 0x80)
		return get_long(at, end, max, ret);
	*ret = *at;
	return at + 1;
}

static inline const uint8_t *get_fixed(const uint8_t *at,
				       const uint8_t *end,
				       size_t n,
				       uint64_t *ret_value)
{
	if ((size_t)(end - at) < n)
		return NULL;
	*ret_value = n == 4 ? bytes_get32(at) : bytes_get64(at);
	return at + n;
}

static inline const uint8_t *get(const uint8_t *at,
				 const uint8_t *end,
				 enum wire_type type,
				 uint64_t *ret_value)
{
	switch (type) {
	case WIRE_VARINT:
		return get_varint(at, end, WIRE_VARINT_MAX, ret_value);
	case WIRE_32:
		return get_fixed(at, end, 4, ret_value);
	case WIRE_64:
		return get_fixed(at, end, 8, ret_value);
	case WIRE_LENGTH:
	default:
		return NULL;
	}
}

static inline const uint8_t *get_field(const uint8_t *at,
				       const uint8_t *end,
				       const ProtobufCMessageDescriptor *descriptor,
				       uint8_t *message)
{
	const ProtobufCFieldDescriptor *field;
	const struct kind *kind;
	uint64_t key, value;

	at = get_varint(at, end, WIRE_KEY_MAX, &key);
	if (!at || key > UINT32_MAX)
		return NULL;
	field = find(descriptor, (uint32_t)key >> 3);
	if (!field)
		return NULL;
	kind = &kinds[field->type];
	if ((key & 7) != kind->wire)
		return NULL;
	at = get(at, end, (enum wire_type)kind->wire, &value);
	if (!at)
		return NULL;
	store(kind, value, message + field->offset);
	if (field->quantifier_offset)
		set_member(message + field->quantifier_offset, sizeof(protobuf_c_boolean), 1);
	return at;
}

bool flat_unpack(const ProtobufCMessageDescriptor *descriptor,
		 const uint8_t *bytes,
		 size_t n,
		 void *message)
{
	const uint8_t *at = bytes, *end = n ? bytes + n : bytes;

	descriptor->message_init(message);
	while (at && at < end)
		at = get_field(at, end, descriptor, message);
	return at == end;
}
