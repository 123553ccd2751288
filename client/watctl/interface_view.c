/* interface_view.c - a service's interface as JSON. Pure. */
#include "client/watctl/interface_view.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <wat/interface.h>

#include "client/watctl/method.h"

typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;

#define NAME_SIZE 600u

static const char *scalar_name(int type)
{
	static const char *const names[] = {
		"",        "double",   "float",    "int64",  "uint64", "int32", "fixed64",
		"fixed32", "bool",     "string",   "group",  "",       "bytes", "uint32",
		"",        "sfixed32", "sfixed64", "sint32", "sint64",
	};

	return type > 0 && (size_t)type < sizeof names / sizeof names[0] ? names[type] : "";
}

/* "sint64", or the full name of a message or enum. */
static const char *type_name(const field_proto *field)
{
	const char *name = field->type_name;

	if (!name || !*name)
		return scalar_name((int)field->type);
	return *name == '.' ? name + 1 : name;
}

static bool is_repeated(const field_proto *field)
{
	return field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
}

/* As the .proto would say it: "repeated a.B", "map<string, a.B>", "optional int32". */
static json_t *field_type(const struct schema *schema, const field_proto *field)
{
	const Google__Protobuf__DescriptorProto *message = schema_message(schema, type_name(field));
	char text[2 * NAME_SIZE];

	if (message && schema_is_map_entry(message) && message->n_field == 2)
		(void)snprintf(text, sizeof text, "map<%s, %s>", type_name(message->field[0]),
			       type_name(message->field[1]));
	else
		(void)snprintf(text, sizeof text, "%s%s",
			       is_repeated(field)       ? "repeated "
			       : field->proto3_optional ? "optional "
							: "",
			       type_name(field));
	return json_string(text);
}

static json_t *comment_of(const struct schema *schema, const char *name, const char *member)
{
	char full[2 * NAME_SIZE];

	(void)snprintf(full, sizeof full, "%s%s%s", name, member ? "." : "", member ? member : "");
	return json_string(schema_comment(schema, full));
}

static json_t *view_field(const struct schema *schema,
			  const char *message,
			  const Google__Protobuf__DescriptorProto *proto,
			  const field_proto *field)
{
	json_t *view = json_pack("{s:s, s:i, s:o, s:o}", "name", field->name, "number",
				 (int)field->number, "type", field_type(schema, field), "comment",
				 comment_of(schema, message, field->name));

	if (field->has_oneof_index && !field->proto3_optional && field->oneof_index >= 0 &&
	    (size_t)field->oneof_index < proto->n_oneof_decl)
		(void)json_object_set_new(view, "oneof",
					  json_string(proto->oneof_decl[field->oneof_index]->name));
	return view;
}

static json_t *view_values(const enum_proto *enumeration)
{
	json_t *values = json_array();

	for (size_t i = 0; i < enumeration->n_value; i++)
		(void)json_array_append_new(values, json_pack("{s:s, s:i}", "name",
							      enumeration->value[i]->name, "number",
							      (int)enumeration->value[i]->number));
	return values;
}

/* The types still to be looked at, and those seen; iterative, since a schema may nest as deep as
 * its author likes. */
struct walk {
	const struct schema *schema;
	json_t *seen;  /* an object: name to true */
	json_t *queue; /* names, in the order they are met */
	json_t *types; /* the result */
};

static void walk_meet(struct walk *walk, const char *name)
{
	if (json_object_get(walk->seen, name))
		return;
	(void)json_object_set_new(walk->seen, name, json_true());
	(void)json_array_append_new(walk->queue, json_string(name));
}

static void walk_enum(struct walk *walk, const char *name, const enum_proto *enumeration)
{
	(void)json_array_append_new(walk->types,
				    json_pack("{s:s, s:o, s:o}", "name", name, "comment",
					      comment_of(walk->schema, name, NULL), "values",
					      view_values(enumeration)));
}

static void walk_message(struct walk *walk,
			 const char *name,
			 const Google__Protobuf__DescriptorProto *message)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < message->n_field; i++) {
		(void)json_array_append_new(
			fields, view_field(walk->schema, name, message, message->field[i]));
		if (message->field[i]->type_name)
			walk_meet(walk, type_name(message->field[i]));
	}
	if (schema_is_map_entry(message))
		json_decref(fields);
	else
		(void)json_array_append_new(walk->types,
					    json_pack("{s:s, s:o, s:o}", "name", name, "comment",
						      comment_of(walk->schema, name, NULL),
						      "fields", fields));
}

static void walk_all(struct walk *walk)
{
	for (size_t i = 0; i < json_array_size(walk->queue); i++) {
		const char *name = json_string_value(json_array_get(walk->queue, i));
		const Google__Protobuf__DescriptorProto *message =
			schema_message(walk->schema, name);
		const enum_proto *enumeration = schema_enum(walk->schema, name);

		if (message)
			walk_message(walk, name, message);
		else if (enumeration)
			walk_enum(walk, name, enumeration);
	}
}

static json_t *view_method(const struct schema *schema,
			   const char *service,
			   const struct method *method)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:b, s:b, s:I, s:o}", "name", method->name, "number",
			 (int)method->number, "input", method->input, "output", method->output,
			 "readOnly", (method->flags & WAT_METHOD_READ_ONLY) != 0, "later",
			 (method->flags & WAT_METHOD_LATER) != 0, "deadlineMs",
			 (json_int_t)method->deadline_ms, "comment",
			 comment_of(schema, service, method->name));
}

/* Every service has these; they are watd's and need no schema of the plugin. */
static json_t *admin_methods(const char *state)
{
	return json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]",
			 "name", "Provision", "input", "a user's name", "output", "a User",
			 "comment", "Makes a User, who may call the methods above.", "name",
			 "Deprovision", "input", "a user's name", "output", "nothing", "comment",
			 "Ends a User: no call of it runs afterwards.", "name", "Stop", "input",
			 "nothing", "output", state, "comment",
			 "Ends the incarnation and answers its final state.");
}

static json_t *view_methods(const struct schema *schema,
			    const char *service,
			    const method_service *proto,
			    struct walk *walk)
{
	json_t *methods = json_array();

	for (size_t i = 0; i < proto->n_method; i++) {
		struct method method;

		method_read(proto, i, &method);
		if (method.flags & WAT_METHOD_INTERNAL)
			continue;
		(void)json_array_append_new(methods, view_method(schema, service, &method));
		walk_meet(walk, method.input);
		walk_meet(walk, method.output);
	}
	return methods;
}

json_t *interface_view(const struct schema *schema,
		       const char *service,
		       const char *prefix,
		       const char *file)
{
	const method_service *proto = schema_service(schema, service);
	const char *state = schema_state(schema, service);
	json_auto_t *seen = json_object(), *queue = json_array(), *types = json_array();
	struct walk walk = {.schema = schema, .seen = seen, .queue = queue, .types = types};
	json_auto_t *methods = NULL;

	if (!proto)
		return NULL;
	methods = view_methods(schema, service, proto, &walk);
	if (state)
		walk_meet(&walk, state);
	walk_all(&walk);
	return json_pack("{s:s, s:s, s:s, s:o, s:O, s:o, s:s, s:O}", "service", service, "prefix",
			 prefix, "file", file, "comment", comment_of(schema, service, NULL),
			 "userMethods", methods, "adminMethods", admin_methods(state ? state : ""),
			 "state", state ? state : "", "types", types);
}
