/* schema_example.h - a schema to try things on: package t with a message of every kind of field, an
 * enum and a service. Built field by field, as protoc would write it for
 *
 *   // All there is.
 *   message All { ... }
 *   // Comes and goes.
 *   service Svc {
 *     option (wat.service) = { state: "t.All" };
 *     // Sends it back.
 *     rpc Echo(All) returns (All);
 *   }
 *
 * Whoever includes it owns what it returns. */
#ifndef WAT_TESTS_SCHEMA_EXAMPLE_H
#define WAT_TESTS_SCHEMA_EXAMPLE_H

#include <stdlib.h>
#include <string.h>

#include "proto/schema.h"

#define EXAMPLE_TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name
#define EXAMPLE_LABEL(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_##name
#define EXAMPLE_COUNT(array) (sizeof(array) / sizeof *(array))

struct example_field {
	const char *name;
	int number;
	Google__Protobuf__FieldDescriptorProto__Type type;
	const char *type_name;
	bool is_repeated;
	int oneof; /* index + 1; 0: none */
};

static const struct example_field example_all[] = {
	{"f_double", 1, EXAMPLE_TYPE(DOUBLE), NULL, false, 0},
	{"f_float", 2, EXAMPLE_TYPE(FLOAT), NULL, false, 0},
	{"f_int64", 3, EXAMPLE_TYPE(INT64), NULL, false, 0},
	{"f_uint64", 4, EXAMPLE_TYPE(UINT64), NULL, false, 0},
	{"f_int32", 5, EXAMPLE_TYPE(INT32), NULL, false, 0},
	{"f_fixed64", 6, EXAMPLE_TYPE(FIXED64), NULL, false, 0},
	{"f_fixed32", 7, EXAMPLE_TYPE(FIXED32), NULL, false, 0},
	{"f_bool", 8, EXAMPLE_TYPE(BOOL), NULL, false, 0},
	{"f_string", 9, EXAMPLE_TYPE(STRING), NULL, false, 0},
	{"f_bytes", 10, EXAMPLE_TYPE(BYTES), NULL, false, 0},
	{"f_uint32", 11, EXAMPLE_TYPE(UINT32), NULL, false, 0},
	{"f_enum", 12, EXAMPLE_TYPE(ENUM), ".t.Color", false, 0},
	{"f_sfixed32", 13, EXAMPLE_TYPE(SFIXED32), NULL, false, 0},
	{"f_sfixed64", 14, EXAMPLE_TYPE(SFIXED64), NULL, false, 0},
	{"f_sint32", 15, EXAMPLE_TYPE(SINT32), NULL, false, 0},
	{"f_sint64", 16, EXAMPLE_TYPE(SINT64), NULL, false, 0},
	{"child", 17, EXAMPLE_TYPE(MESSAGE), ".t.All", false, 0},
	{"numbers", 18, EXAMPLE_TYPE(INT32), NULL, true, 0},
	{"words", 19, EXAMPLE_TYPE(STRING), NULL, true, 0},
	{"children", 20, EXAMPLE_TYPE(MESSAGE), ".t.All", true, 0},
	{"counts", 21, EXAMPLE_TYPE(MESSAGE), ".t.All.CountsEntry", true, 0},
	{"by_id", 22, EXAMPLE_TYPE(MESSAGE), ".t.All.ByIdEntry", true, 0},
	{"text", 23, EXAMPLE_TYPE(STRING), NULL, false, 1},
	{"amount", 24, EXAMPLE_TYPE(INT64), NULL, false, 1},
	{"other", 25, EXAMPLE_TYPE(MESSAGE), ".t.All", false, 1},
	{"maybe", 26, EXAMPLE_TYPE(INT32), NULL, false, 2},
	{"colors", 27, EXAMPLE_TYPE(ENUM), ".t.Color", true, 0},
	{"flags", 28, EXAMPLE_TYPE(MESSAGE), ".t.All.FlagsEntry", true, 0},
};
static const struct example_field example_counts[] = {
	{"key", 1, EXAMPLE_TYPE(STRING), NULL, false, 0},
	{"value", 2, EXAMPLE_TYPE(INT64), NULL, false, 0},
};
static const struct example_field example_by_id[] = {
	{"key", 1, EXAMPLE_TYPE(SINT32), NULL, false, 0},
	{"value", 2, EXAMPLE_TYPE(MESSAGE), ".t.All", false, 0},
};
static const struct example_field example_flags[] = {
	{"key", 1, EXAMPLE_TYPE(BOOL), NULL, false, 0},
	{"value", 2, EXAMPLE_TYPE(ENUM), ".t.Color", false, 0},
};

