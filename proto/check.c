/* check.c - the form of a message, checked against its descriptor without recursion. Runs on any
 * thread; owns nothing.
 *
 * Stricter than protobuf asks for in two points, both for protobuf-c's sake: a string holds no
 * U+0000 (a C string would be cut there), and a submessage that is not repeated comes once
 * (protobuf-c merges two of them in time and memory that are quadratic in their number). */
#include "proto/check.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/flat.h"
#include "proto/limits.h"
#include "proto/utf8.h"
#include "proto/wire.h"

/* A message that is being read; the one above it is in its `field`. */
struct level {
	const ProtobufCMessageDescriptor *descriptor;
	const uint8_t *start, *field_start;
	struct wire wire;
	const ProtobufCFieldDescriptor *field; /* NULL: unknown, or none yet */
	uint64_t seen; /* bit per index in descriptor->fields, of the first 64 */
};

struct check {
	struct level levels[WAT_DEPTH_MAX];
	size_t depth;
	const struct wire *packed; /* the packed field that is being read, at its n-th element */
	size_t packed_index;
};

static bool is_packable(const ProtobufCFieldDescriptor *field)
{
	return field->label == PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_STRING &&
	       field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_MESSAGE;
}

static enum wire_type type_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return WIRE_64;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_LENGTH;
	default:
		return WIRE_VARINT;
	}
}

/* How many elements of the level's field come before the one at hand. */
static size_t element_index(const struct level *level)
{
	struct wire wire = wire_of(level->start, (size_t)(level->field_start - level->start));
	struct wire_field field;
	size_t count = 0;

	while (wire_next(&wire, &field) > 0) {
		struct wire packed = wire_of(field.data, field.n);
		uint64_t value;

		if (field.number != level->field->id)
			continue;
		if (field.type != WIRE_LENGTH || !is_packable(level->field))
			count++;
		else
			while (wire_next_packed(&packed, type_of(level->field), &value) > 0)
				count++;
	}
	return count;
}

static void append(char *text, size_t size, const char *format, ...) WAT_PRINTF(3, 4);
static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

static void write_path(const struct check *check, char *path, size_t size)
{
	path[0] = '\0';
	for (size_t i = 0; i < check->depth; i++) {
		const struct level *level = &check->levels[i];
		size_t index;

		if (!level->field)
			return;
		append(path, size, "%s%s", i ? "." : "", level->field->name);
		if (level->field->label != PROTOBUF_C_LABEL_REPEATED)
			continue;
		index = element_index(level);
		if (check->packed)
			index += check->packed_index;
		append(path, size, "[%zu]", index);
	}
}

static int fail(const struct check *check,
		struct check_error *error,
		const char *expected,
		const char *got)
{
	if (error) {
		write_path(check, error->path, sizeof error->path);
		(void)snprintf(error->expected, sizeof error->expected, "%s", expected);
		(void)snprintf(error->got, sizeof error->got, "%s", got);
	}
	return -EBADMSG;
}

/* True if the field came before. The rescan is for descriptors of more than 64 fields; it runs at
 * most once per field, since a second one is refused. */
static bool was_seen(const struct level *level,
		     const ProtobufCFieldDescriptor *field,
		     const uint8_t *until)
{
	size_t index = (size_t)(field - level->descriptor->fields);
	struct wire wire = wire_of(level->start, (size_t)(until - level->start));
	struct wire_field other;

	if (index < 64)
		return level->seen >> index & 1;
	while (wire_next(&wire, &other) > 0)
		if (other.number == field->id)
			return true;
	return false;
}

static void set_seen(struct level *level, const ProtobufCFieldDescriptor *field)
{
	size_t index = (size_t)(field - level->descriptor->fields);

	if (index < 64)
		level->seen |= UINT64_C(1) << index;
}

static void enter(struct check *check,
		  const ProtobufCMessageDescriptor *descriptor,
		  const uint8_t *bytes,
		  size_t n)
{
	check->levels[check->depth++] = (struct level){
		.descriptor = descriptor,
		.start = bytes,
		.field_start = bytes,
		.wire = wire_of(bytes, n),
	};
}

static int check_packed(struct check *check,
			const struct wire_field *field,
			struct check_error *error)
{
	const struct level *level = &check->levels[check->depth - 1];
	struct wire wire = wire_of(field->data, field->n);
	uint64_t value;
	int r;

	check->packed = &wire;
	check->packed_index = 0;
	while ((r = wire_next_packed(&wire, type_of(level->field), &value)) > 0)
		check->packed_index++;
	if (r < 0)
		r = fail(check, error, wire.expected, wire.got);
	check->packed = NULL;
	return r;
}

static int enter_submessage(struct check *check,
			    const struct wire_field *field,
			    struct check_error *error)
{
	struct level *level = &check->levels[check->depth - 1];
	const ProtobufCFieldDescriptor *descriptor = level->field;

