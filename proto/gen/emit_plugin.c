/* emit_plugin.c - x.plugin.c: handler tables, the exported wat_plugin, and what the .so says of
 * itself in sections of its own. */
#include <stdlib.h>
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/gen/plugin.h"
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

static Wat__Manifest__Need *manifest_need(const struct need *need)
{
	Wat__Manifest__Need *out = zeroed(1, sizeof *out);

	wat__manifest__need__init(out);
	out->kind = need->kind;
	out->path = (char *)need->path;
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
	out->state_max = s->state_max;
	out->durability = s->durability;
	out->deterministic = s->deterministic;
	for (unsigned l = 0; l < LIFECYCLE_N; l++)
		if (s->lifecycle & 1u << l)
			out->lifecycle |= 1u << (l + 1);
	out->needs = zeroed(s->n_needs, sizeof(*out->needs));
	for (size_t i = 0; i < s->n_needs; i++)
		out->needs[out->n_needs++] = manifest_need(&s->needs[i]);
	out->methods = zeroed(s->n_methods, sizeof(*out->methods));
	for (size_t i = 0; i < s->n_methods; i++)
		out->methods[out->n_methods++] = manifest_method(&s->methods[i]);
	return out;
}

static void emit_manifest(FILE *out, const struct plugin *plugin)
{
	Wat__Manifest__Plugin manifest = WAT__MANIFEST__PLUGIN__INIT;
	uint8_t *bytes;
	size_t n;

	manifest.abi = PLUGIN_ABI;
	manifest.services = zeroed(plugin_n_services(plugin), sizeof(*manifest.services));
	for (size_t i = 0; i < plugin_n_services(plugin); i++)
		manifest.services[manifest.n_services++] =
			manifest_service(plugin_service(plugin, i));
	n = wat__manifest__plugin__get_packed_size(&manifest);
	bytes = zeroed(n, 1);
	wat__manifest__plugin__pack(&manifest, bytes);
	emit_section(out, "wat_manifest", ".wat.plugin", bytes, n);
	free(bytes);
}

static void emit_table(FILE *out, const struct plugin *plugin)
{
	fputs("static const struct wat_service *const wat_services[] = {\n", out);
	for (size_t i = 0; i < plugin_n_services(plugin); i++)
		fprintf(out, "\t&%s_service,\n", plugin_service(plugin, i)->c_name);
	fprintf(out,
		"};\n\nextern const struct wat_plugin wat_plugin;\n"
		"__attribute__((visibility(\"default\"))) const struct wat_plugin wat_plugin = "
		"{\n\t.abi = WAT_PLUGIN_ABI,\n"
		"\t.size = sizeof(struct wat_plugin),\n\t.n_services = %zuu,\n\t.services = "
		"wat_services,\n};\n",
		plugin_n_services(plugin));
}

void emit_plugin_c(FILE *out, const struct plugin *plugin)
{
	emit_head(out, plugin->files[0], "Handler tables and self-description of a plugin.");
	for (size_t i = 0; i < plugin->n_files; i++)
		emit_include(out, plugin->files[i], "service.h");
	fprintf(out,
		"\n_Static_assert(WAT_PLUGIN_ABI == %uu, \"generated for another ABI: run "
		"protoc-gen-wat again\");\n\n",
		PLUGIN_ABI);
	for (size_t i = 0; i < plugin->n_files; i++)
		emit_handler_tables(out, plugin->files[i]);
	emit_table(out, plugin);
	emit_section(out, "wat_schema", ".wat.schema", plugin->schema, plugin->n_schema);
	emit_manifest(out, plugin);
}