static void *example_alloc(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		abort();
	return memory;
}

static char *example_string(const char *text)
{
	return text ? strcpy(example_alloc(1, strlen(text) + 1), text) : NULL;
}

static Google__Protobuf__FieldDescriptorProto *example_make_field(const struct example_field *from)
{
	Google__Protobuf__FieldDescriptorProto *field = example_alloc(1, sizeof *field);

	google__protobuf__field_descriptor_proto__init(field);
	field->name = example_string(from->name);
	field->has_number = field->has_type = field->has_label = true;
	field->number = from->number;
	field->type = from->type;
	field->type_name = example_string(from->type_name);
	field->label = from->is_repeated ? EXAMPLE_LABEL(REPEATED) : EXAMPLE_LABEL(OPTIONAL);
	field->has_oneof_index = from->oneof > 0;
	field->oneof_index = from->oneof - 1;
	return field;
}

static Google__Protobuf__DescriptorProto *
example_make_message(const char *name, const struct example_field *fields, size_t n, bool is_map)
{
	Google__Protobuf__DescriptorProto *message = example_alloc(1, sizeof *message);

	google__protobuf__descriptor_proto__init(message);
	message->name = example_string(name);
	message->n_field = n;
	message->field = example_alloc(n, sizeof *message->field);
	for (size_t i = 0; i < n; i++)
		message->field[i] = example_make_field(&fields[i]);
	if (is_map) {
		message->options = example_alloc(1, sizeof *message->options);
		google__protobuf__message_options__init(message->options);
		message->options->has_map_entry = message->options->map_entry = true;
	}
	return message;
}

static Google__Protobuf__DescriptorProto *example_make_all(void)
{
	static const char *const oneofs[] = {"choice", "_maybe"};
	Google__Protobuf__DescriptorProto *all =
		example_make_message("All", example_all, EXAMPLE_COUNT(example_all), false);

	all->n_nested_type = 3;
	all->nested_type = example_alloc(3, sizeof *all->nested_type);
	all->nested_type[0] = example_make_message("CountsEntry", example_counts, 2, true);
	all->nested_type[1] = example_make_message("ByIdEntry", example_by_id, 2, true);
	all->nested_type[2] = example_make_message("FlagsEntry", example_flags, 2, true);
	all->n_oneof_decl = 2;
	all->oneof_decl = example_alloc(2, sizeof *all->oneof_decl);
	for (size_t i = 0; i < 2; i++) {
		all->oneof_decl[i] = example_alloc(1, sizeof **all->oneof_decl);
		google__protobuf__oneof_descriptor_proto__init(all->oneof_decl[i]);
		all->oneof_decl[i]->name = example_string(oneofs[i]);
	}
	return all;
}

static Google__Protobuf__EnumDescriptorProto *example_make_color(void)
{
	static const struct {
		const char *name;
		int number;
	} values[] = {{"NONE", 0}, {"RED", 1}, {"BLUE", -2}};
	Google__Protobuf__EnumDescriptorProto *color = example_alloc(1, sizeof *color);

	google__protobuf__enum_descriptor_proto__init(color);
	color->name = example_string("Color");
	color->n_value = EXAMPLE_COUNT(values);
	color->value = example_alloc(color->n_value, sizeof *color->value);
	for (size_t i = 0; i < color->n_value; i++) {
		color->value[i] = example_alloc(1, sizeof **color->value);
		google__protobuf__enum_value_descriptor_proto__init(color->value[i]);
		color->value[i]->name = example_string(values[i].name);
		color->value[i]->has_number = true;
		color->value[i]->number = values[i].number;
	}
	return color;
}

/* The option as protoc passes it on: an unknown field with its length in front. */
static Google__Protobuf__ServiceOptions *example_make_options(void)
{
	static const char bytes[] = "\x07\x0a\x05t.All";
	Google__Protobuf__ServiceOptions *options = example_alloc(1, sizeof *options);
	ProtobufCMessageUnknownField *field = example_alloc(1, sizeof *field);

	google__protobuf__service_options__init(options);
	field->tag = 50817;
	field->wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	field->len = sizeof bytes - 1;
	field->data = example_alloc(1, field->len);
	memcpy(field->data, bytes, field->len);
	options->base.n_unknown_fields = 1;
	options->base.unknown_fields = field;
	return options;
}

