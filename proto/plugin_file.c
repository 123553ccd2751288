/* plugin_file.c - a plugin's sections, by libelf, and whether its handler table matches its schema.
 */
#include "proto/plugin_file.h"

#include <errno.h>
#include <gelf.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <google/protobuf/descriptor.pb-c.h>

#include "proto/check.h"
#include "proto/interface.h"
#include "proto/limits.h"
#include "proto/need.h"
#include "proto/plugin_imports.h"
#include "proto/support/cleanup.h"

typedef Google__Protobuf__FileDescriptorSet file_set;
typedef Google__Protobuf__ServiceDescriptorProto service_descriptor;

static void file_set_freep(file_set **set)
{
	if (*set)
		google__protobuf__file_descriptor_set__free_unpacked(*set, NULL);
}

/* Puts down why the file can't be used; returns 1, so that callers stop. */
static int refuse(struct plugin_file *file, const char *format, ...) WAT_PRINTF(2, 3);

static int refuse(struct plugin_file *file, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&file->error, format, arguments);
	va_end(arguments);
	if (n < 0) {
		file->error = NULL;
		return -ENOMEM;
	}
	return 1;
}

/* The section's bytes, valid as long as the Elf; NULL if there is none. */
static Elf_Data *section(Elf *elf, const char *name)
{
	size_t strings;
	Elf_Scn *at = NULL;

	if (elf_getshdrstrndx(elf, &strings) != 0)
		return NULL;
	while ((at = elf_nextscn(elf, at))) {
		GElf_Shdr header;
		const char *at_name;

		if (!gelf_getshdr(at, &header) || header.sh_type == SHT_NOBITS)
			continue;
		at_name = elf_strptr(elf, strings, header.sh_name);
		if (at_name && strcmp(at_name, name) == 0)
			return elf_rawdata(at, NULL);
	}
	return NULL;
}

/* What is granted is compared with it, so it has to be well-formed. */
static int check_needs(struct plugin_file *file, const Wat__Manifest__Service *service)
{
	size_t n = 0;

	if (service->n_needs > NEEDS_MAX)
		return refuse(file, "%s needs %zu things, the limit is %u", service->name,
			      service->n_needs, NEEDS_MAX);
	for (size_t i = 0; i < service->n_needs; i++) {
		const Wat__Manifest__Need *need = service->needs[i];

		if (!need_is_valid(need->kind, need->path))
			return refuse(file, "%s needs something that is not well-formed: %u \"%s\"",
				      service->name, need->kind, need->path);
		n += strlen(need->path) + NEED_WORD_SIZE - NEED_PATH_MAX;
	}
	if (n >= NEEDS_TEXT_SIZE)
		return refuse(file, "%s needs too much to write it down", service->name);
	return 0;
}

static int read_manifest(struct plugin_file *file, Elf *elf, uint32_t abi)
{
	Elf_Data *data = section(elf, ".wat.plugin");
	ProtobufCMessage *message;
	int r;

	if (!data || !data->d_buf)
		return refuse(file, "no section .wat.plugin: this is not a watd plugin");
	if (data->d_size > WAT_SCHEMA_MAX)
		return refuse(file, "section .wat.plugin has %zu bytes, the limit is %u",
			      data->d_size, WAT_SCHEMA_MAX);
	r = check_unpack(&wat__manifest__plugin__descriptor, NULL, data->d_buf, data->d_size,
			 &message, NULL);
	if (r == -EBADMSG)
		return refuse(file, "section .wat.plugin is damaged");
	if (r < 0)
		return r;
	file->manifest = (Wat__Manifest__Plugin *)message;
	if (abi && file->manifest->abi != abi)
		return refuse(file,
			      "built for plugin ABI %u, this watd runs ABI %u: build it again",
			      file->manifest->abi, abi);
	if (file->manifest->n_services == 0)
		return refuse(file, "declares no service");
	for (size_t i = 0; i < file->manifest->n_services; i++) {
		r = check_needs(file, file->manifest->services[i]);
		if (r != 0)
			return r;
	}
	return 0;
}

static int read_schema(struct plugin_file *file, Elf *elf)
{
	Elf_Data *data = section(elf, ".wat.schema");

	if (!data || !data->d_buf || data->d_size == 0)
		return refuse(file, "no section .wat.schema: it does not describe itself");
	if (data->d_size > WAT_SCHEMA_MAX)
		return refuse(file, "section .wat.schema has %zu bytes, the limit is %u",
			      data->d_size, WAT_SCHEMA_MAX);
	file->schema = malloc(data->d_size);
	if (!file->schema)
		return -ENOMEM;
	memcpy(file->schema, data->d_buf, data->d_size);
	file->schema_len = data->d_size;
	crypto_generichash(file->schema_digest, sizeof file->schema_digest, file->schema,
			   file->schema_len, NULL, 0);
	return 0;
}

/* Is `full` the name `.package.name`, or without a package `name`? */
static bool name_is(const char *full, const char *package, const char *name)
{
	size_t n = strlen(package);

	if (n == 0)
		return strcmp(full, name) == 0;
	return strncmp(full, package, n) == 0 && full[n] == '.' && strcmp(full + n + 1, name) == 0;
}

