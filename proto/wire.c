/* wire.c - reading protobuf's wire format. Pure; any thread. */
#include "proto/wire.h"

#include <errno.h>

#include "proto/support/bytes.h"

static int fail(struct wire *wire, const char *expected, const char *got)
{
	wire->expected = expected;
	wire->got = got;
	return -EBADMSG;
}

/* Of at most max bytes: 10, or 5 where protobuf-c reads no more (keys and lengths). */
static int varint(struct wire *wire, unsigned max, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < max; i++) {
		uint8_t byte;

		if (wire->at == wire->end)
			return fail(wire, "the rest of a varint", "the end of the message");
		byte = *wire->at++;
		/* The tenth byte has room for the last bit only. */
		if (i == WIRE_VARINT_MAX - 1 && byte > 1)
			return fail(wire, "a varint of at most 64 bits", "a longer one");
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*ret_value = value;
			return 0;
		}
	}
	return fail(wire,
		    max == WIRE_VARINT_MAX ? "a varint of at most 10 bytes" : "at most 5 bytes",
		    "a longer number");
}

static int fixed(struct wire *wire, size_t n, uint64_t *ret_value)
{
	if ((size_t)(wire->end - wire->at) < n)
		return fail(wire, n == 4 ? "4 bytes" : "8 bytes", "the end of the message");
	*ret_value = n == 4 ? bytes_get32(wire->at) : bytes_get64(wire->at);
	wire->at += n;
	return 0;
}

static int length(struct wire *wire, struct wire_field *field)
{
	uint64_t n;
	int r;

	r = varint(wire, WIRE_KEY_MAX, &n);
	if (r < 0)
		return r;
	if (n > (uint64_t)(wire->end - wire->at))
		return fail(wire, "as many bytes as announced", "the end of the message");
	field->data = wire->at;
	field->n = (size_t)n;
	wire->at += n;
	return 0;
}

static int value(struct wire *wire, struct wire_field *field)
{
	switch (field->type) {
	case WIRE_VARINT:
		return varint(wire, WIRE_VARINT_MAX, &field->value);
	case WIRE_64:
		return fixed(wire, 8, &field->value);
	case WIRE_32:
		return fixed(wire, 4, &field->value);
	case WIRE_LENGTH:
		return length(wire, field);
	}
	return fail(wire, "a wire type of 0, 1, 2 or 5", "a group or an unknown one");
}

int wire_next(struct wire *wire, struct wire_field *ret_field)
{
	struct wire_field field = {0};
	uint64_t key;
	int r;

	if (wire->at == wire->end)
		return 0;
	wire->number = 0;
	r = varint(wire, WIRE_KEY_MAX, &key);
	if (r < 0)
		return r;
	if (key > UINT32_MAX || key >> 3 == 0)
		return fail(wire, "a field number of 1 to 536870911", "another");
	field.number = wire->number = (uint32_t)(key >> 3);
	field.type = (enum wire_type)(key & 7);
	r = value(wire, &field);
	if (r < 0)
		return r;
	*ret_field = field;
	return 1;
}

int wire_next_packed(struct wire *wire, enum wire_type type, uint64_t *ret_value)
{
	struct wire_field field = {.type = type};
	int r;

	if (wire->at == wire->end)
		return 0;
	r = value(wire, &field);
	if (r < 0)
		return r;
	*ret_value = field.value;
	return 1;
}

const char *wire_type_name(enum wire_type type)
{
	switch (type) {
	case WIRE_VARINT:
		return "a varint";
	case WIRE_64:
		return "8 bytes";
	case WIRE_LENGTH:
		return "bytes with a length";
	case WIRE_32:
		return "4 bytes";
	}
	return "an unknown wire type";
}