static Google__Protobuf__ServiceDescriptorProto *example_make_service(void)
{
	Google__Protobuf__ServiceDescriptorProto *service = example_alloc(1, sizeof *service);
	Google__Protobuf__MethodDescriptorProto *method = example_alloc(1, sizeof *method);

	google__protobuf__service_descriptor_proto__init(service);
	google__protobuf__method_descriptor_proto__init(method);
	method->name = example_string("Echo");
	method->input_type = example_string(".t.All");
	method->output_type = example_string(".t.All");
	service->name = example_string("Svc");
	service->n_method = 1;
	service->method = example_alloc(1, sizeof *service->method);
	service->method[0] = method;
	service->options = example_make_options();
	return service;
}

static Google__Protobuf__SourceCodeInfo *example_make_comments(void)
{
	static const struct {
		int32_t path[4];
		size_t n;
		const char *leading, *trailing;
	} comments[] = {
		{{4, 0}, 2, " All there is.\n Really.\n", NULL},
		{{6, 0}, 2, " Comes and goes.\n", NULL},
		{{6, 0, 2, 0}, 4, " Sends it back.\n", " Not this.\n"},
		{{4, 0, 2, 1}, 4, NULL, " in metres\n"},
		{{4, 0, 2, 99}, 4, "nowhere", NULL},
		{{4, -1}, 2, "nowhere", NULL},
		{{4}, 1, "nowhere", NULL},
		{{12}, 1, "syntax", NULL},
	};
	Google__Protobuf__SourceCodeInfo *info = example_alloc(1, sizeof *info);

	google__protobuf__source_code_info__init(info);
	info->n_location = EXAMPLE_COUNT(comments);
	info->location = example_alloc(info->n_location, sizeof *info->location);
	for (size_t i = 0; i < info->n_location; i++) {
		Google__Protobuf__SourceCodeInfo__Location *at = example_alloc(1, sizeof *at);

		google__protobuf__source_code_info__location__init(at);
		at->n_path = comments[i].n;
		at->path = example_alloc(at->n_path, sizeof *at->path);
		memcpy(at->path, comments[i].path, at->n_path * sizeof *at->path);
		at->leading_comments = example_string(comments[i].leading);
		at->trailing_comments = example_string(comments[i].trailing);
		info->location[i] = at;
	}
	return info;
}

/* To be freed with google__protobuf__file_descriptor_set__free_unpacked. */
static Google__Protobuf__FileDescriptorSet *example_make_set(void)
{
	Google__Protobuf__FileDescriptorSet *set = example_alloc(1, sizeof *set);
	Google__Protobuf__FileDescriptorProto *file = example_alloc(1, sizeof *file);

	google__protobuf__file_descriptor_set__init(set);
	google__protobuf__file_descriptor_proto__init(file);
	file->name = example_string("t.proto");
	file->package = example_string("t");
	file->syntax = example_string("proto3");
	file->n_message_type = file->n_enum_type = file->n_service = 1;
	file->message_type = example_alloc(1, sizeof *file->message_type);
	file->message_type[0] = example_make_all();
	file->enum_type = example_alloc(1, sizeof *file->enum_type);
	file->enum_type[0] = example_make_color();
	file->service = example_alloc(1, sizeof *file->service);
	file->service[0] = example_make_service();
	file->source_code_info = example_make_comments();
	set->n_file = 1;
	set->file = example_alloc(1, sizeof *set->file);
	set->file[0] = file;
	return set;
}

static int example_parse(const Google__Protobuf__FileDescriptorSet *set, struct schema **ret_schema)
{
	size_t n = google__protobuf__file_descriptor_set__get_packed_size(set);
	uint8_t *bytes = example_alloc(1, n + 1);
	int r;

	(void)google__protobuf__file_descriptor_set__pack(set, bytes);
	r = schema_new(bytes, n, ret_schema);
	free(bytes);
	return r;
}

/* To be freed with schema_free. */
static inline struct schema *example_schema(void)
{
	Google__Protobuf__FileDescriptorSet *set = example_make_set();
	struct schema *schema = NULL;

	if (example_parse(set, &schema) < 0)
		abort();
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	return schema;
}

#endif