static const service_descriptor *find_service(const file_set *set, const char *full)
{
	for (size_t i = 0; i < set->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *f = set->file[i];

		for (size_t j = 0; j < f->n_service; j++)
			if (f->service[j]->name &&
			    name_is(full, f->package ? f->package : "", f->service[j]->name))
				return f->service[j];
	}
	return NULL;
}

/* A type in a schema is written with a leading dot. */
static bool type_is(const char *in_schema, const char *full)
{
	return in_schema && in_schema[0] == '.' && strcmp(in_schema + 1, full) == 0;
}

static int match_methods(struct plugin_file *file,
			 const Wat__Manifest__Service *service,
			 const service_descriptor *schema)
{
	for (size_t i = 0; i < service->n_methods; i++) {
		const Wat__Manifest__Method *method = service->methods[i];
		const Google__Protobuf__MethodDescriptorProto *declared =
			i < schema->n_method ? schema->method[i] : NULL;

		if (!declared || !declared->name || strcmp(declared->name, method->name) != 0)
			return refuse(file,
				      "%s: handler table has %s as method %zu, the schema has %s",
				      service->name, method->name, i,
				      declared && declared->name ? declared->name : "none");
		if (!type_is(declared->input_type, method->input) ||
		    !type_is(declared->output_type, method->output))
			return refuse(file,
				      "%s.%s: handler takes %s and gives %s, the schema differs",
				      service->name, method->name, method->input, method->output);
	}
	if (schema->n_method != service->n_methods) {
		const char *more = schema->method[service->n_methods]->name;

		return refuse(file, "%s.%s: in the schema, but it has no handler", service->name,
			      more ? more : "(without a name)");
	}
	return 0;
}

/* Does what would run match what the plugin says of itself? */
static int match(struct plugin_file *file)
{
	_cleanup_(file_set_freep) file_set *set = NULL;
	ProtobufCMessage *message;
	int r = check_unpack(&google__protobuf__file_descriptor_set__descriptor, NULL, file->schema,
			     file->schema_len, &message, NULL);

	if (r == -EBADMSG)
		return refuse(file, "section .wat.schema is damaged");
	if (r < 0)
		return r;
	set = (file_set *)message;
	for (size_t i = 0; r == 0 && i < file->manifest->n_services; i++) {
		const Wat__Manifest__Service *service = file->manifest->services[i];
		const service_descriptor *declared = find_service(set, service->name);

		if (service->n_methods > WAT_METHODS_MAX)
			return refuse(file, "%s has %zu methods, the limit is %d", service->name,
				      service->n_methods, WAT_METHODS_MAX);
		if (!declared)
			return refuse(file, "%s has handlers, but the schema does not declare it",
				      service->name);
		r = match_methods(file, service, declared);
	}
	return r;
}

/* A deterministic service that asks others than its call for the time or for random bytes answers
 * otherwise when it is run again. It may have its reasons: so it can be used. */
static int look_at_imports(struct plugin_file *file, Elf *elf)
{
	_cleanup_(freep) char *names = NULL;
	const char *service = NULL;
	int r;

	for (size_t i = 0; i < file->manifest->n_services; i++)
		if (file->manifest->services[i]->deterministic && !service)
			service = file->manifest->services[i]->name;
	if (!service)
		return 0;
	r = plugin_imports_of_chance(elf, &names);
	if (r < 0 || !names)
		return r;
	if (asprintf(&file->warning,
		     "%s is deterministic, and its plugin imports %s: time and randomness have to "
		     "come from wat_now and wat_random",
		     service, names) < 0) {
		file->warning = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Whoever serves calls starts nothing. */
static int refuse_imports(struct plugin_file *file, Elf *elf)
{
	_cleanup_(freep) char *names = NULL;
	int r = plugin_imports_of_others(elf, &names);

	if (r < 0 || !names)
		return r;
	return refuse(file,
		      "imports %s: a plugin starts no threads, processes or programs, and looks "
		      "into none",
		      names);
}

static int read_all(struct plugin_file *file, Elf *elf, const char *why, uint32_t abi)
{
	int r;

	if (!elf)
		return refuse(file, "%s", why);
	if (elf_kind(elf) != ELF_K_ELF)
		return refuse(file, "not an ELF shared object");
	r = read_manifest(file, elf, abi);
	if (r == 0)
		r = read_schema(file, elf);
	if (r == 0)
		r = match(file);
	if (r == 0)
		r = refuse_imports(file, elf);
	return r == 0 ? look_at_imports(file, elf) : r;
}

int plugin_file_new(const char *path,
		    Elf *elf,
		    const char *why,
		    uint32_t abi,
		    struct plugin_file **ret)
{
	_cleanup_(plugin_file_freep) struct plugin_file *file = calloc(1, sizeof *file);
	int r;

	if (!file)
		return -ENOMEM;
	file->path = strdup(path);
	r = file->path ? read_all(file, elf, why, abi) : -ENOMEM;
	if (r < 0)
		return r;
	*ret = TAKE(file);
	return 0;
}

struct plugin_file *plugin_file_free(struct plugin_file *file)
{
	if (!file)
		return NULL;
	free(file->path);
	free(file->error);
	free(file->warning);
	free(file->schema);
	if (file->manifest)
		wat__manifest__plugin__free_unpacked(file->manifest, NULL);
	free(file);
	return NULL;
}
