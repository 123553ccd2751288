/* options.c - our options on files, services and methods. They arrive as unknown fields of google's
 * option messages. */
#include "proto/gen/options.h"

#include <stdlib.h>
#include <string.h>

#include "proto/gen/names.h"

/* The bytes of a length-delimited field without the length that they begin with. */
static size_t skip_length(const ProtobufCMessageUnknownField *field)
{
	size_t n = 0;

	while (n < field->len && (field->data[n] & 0x80))
		n++;
	return n < field->len ? n + 1 : n;
}

static bool is_ours(const ProtobufCMessageUnknownField *field)
{
	return field->tag == (uint32_t)OPTION_NUMBER &&
	       field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

/* Parts that are set one by one (`option (wat.service).version = 2;`) arrive as a field each:
 * together they are the message. NULL: the element has no such option. */
static uint8_t *gather(const ProtobufCMessage *options, size_t *ret_n)
{
	uint8_t *bytes = NULL;

	*ret_n = 0;
	for (unsigned i = 0; i < options->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
		size_t skip = skip_length(field), n = field->len - skip;

		if (!is_ours(field))
			continue;
		bytes = realloc(bytes, *ret_n + n + 1);
		if (!bytes)
			abort();
		memcpy(bytes + *ret_n, field->data + skip, n);
		*ret_n += n;
	}
	return bytes;
}

static ProtobufCMessage *decode(const ProtobufCMessage *options,
				const ProtobufCMessageDescriptor *type,
				bool *ret_unknown)
{
	ProtobufCMessage *message;
	uint8_t *bytes;
	size_t n;

	bytes = options ? gather(options, &n) : NULL;
	if (!bytes)
		return NULL;
	message = protobuf_c_message_unpack(type, NULL, n, bytes);
	free(bytes);
	*ret_unknown = !message || message->n_unknown_fields > 0;
	return message;
}

Wat__FileOptions *options_of_file(const file_proto *file, bool *ret_unknown)
{
	return (Wat__FileOptions *)decode((const ProtobufCMessage *)file->options,
					  &wat__file_options__descriptor, ret_unknown);
}

Wat__ServiceOptions *options_of_service(const service_proto *service, bool *ret_unknown)
{
	return (Wat__ServiceOptions *)decode((const ProtobufCMessage *)service->options,
					     &wat__service_options__descriptor, ret_unknown);
}

Wat__MethodOptions *options_of_method(const method_proto *method, bool *ret_unknown)
{
	return (Wat__MethodOptions *)decode((const ProtobufCMessage *)method->options,
					    &wat__method_options__descriptor, ret_unknown);
}

static const Google__Protobuf__SourceCodeInfo__Location *find(const file_proto *file,
							      const int32_t *path,
							      size_t n)
{
	if (!file->source_code_info)
		return NULL;
	for (size_t i = 0; i < file->source_code_info->n_location; i++) {
		const Google__Protobuf__SourceCodeInfo__Location *l =
			file->source_code_info->location[i];

		if (l->n_path == n && (n == 0 || memcmp(l->path, path, n * sizeof *path) == 0))
			return l;
	}
	return NULL;
}

char *location_of(const file_proto *file, const int32_t *path, size_t n)
{
	const Google__Protobuf__SourceCodeInfo__Location *l = find(file, path, n);

	if (!l || l->n_span < 2)
		return name_format("%s:1:1", file->name);
	return name_format("%s:%lld:%lld", file->name, l->span[0] + 1LL, l->span[1] + 1LL);
}

const char *comment_of(const file_proto *file, const int32_t *path, size_t n)
{
	const Google__Protobuf__SourceCodeInfo__Location *l = find(file, path, n);

	if (l && l->leading_comments)
		return l->leading_comments;
	return l && l->trailing_comments ? l->trailing_comments : "";
}
