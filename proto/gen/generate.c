/* generate.c - from a request to the generated files. */
#include "proto/gen/generate.h"

#include <stdlib.h>
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/gen/request_check.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File output_file;

/* The stream is closed by finish_output. */
static FILE *start_output(char **text, size_t *n)
{
	FILE *stream = open_memstream(text, n);

	if (!stream)
		abort();
	return stream;
}

static void finish_output(response *out, FILE *stream, char **text, char *name)
{
	output_file *output = malloc(sizeof *output);

	out->file = realloc(out->file, (out->n_file + 1) * sizeof(*out->file));
	if (!output || !out->file || fclose(stream) != 0)
		abort();
	google__protobuf__compiler__code_generator_response__file__init(output);
	output->name = name;
	output->content = *text;
	out->file[out->n_file++] = output;
}

static void add_output(response *out,
		       const struct file *file,
		       const char *suffix,
		       void (*emit)(FILE *, const struct file *))
{
	char *text = NULL;
	size_t n = 0;
	FILE *stream = start_output(&text, &n);

	emit(stream, file);
	finish_output(out, stream, &text, name_format("%s.%s", file->stem, suffix));
}

static void add_plugin(response *out, const struct plugin *plugin, const char *name)
{
	char *text = NULL;
	size_t n = 0;
	FILE *stream;

	if (plugin->n_files == 0)
		return;
	stream = start_output(&text, &n);
	emit_plugin_c(stream, plugin);
	finish_output(out, stream, &text,
		      name_format("%s.plugin.c", *name ? name : plugin->files[0]->stem));
}

static const file_proto *find(const request *in, const char *name)
{
	for (size_t i = 0; i < in->n_proto_file; i++)
		if (strcmp(in->proto_file[i]->name, name) == 0)
			return in->proto_file[i];
	return NULL;
}

static void generate(const request *in,
		     const char *name,
		     bool builtin,
		     struct plugin *plugin,
		     response *out)
{
	const file_proto *proto = find(in, name);
	const struct file *file;

	if (!proto) {
		out->error = name_format("the request has no file %s", name);
		return;
	}
	file = model_new(in, proto, builtin, &out->error);
	if (!file)
		return;
	if (!builtin)
		add_output(out, file, "client.h", emit_client_h);
	if (!builtin && file->n_services > 0)
		add_output(out, file, "test.h", emit_test_h);
	add_output(out, file, "service.h", emit_service_h);
	add_output(out, file, "wat.c", emit_wat_c);
	if (builtin)
		add_output(out, file, "handlers.c", emit_handlers_c);
	else if (file->n_services > 0)
		plugin->files[plugin->n_files++] = file;
}

/* Two services of one plugin share its namespace. */
static void check_plugin(const struct plugin *plugin, response *out)
{
	for (size_t i = 0; i < plugin_n_services(plugin); i++)
		for (size_t j = 0; j < i; j++) {
			const struct service *a = plugin_service(plugin, j);
			const struct service *b = plugin_service(plugin, i);

			if (!out->error && strcmp(a->c_name, b->c_name) == 0)
				out->error = name_format(
					"services %s and %s of one plugin have the same C name "
					"%s; give one of the files option (wat.file) = { prefix: "
					"... }",
					a->full, b->full, a->c_name);
		}
}

static void generate_all(const request *in, bool builtin, const char *plugin_name, response *out)
{
	struct plugin plugin = {.files = calloc(in->n_file_to_generate + 1, sizeof(*plugin.files))};

	if (!plugin.files)
		abort();
	for (size_t i = 0; !out->error && i < in->n_file_to_generate; i++)
		generate(in, in->file_to_generate[i], builtin, &plugin, out);
	if (!out->error)
		check_plugin(&plugin, out);
	if (!out->error)
		add_plugin(out, &plugin, plugin_name);
}

void generate_response(const request *in, response *out)
{
	const char *parameter = in->parameter ? in->parameter : "", *plugin_name = "";
	bool builtin = strcmp(parameter, "builtin") == 0;

	out->error = request_check(in);
	if (strncmp(parameter, "plugin=", 7) == 0)
		plugin_name = parameter + 7;
	else if (*parameter && !builtin && !out->error)
		out->error = name_format(
			"unknown parameter \"%s\"; expected none, plugin=NAME or builtin",
			parameter);
	if (!out->error)
		generate_all(in, builtin, plugin_name, out);
	if (out->error) {
		out->n_file = 0;
		out->file = NULL;
	}
}
