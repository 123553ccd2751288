/* model.c - from protoc's request to a checked model. What is refused is said once, with file, line
 * and column. */
#include "proto/gen/model.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/names.h"
#include "proto/gen/options.h"
#include "proto/interface.h"
#include "proto/support/bytes.h"

#define PATH_PACKAGE 2
#define PATH_MESSAGE 4
#define PATH_SERVICE 6
#define PATH_SYNTAX 12
#define PATH_METHOD 2

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;

struct builder {
	struct file *file;
	const request *request;
	char *error;
};

static void *grow(void *array, size_t n, size_t size)
{
	void *grown = reallocarray(array, n, size);

	if (!grown)
		abort();
	return grown;
}

/* The first refusal counts. Returns false. */
static bool refuse(struct builder *b, const int32_t *path, size_t n, char *text)
{
	if (!b->error)
		b->error = name_format("%s: error: %s", location_of(b->file->proto, path, n), text);
	free(text);
	return false;
}

static const file_proto *file_by_name(const request *r, const char *name)
{
	for (size_t i = 0; i < r->n_proto_file; i++)
		if (strcmp(r->proto_file[i]->name, name) == 0)
			return r->proto_file[i];
	return NULL;
}

static bool in_closure(const struct file *file, const file_proto *proto)
{
	for (size_t i = 0; i < file->n_closure; i++)
		if (file->closure[i] == proto)
			return true;
	return false;
}

static void add_closure(struct builder *b, const file_proto *proto)
{
	struct file *file = b->file;

	if (!proto || strcmp(proto->name, "google/protobuf/descriptor.proto") == 0 ||
	    in_closure(file, proto))
		return;
	for (size_t i = 0; i < proto->n_dependency; i++)
		add_closure(b, file_by_name(b->request, proto->dependency[i]));
	file->closure = grow(file->closure, file->n_closure + 1, sizeof(*file->closure));
	file->closure[file->n_closure++] = proto;
}

static char *prefix_of(const file_proto *proto, bool *ret_unknown)
{
	Wat__FileOptions *options = options_of_file(proto, ret_unknown);

	if (options && *options->prefix)
		return name_format("%s", options->prefix);
	return proto->package ? name_prefix(proto->package) : NULL;
}

static void add_type(struct file *file,
		     const file_proto *proto,
		     const message_proto *message,
		     const char *scope,
		     const char *c_scope)
{
	struct type type = {.proto = message, .file = proto};

	type.full = *scope ? name_format("%s.%s", scope, message->name)
			   : name_format("%s", message->name);
	type.c_name = name_format("%s_%s", c_scope, name_snake(message->name));
	type.pbc = name_pbc_type(type.full);
	type.pbc_low = name_pbc_lower(type.full);
	type.pbc_up = name_pbc_upper(type.full);
	file->types = grow(file->types, file->n_types + 1, sizeof *file->types);
	file->types[file->n_types++] = type;
	for (size_t i = 0; i < message->n_nested_type; i++)
		if (!message->nested_type[i]->options ||
		    !message->nested_type[i]->options->map_entry)
			add_type(file, proto, message->nested_type[i], type.full, type.c_name);
}

static void add_types(struct builder *b)
{
	for (size_t i = 0; i < b->file->n_closure; i++) {
		const file_proto *proto = b->file->closure[i];
		bool unknown = false;
		char *prefix = prefix_of(proto, &unknown);

		for (size_t j = 0; prefix && j < proto->n_message_type; j++)
			add_type(b->file, proto, proto->message_type[j], proto->package, prefix);
	}
}

static const struct type *find_type(const struct file *file, const char *full)
{
	if (*full == '.')
		full++;
	for (size_t i = 0; i < file->n_types; i++)
		if (strcmp(file->types[i].full, full) == 0)
			return &file->types[i];
	return NULL;
}

static bool is_reserved(const char *method)
{
	static const char *const reserved[] = {"Admin",       "User", "Spawn", "Provision",
					       "Deprovision", "Stop", "Start", "Open"};

	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcmp(reserved[i], method) == 0)
			return true;
	return false;
}

static bool take_method_options(struct builder *b,
				const method_proto *proto,
				struct method *method,
				const int32_t *path)
{
	bool unknown = false;
	const Wat__MethodOptions *o = options_of_method(proto, &unknown);

	if (unknown)
		return refuse(
			b, path, 4,
			name_format("method %s has an option that this generator does not know",
				    proto->name));
	if (!o)
		return true;
	if (o->internal)
		return refuse(
			b, path, 4,
			name_format("option internal of method %s is not built yet", proto->name));
	method->flags = (o->read_only ? WAT_METHOD_READ_ONLY : 0) |
			(o->later ? WAT_METHOD_LATER : 0) |
			(o->validates_first ? WAT_METHOD_VALIDATES_FIRST : 0);
	method->deadline_ms = o->deadline_ms;
	return true;
}

