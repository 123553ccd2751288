/* model.c - from protoc's request to a checked model. What is refused is said once, with file, line
 * and column. */
#include "proto/gen/model.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/members.h"
#include "proto/gen/names.h"
#include "proto/gen/options.h"
#include "proto/gen/symbols.h"
#include "proto/interface.h"
#include "proto/interface_hash.h"
#include "proto/limits.h"
#include "proto/support/bytes.h"

#define PATH_PACKAGE 2
#define PATH_MESSAGE 4
#define PATH_SERVICE 6
#define PATH_OPTIONS 8
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

static bool imports(const file_proto *file, const file_proto *imported)
{
	for (size_t i = 0; i < file->n_dependency; i++)
		if (strcmp(file->dependency[i], imported->name) == 0)
			return true;
	return false;
}

static bool is_imported(const struct file *file, const file_proto *proto)
{
	for (size_t i = 0; i < file->n_closure; i++)
		if (imports(file->closure[i], proto))
			return true;
	return false;
}

/* The request lists imports before importers, so one way back through it finds them all. */
static void add_closure(struct builder *b)
{
	struct file *file = b->file;
	size_t i = b->request->n_proto_file;

	file->closure = grow(NULL, i, sizeof(*file->closure));
	while (i-- > 0) {
		const file_proto *proto = b->request->proto_file[i];

		if (strcmp(proto->name, "google/protobuf/descriptor.proto") == 0)
			continue;
		if (proto == file->proto || is_imported(file, proto))
			file->closure[file->n_closure++] = proto;
	}
	for (i = 0; i < file->n_closure / 2; i++) {
		const file_proto *other = file->closure[i];

		file->closure[i] = file->closure[file->n_closure - 1 - i];
		file->closure[file->n_closure - 1 - i] = other;
	}
}

static char *prefix_of(const file_proto *proto, bool *ret_unknown)
{
	Wat__FileOptions *options = options_of_file(proto, ret_unknown);

	if (options && *options->prefix)
		return name_format("%s", options->prefix);
	return proto->package ? name_prefix(proto->package) : NULL;
}