	if (descriptor->label != PROTOBUF_C_LABEL_REPEATED &&
	    was_seen(level, descriptor, level->field_start))
		return fail(check, error, "one such field", "another");
	if (check->depth == WAT_DEPTH_MAX)
		return fail(check, error, "messages at most 64 deep", "a deeper one");
	set_seen(level, descriptor);
	enter(check, descriptor->descriptor, field->data, field->n);
	return 0;
}

static int check_known(struct check *check,
		       const struct wire_field *field,
		       struct check_error *error)
{
	struct level *level = &check->levels[check->depth - 1];
	const ProtobufCFieldDescriptor *descriptor = level->field;

	if (field->type == WIRE_LENGTH && is_packable(descriptor))
		return check_packed(check, field, error);
	if (field->type != type_of(descriptor))
		return fail(check, error, wire_type_name(type_of(descriptor)),
			    wire_type_name(field->type));
	if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE)
		return enter_submessage(check, field, error);
	if (descriptor->type == PROTOBUF_C_TYPE_STRING && !utf8_is_text(field->data, field->n))
		return fail(check, error, "UTF-8 without U+0000", "other bytes");
	set_seen(level, descriptor);
	return 0;
}

/* The fields of most messages come in the order of their descriptor. */
static const ProtobufCFieldDescriptor *find_field(const struct level *level, uint32_t number)
{
	const ProtobufCMessageDescriptor *descriptor = level->descriptor;
	const ProtobufCFieldDescriptor *guess, *end;

	if (descriptor->n_fields == 0)
		return NULL;
	guess = level->field ? level->field : descriptor->fields;
	end = descriptor->fields + descriptor->n_fields;
	for (unsigned i = 0; i < 2 && guess < end; i++, guess++)
		if (guess->id == number)
			return guess;
	return protobuf_c_message_descriptor_get_field(descriptor, number);
}

/* A missing required field (google's descriptor.proto has some) would fail in the unpacking, where
 * it can't be told from a lack of memory. */
static int leave(struct check *check, struct check_error *error)
{
	struct level *level = &check->levels[check->depth - 1];
	const ProtobufCMessageDescriptor *descriptor = level->descriptor;

	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (field->label == PROTOBUF_C_LABEL_REQUIRED && !field->default_value &&
		    !was_seen(level, field, level->wire.end)) {
			level->field = field;
			return fail(check, error, "a value", "none");
		}
	}
	check->depth--;
	return 0;
}

static int step(struct check *check, struct check_error *error)
{
	struct level *level = &check->levels[check->depth - 1];
	struct wire_field field;
	int r;

	level->field_start = level->wire.at;
	r = wire_next(&level->wire, &field);
	if (r == 0)
		return leave(check, error);
	level->field = find_field(level, level->wire.number);
	if (r < 0)
		return fail(check, error, level->wire.expected, level->wire.got);
	return level->field ? check_known(check, &field, error) : 0;
}

int check_message(const ProtobufCMessageDescriptor *descriptor,
		  const uint8_t *bytes,
		  size_t n,
		  struct check_error *ret_error)
{
	struct check check;

	check.depth = 0;
	check.packed = NULL;
	/* protobuf-c counts in int. */
	if (n > INT_MAX)
		return fail(&check, ret_error, "less than 2 GiB", "more");
	enter(&check, descriptor, bytes, n);
	while (check.depth > 0) {
		int r = step(&check, ret_error);

		if (r < 0)
			return r;
	}
	return 0;
}

static void *allocate(ProtobufCAllocator *allocator, size_t n)
{
	return allocator ? allocator->alloc(allocator->allocator_data, n) : malloc(n);
}

/* 1, or 0: another way has to be found. */
static int unpack_flat(const ProtobufCMessageDescriptor *descriptor,
		       ProtobufCAllocator *allocator,
		       const uint8_t *bytes,
		       size_t n,
		       ProtobufCMessage **ret_message)
{
	void *message;

	if (!flat_is(descriptor))
		return 0;
	message = allocate(allocator, descriptor->sizeof_message);
	if (!message)
		return -ENOMEM;
	if (flat_unpack(descriptor, bytes, n, message)) {
		*ret_message = message;
		return 1;
	}
	if (!allocator)
		free(message);
	else
		allocator->free(allocator->allocator_data, message);
	return 0;
}

int check_unpack(const ProtobufCMessageDescriptor *descriptor,
		 ProtobufCAllocator *allocator,
		 const uint8_t *bytes,
		 size_t n,
		 ProtobufCMessage **ret_message,
		 struct check_error *ret_error)
{
	ProtobufCMessage *message;
	int r = unpack_flat(descriptor, allocator, bytes, n, ret_message);

	if (r != 0)
		return r > 0 ? 0 : r;
	r = check_message(descriptor, bytes, n, ret_error);
	if (r < 0)
		return r;
	message = protobuf_c_message_unpack(descriptor, allocator, n, bytes);
	if (!message)
		return -ENOMEM;
	*ret_message = message;
	return 0;
}

void check_error_format(const struct check_error *error, char *text, size_t n)
{
	(void)snprintf(text, n, "%s%sexpected %s, got %s", error->path, error->path[0] ? ": " : "",
		       error->expected, error->got);
}