static bool add_method(struct builder *b, struct service *service, size_t s, size_t m)
{
	const method_proto *proto = service->proto->method[m];
	const int32_t path[] = {PATH_SERVICE, (int32_t)s, PATH_METHOD, (int32_t)m};
	struct method *method = &service->methods[m];

	*method = (struct method){.name = proto->name,
				  .snake = name_snake(proto->name),
				  .comment = comment_of(b->file->proto, path, 4)};
	method->in = find_type(b->file, proto->input_type);
	method->out = find_type(b->file, proto->output_type);
	if (proto->client_streaming || proto->server_streaming)
		return refuse(
			b, path, 4,
			name_format("method %s streams, which is not built yet", proto->name));
	if (!b->file->builtin && is_reserved(proto->name))
		return refuse(b, path, 4,
			      name_format("method name %s is reserved for the functions that every "
					  "service has",
					  proto->name));
	if (!method->in || !method->out)
		return refuse(b, path, 4,
			      name_format("method %s uses a message of a file without a package",
					  proto->name));
	for (size_t i = 0; i < m; i++)
		if (strcmp(service->methods[i].snake, method->snake) == 0)
			return refuse(b, path, 4,
				      name_format("methods %s and %s have the same C name",
						  service->methods[i].name, proto->name));
	return take_method_options(b, proto, method, path);
}

static bool take_lifecycle(struct builder *b,
			   struct service *service,
			   const Wat__ServiceOptions *o,
			   const int32_t *path)
{
	for (size_t i = 0; i < o->n_lifecycle; i++) {
		if (o->lifecycle[i] == WAT__LIFECYCLE__START)
			service->on_start = true;
		else if (o->lifecycle[i] == WAT__LIFECYCLE__STOP)
			service->on_stop = true;
		else
			return refuse(b, path, 2,
				      name_format("service %s: only the lifecycle handlers START "
						  "and STOP are built yet",
						  service->proto->name));
	}
	return true;
}

static bool take_service_options(struct builder *b, struct service *service, const int32_t *path)
{
	bool unknown = false;
	const Wat__ServiceOptions *o = options_of_service(service->proto, &unknown);

	if (unknown)
		return refuse(
			b, path, 2,
			name_format("service %s has an option that this generator does not know",
				    service->proto->name));
	if (!o || !*o->state)
		return refuse(b, path, 2,
			      name_format("service %s has no state; expected option (wat.service) "
					  "= { state: \"package.Message\" }",
					  service->proto->name));
	if (o->self)
		return refuse(b, path, 2,
			      name_format("option self of service %s is not built yet",
					  service->proto->name));
	service->state = find_type(b->file, o->state);
	if (!service->state)
		return refuse(b, path, 2,
			      name_format("service %s: there is no message %s for its state",
					  service->proto->name, o->state));
	service->version = o->version;
	return take_lifecycle(b, service, o, path);
}

static uint64_t interface_hash(const char *full, uint32_t version)
{
	uint8_t hash[32], number[4];
	crypto_generichash_state state;

	bytes_put32(number, version);
	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	crypto_generichash_update(&state, (const uint8_t *)full, strlen(full) + 1);
	crypto_generichash_update(&state, number, sizeof number);
	crypto_generichash_final(&state, hash, sizeof hash);
	return bytes_get64(hash);
}

static bool add_service(struct builder *b, size_t s)
{
	struct service *service = &b->file->services[s];
	const int32_t path[] = {PATH_SERVICE, (int32_t)s};
	char *snake;

	service->proto = b->file->proto->service[s];
	snake = name_snake(service->proto->name);
	service->full = name_format("%s.%s", b->file->proto->package, service->proto->name);
	service->c_name = strcmp(snake, b->file->prefix) == 0
				  ? name_format("%s", snake)
				  : name_format("%s_%s", b->file->prefix, snake);
	service->comment = comment_of(b->file->proto, path, 2);
	service->n_methods = service->proto->n_method;
	if (!take_service_options(b, service, path))
		return false;
	if (service->n_methods == 0)
		return refuse(b, path, 2,
			      name_format("service %s has no method", service->proto->name));
	if (service->n_methods > WAT_METHODS_MAX)
		return refuse(b, path, 2,
			      name_format("service %s has %zu methods, the limit is %d",
					  service->proto->name, service->n_methods,
					  WAT_METHODS_MAX));
	service->hash = interface_hash(service->full, service->version);
	service->methods = grow(NULL, service->n_methods, sizeof *service->methods);
	for (size_t m = 0; m < service->n_methods; m++)
		if (!add_method(b, service, s, m))
			return false;
	return true;
}