/* Of the file itself, or of one that it imports. */
static bool check_prefix(struct builder *b, const file_proto *proto, const char *prefix)
{
	if (!prefix || name_is_word(prefix))
		return true;
	return refuse(b, NULL, 0,
		      name_format("option prefix of %s: expected letters, digits and underscores, "
				  "got \"%s\"",
				  proto->name, prefix));
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

static bool add_types(struct builder *b)
{
	for (size_t i = 0; i < b->file->n_closure; i++) {
		const file_proto *proto = b->file->closure[i];
		bool unknown = false;
		char *prefix = prefix_of(proto, &unknown);

		if (!check_prefix(b, proto, prefix))
			return false;
		for (size_t j = 0; prefix && j < proto->n_message_type; j++)
			add_type(b->file, proto, proto->message_type[j],
				 proto->package ? proto->package : "", prefix);
	}
	return true;
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
	method->flags = (o->read_only ? WAT_METHOD_READ_ONLY : 0) |
			(o->later ? WAT_METHOD_LATER : 0) |
			(o->internal ? WAT_METHOD_INTERNAL : 0) |
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
	if (!take_method_options(b, proto, method, path))
		return false;
	if (service->deterministic && (method->flags & WAT_METHOD_LATER))
		return refuse(
			b, path, 4,
			name_format("method %s answers later, in a deterministic service: a "
				    "call that waits is in no state, so it can't be run again",
				    proto->name));
	return true;
}

static bool take_lifecycle(struct builder *b,
			   struct service *service,
			   const Wat__ServiceOptions *o,
			   const int32_t *path)
{
	for (size_t i = 0; i < o->n_lifecycle; i++) {
		int number = (int)o->lifecycle[i];

		/* They count from 1 in the option. */
		if (number < 1 || number > LIFECYCLE_N)
			return refuse(b, path, 2,
				      name_format("service %s: lifecycle has the unknown number "
						  "%d",
						  service->proto->name, number));
		service->lifecycle |= 1u << (number - 1);
	}
	return true;
}

static bool take_self(struct builder *b,
		      struct service *service,
		      const Wat__ServiceOptions *o,
		      const int32_t *path)
{
	service->state_c_type = service->state->c_name;
	if (!*o->self)
		return true;
	if (!name_is_identifier(o->self))
		return refuse(b, path, 2,
			      name_format("option self of service %s: expected the name of a C "
					  "struct, got \"%s\"",
					  service->proto->name, o->self));
	service->self = o->self;
	service->state_c_type = name_format("struct %s", o->self);
	return true;
}

static bool take_state_max(struct builder *b,
			   struct service *service,
			   const Wat__ServiceOptions *o,
			   const int32_t *path)
{
	if (o->state_max > WAT_STATE_MAX_MAX)
		return refuse(b, path, 2,
			      name_format("option state_max of service %s: expected at most %u "
					  "bytes, got %u",
					  service->proto->name, WAT_STATE_MAX_MAX, o->state_max));
	service->state_max = o->state_max ? o->state_max : WAT_STATE_MAX;
	service->durability = (uint32_t)o->durability;
	service->deterministic = o->deterministic;
	return true;
}

static bool add_need(struct builder *b,
		     struct service *service,
		     const Wat__Need *o,
		     const int32_t *path)
{
	struct need need = {(enum need_kind)o->kind, o->path};
	char word[NEED_WORD_SIZE];

	if (!need_is_valid((uint32_t)o->kind, o->path))
		return refuse(b, path, 2,
			      name_format("option needs of service %s: expected FILES_READ or "
					  "FILES_WRITE with an absolute path other than /, without "
					  "blanks, //, . and .., or NET_OUT without a path; got "
					  "\"%s\"",
					  service->proto->name, o->path));
	need_format(&need, word);
	for (size_t i = 0; i < service->n_needs; i++)
		if (need_covers(&service->needs[i], &need))
			return refuse(b, path, 2,
				      name_format("option needs of service %s: %s is in what is "
						  "needed before it",
						  service->proto->name, word));
	if (service->n_needs == NEEDS_MAX)
		return refuse(b, path, 2,
			      name_format("option needs of service %s: expected at most %u",
					  service->proto->name, NEEDS_MAX));
	service->needs[service->n_needs++] = need;
	return true;
}

static bool take_needs(struct builder *b,
		       struct service *service,
		       const Wat__ServiceOptions *o,
		       const int32_t *path)
{
	for (size_t i = 0; i < o->n_needs; i++)
		if (!add_need(b, service, o->needs[i], path))
			return false;
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
	service->state = find_type(b->file, o->state);
	if (!service->state)
		return refuse(b, path, 2,
			      name_format("service %s: there is no message %s for its state",
					  service->proto->name, o->state));
	service->version = o->version;
	return take_self(b, service, o, path) && take_state_max(b, service, o, path) &&
	       take_lifecycle(b, service, o, path) && take_needs(b, service, o, path);
}

static uint64_t short_hash(const char *full, uint32_t version)
{
	uint8_t hash[INTERFACE_HASH_SIZE];

	interface_hash(full, version, hash);
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
	service->hash = short_hash(service->full, service->version);
	service->methods = grow(NULL, service->n_methods, sizeof *service->methods);
	for (size_t m = 0; m < service->n_methods; m++)
		if (!add_method(b, service, s, m))
			return false;
	return true;
}

static bool check_names(struct builder *b)
{
	const struct symbol *later, *earlier = NULL;
	struct symbol *symbols;
	size_t n;

	do {
		symbols = symbols_of(b->file, &n);
		later = symbols_find_meeting(symbols, n, &earlier);
		if (!later)
			return true;
		/* watd's own messages are then known by protobuf-c's name only. */
		if (b->file->builtin && later->type)
			later->type->c_name = later->type->pbc;
	} while (b->file->builtin && later->type);
	return refuse(b, later->path, later->n_path,
		      name_format("%s gets the C name %s, which %s has", later->owner, later->name,
				  earlier->owner));
}

/* The prefix is that of the package, or the option's. */
static bool take_prefix(struct builder *b)
{
	static const int32_t option[] = {PATH_OPTIONS, OPTION_NUMBER}, package[] = {PATH_PACKAGE};
	struct file *file = b->file;
	bool unknown = false, by_option = options_of_file(file->proto, &unknown) != NULL;
	const int32_t *path = by_option ? option : package;
	size_t n = by_option ? 2 : 1;

	if (unknown)
		return refuse(
			b, path, n,
			name_format("the file has an option that this generator does not know"));
	file->prefix = prefix_of(file->proto, &unknown);
	if (!file->prefix || name_is_keyword(file->prefix))
		return refuse(b, path, n,
			      name_format("package %s gives no C prefix; expected option "
					  "(wat.file) = { prefix: ... }",
					  file->proto->package));
	if (!name_is_prefix(file->prefix))
		return refuse(b, path, n,
			      name_format("the C prefix \"%s\" is none: expected small letters, "
					  "digits and underscores, a letter first",
					  file->prefix));
	if (!file->builtin &&
	    (strcmp(file->prefix, "wat") == 0 || strncmp(file->prefix, "wat_", 4) == 0))
		return refuse(b, path, n,
			      name_format("the C prefix %s is that of libwat; expected another "
					  "one, by option (wat.file) = { prefix: ... }",
					  file->prefix));
	return true;
}

static bool check_members(struct builder *b)
{
	int32_t path[MEMBERS_PATH_MAX];
	size_t n = 0;
	char *text = members_find_bad(b->file->proto, path, &n);

	return text ? refuse(b, path, n, text) : true;
}

static bool check_syntax(struct builder *b)
{
	const file_proto *proto = b->file->proto;

	if (!proto->syntax || strcmp(proto->syntax, "proto3") != 0)
		return refuse(b, (const int32_t[]){PATH_SYNTAX}, 1,
			      name_format("expected syntax = \"proto3\""));
	if (!proto->package || !*proto->package)
		return refuse(b, NULL, 0, name_format("expected a package: C names begin with it"));
	return true;
}

static bool build(struct builder *b)
{
	struct file *file = b->file;

	if (!check_syntax(b) || !take_prefix(b) || !check_members(b))
		return false;
	add_closure(b);
	if (!add_types(b))
		return false;
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

static const struct {
	const char *name;
	bool of_user;
} lifecycles[LIFECYCLE_N] = {
	[LIFECYCLE_START] = {"start", false},
	[LIFECYCLE_STOP] = {"stop", false},
	[LIFECYCLE_PROVISION] = {"provision", true},
	[LIFECYCLE_DEPROVISION] = {"deprovision", true},
	[LIFECYCLE_DISCONNECT] = {"disconnect", true},
};

const char *lifecycle_name(enum lifecycle lifecycle)
{
	return lifecycles[lifecycle].name;
}

bool lifecycle_of_user(enum lifecycle lifecycle)
{
	return lifecycles[lifecycle].of_user;
}

bool is_empty(const struct type *type)
{
	return strcmp(type->full, "wat.Empty") == 0;
}
