/* generate.c - from a request to the generated files. */
#include "proto/gen/generate.h"

#include <stdlib.h>
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/gen/plugin.h"
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
	FILE *stream = start_output(&text, &n);

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

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their names, so that the output does not depend on that of the command line. */
static char **files_to_generate(const request *in)
{
	char **names = calloc(in->n_file_to_generate + 1, sizeof *names);

	if (!names)
		abort();
	for (size_t i = 0; i < in->n_file_to_generate; i++)
		names[i] = in->file_to_generate[i];
	qsort(names, in->n_file_to_generate, sizeof *names, compare_names);
	return names;
}

static void generate_all(const request *in, bool builtin, const char *plugin_name, response *out)
{
	struct plugin plugin = {.files = calloc(in->n_file_to_generate + 1, sizeof(*plugin.files))};
	char **names = files_to_generate(in);

	if (!plugin.files)
		abort();
	for (size_t i = 0; !out->error && i < in->n_file_to_generate; i++)
		generate(in, names[i], builtin, &plugin, out);
	free(names);
	if (!out->error && plugin.n_files > 0)
		out->error = plugin_complete(&plugin);
	if (!out->error && plugin.n_files > 0)
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
	out->has_supported_features = true;
	out->supported_features =
		GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
	if (out->error) {
		out->n_file = 0;
		out->file = NULL;
	}
}