/* C names of messages against each other, and against what a service brings. */
static bool check_type_name(struct builder *b, const struct type *type)
{
	static const char *const of_service[] = {"admin", "user", "interface", "service"};
	int32_t path[] = {PATH_MESSAGE, 0};

	for (size_t i = 0; i < b->file->proto->n_message_type; i++)
		if (b->file->proto->message_type[i] == type->proto)
			path[1] = (int32_t)i;
	for (size_t i = 0; &b->file->types[i] != type; i++)
		if (strcmp(b->file->types[i].c_name, type->c_name) == 0)
			return refuse(b, path, 2,
				      name_format("messages %s and %s have the same C name %s",
						  b->file->types[i].full, type->full,
						  type->c_name));
	for (size_t s = 0; !b->file->builtin && s < b->file->n_services; s++)
		for (size_t i = 0; i < sizeof of_service / sizeof *of_service; i++) {
			char *taken =
				name_format("%s_%s", b->file->services[s].c_name, of_service[i]);
			bool same = strcmp(taken, type->c_name) == 0;

			free(taken);
			if (same)
				return refuse(b, path, 2,
					      name_format("message %s gets the C name %s, which "
							  "service %s needs",
							  type->full, type->c_name,
							  b->file->services[s].proto->name));
		}
	return true;
}

/* Does a function of a later method have the type's C name? */
static const struct method *meets_later(const struct service *s, const struct type *type)
{
	for (size_t i = 0; i < s->n_methods; i++) {
		char *reply = name_format("%s_%s_reply", s->c_name, s->methods[i].snake);
		bool same = (s->methods[i].flags & WAT_METHOD_LATER) &&
			    strcmp(reply, type->c_name) == 0;

		free(reply);
		if (same)
			return &s->methods[i];
	}
	return NULL;
}

static bool check_later_names(struct builder *b, struct type *type)
{
	for (size_t i = 0; i < b->file->n_services; i++) {
		const struct method *method = meets_later(&b->file->services[i], type);

		if (!method)
			continue;
		if (!b->file->builtin)
			return refuse(b, NULL, 0,
				      name_format("message %s gets the C name %s, which the later "
						  "method %s needs",
						  type->full, type->c_name, method->name));
		/* watd's own messages are then known by protobuf-c's name only. */
		type->c_name = type->pbc;
	}
	return true;
}

static bool check_names(struct builder *b)
{
	for (size_t i = 0; i < b->file->n_services; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(b->file->services[i].c_name, b->file->services[j].c_name) == 0) {
				const int32_t path[] = {PATH_SERVICE, (int32_t)i};

				return refuse(
					b, path, 2,
					name_format("services %s and %s have the same C name %s",
						    b->file->services[j].proto->name,
						    b->file->services[i].proto->name,
						    b->file->services[i].c_name));
			}
	for (size_t i = 0; i < b->file->n_types; i++)
		if (b->file->types[i].file == b->file->proto &&
		    (!check_type_name(b, &b->file->types[i]) ||
		     !check_later_names(b, &b->file->types[i])))
			return false;
	return true;
}

static bool build(struct builder *b)
{
	struct file *file = b->file;
	bool unknown = false;

	if (!file->proto->syntax || strcmp(file->proto->syntax, "proto3") != 0)
		return refuse(b, (const int32_t[]){PATH_SYNTAX}, 1,
			      name_format("expected syntax = \"proto3\""));
	if (!file->proto->package || !*file->proto->package)
		return refuse(b, NULL, 0, name_format("expected a package: C names begin with it"));
	file->prefix = prefix_of(file->proto, &unknown);
	if (unknown)
		return refuse(
			b, NULL, 0,
			name_format("the file has an option that this generator does not know"));
	if (!file->prefix || name_is_keyword(file->prefix))
		return refuse(b, (const int32_t[]){PATH_PACKAGE}, 1,
			      name_format("package %s gives no C prefix; expected option "
					  "(wat.file) = { prefix: ... }",
					  file->proto->package));
	add_closure(b, file->proto);
	add_types(b);
	file->n_services = file->proto->n_service;
	file->services = grow(NULL, file->n_services + 1, sizeof *file->services);
	memset(file->services, 0, (file->n_services + 1) * sizeof *file->services);
	for (size_t i = 0; i < file->n_services; i++)
		if (!add_service(b, i))
			return false;
	return check_names(b);
}

struct file *model_new(const request *r, const file_proto *proto, bool builtin, char **ret_error)
{
	struct builder b = {.request = r};

	b.file = grow(NULL, 1, sizeof *b.file);
	*b.file = (struct file){.proto = proto, .stem = name_stem(proto->name), .builtin = builtin};
	if (build(&b))
		return b.file;
	*ret_error = b.error;
	return NULL;
}

bool is_empty(const struct type *type)
{
	return strcmp(type->full, "wat.Empty") == 0;
}

bool field_is_simple(const field_proto *field, const char **ret_c_type)
{
	if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED ||
	    field->has_oneof_index)
		return false;
	switch (field->type) {
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
		*ret_c_type = "double ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
		*ret_c_type = "float ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
		*ret_c_type = "int64_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
		*ret_c_type = "uint64_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
		*ret_c_type = "int32_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
		*ret_c_type = "uint32_t ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
		*ret_c_type = "bool ";
		return true;
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
		*ret_c_type = "const char *";
		return true;
	default:
		return false;
	}
}
