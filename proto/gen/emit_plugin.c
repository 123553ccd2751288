/* emit_plugin.c - x.plugin.c: handler tables, the exported wat_plugin, and what the .so says of
 * itself in sections of its own. */
#include <stdlib.h>
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include <wat/manifest.pb-c.h>

#define PLUGIN_ABI 1u

static void emit_section(FILE *out,
			 const char *name,
			 const char *section,
			 const uint8_t *bytes,
			 size_t n)
{
	fprintf(out,
		"\n/* clang-format off */\n__attribute__((used, retain, section(\"%s\"))) static "
		"const unsigned char %s[%zu] = {",
		section, name, n);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%u,", i % 24 == 0 ? "\n\t" : "", bytes[i]);
	fprintf(out, "\n};\n/* clang-format on */\n");
}

/* Comments are part of the description; places of what has none are not. */
static void drop_plain_locations(file_proto *proto)
{
	size_t kept = 0;

	if (!proto->source_code_info)
		return;
	for (size_t i = 0; i < proto->source_code_info->n_location; i++) {
		Google__Protobuf__SourceCodeInfo__Location *l =
			proto->source_code_info->location[i];

		if (l->leading_comments || l->trailing_comments)
			proto->source_code_info->location[kept++] = l;
	}
	proto->source_code_info->n_location = kept;
}

static void emit_schema(FILE *out, const struct file *file)
{
	Google__Protobuf__FileDescriptorSet set = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
	uint8_t *bytes;
	size_t n;

	for (size_t i = 0; i < file->n_closure; i++)
		drop_plain_locations((file_proto *)file->closure[i]);
	set.n_file = file->n_closure;
	set.file = (file_proto **)file->closure;
	n = google__protobuf__file_descriptor_set__get_packed_size(&set);
	bytes = malloc(n);
	if (!bytes)
		abort();
	google__protobuf__file_descriptor_set__pack(&set, bytes);
	emit_section(out, "wat_schema", ".wat.schema", bytes, n);
	free(bytes);
}

static void *zeroed(size_t n, size_t size)
{
	void *memory = calloc(n + 1, size);

	if (!memory)
		abort();
	return memory;
}

static Wat__Manifest__Method *manifest_method(const struct method *m)
{
	Wat__Manifest__Method *out = zeroed(1, sizeof *out);

	wat__manifest__method__init(out);
	out->name = (char *)m->name;
	out->input = m->in->full;
	out->output = m->out->full;
	out->flags = m->flags;
	return out;
}

static Wat__Manifest__Service *manifest_service(const struct service *s)
{
	Wat__Manifest__Service *out = zeroed(1, sizeof *out);

	wat__manifest__service__init(out);
	out->name = s->full;
	out->prefix = s->c_name;
	out->version = s->version;
	out->interface_hash = s->hash;
	out->state = s->state->full;
	out->methods = zeroed(s->n_methods, sizeof(*out->methods));
	for (size_t i = 0; i < s->n_methods; i++)
		out->methods[out->n_methods++] = manifest_method(&s->methods[i]);
	return out;
}

static void emit_manifest(FILE *out, const struct file *file)
{
	Wat__Manifest__Plugin plugin = WAT__MANIFEST__PLUGIN__INIT;
	uint8_t *bytes;
	size_t n;

	plugin.abi = PLUGIN_ABI;
	plugin.services = zeroed(file->n_services, sizeof(*plugin.services));
	for (size_t i = 0; i < file->n_services; i++)
		plugin.services[plugin.n_services++] = manifest_service(&file->services[i]);
	n = wat__manifest__plugin__get_packed_size(&plugin);
	bytes = zeroed(n, 1);
	wat__manifest__plugin__pack(&plugin, bytes);
	emit_section(out, "wat_manifest", ".wat.plugin", bytes, n);
	free(bytes);
}

void emit_plugin_c(FILE *out, const struct file *file)
{
	emit_head(out, file, "Handler tables and self-description of a plugin.");
	emit_include(out, file, "service.h");
	fprintf(out,
		"\n_Static_assert(WAT_PLUGIN_ABI == %uu, \"generated for another ABI: run "
		"protoc-gen-wat again\");\n\n",
		PLUGIN_ABI);
	emit_handler_tables(out, file);
	fputs("static const struct wat_service *const wat_services[] = {\n", out);
	for (size_t i = 0; i < file->n_services; i++)
		fprintf(out, "\t&%s_service,\n", file->services[i].c_name);
	fprintf(out,
		"};\n\nextern const struct wat_plugin wat_plugin;\n"
		"__attribute__((visibility(\"default\"))) const struct wat_plugin wat_plugin = "
		"{\n\t.abi = WAT_PLUGIN_ABI,\n"
		"\t.size = sizeof(struct wat_plugin),\n\t.n_services = %zuu,\n\t.services = "
		"wat_services,\n};\n",
		file->n_services);
	emit_schema(out, file);
	emit_manifest(out, file);
}
