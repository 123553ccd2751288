/* main.c - protoc-gen-wat: protoc's request on stdin, the generated files on stdout. One run, one
 * thread; memory is given back by its end. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File output_file;

static uint8_t *read_all(size_t *ret_n)
{
	size_t n = 0, size = 65536;
	uint8_t *bytes = malloc(size);
	ssize_t r;

	while (bytes && (r = read(STDIN_FILENO, bytes + n, size - n)) != 0) {
		if (r < 0)
			return NULL;
		n += (size_t)r;
		if (n == size)
			bytes = realloc(bytes, size *= 2);
	}
	*ret_n = n;
	return bytes;
}

static void add_output(response *out,
		       const struct file *file,
		       const char *suffix,
		       void (*emit)(FILE *, const struct file *))
{
	output_file *output = malloc(sizeof *output);
	char *text = NULL;
	size_t n = 0;
	FILE *stream = open_memstream(&text, &n);

	out->file = realloc(out->file, (out->n_file + 1) * sizeof(*out->file));
	if (!output || !stream || !out->file)
		abort();
	emit(stream, file);
	if (fclose(stream) != 0)
		abort();
	google__protobuf__compiler__code_generator_response__file__init(output);
	output->name = name_format("%s.%s", file->stem, suffix);
	output->content = text;
	out->file[out->n_file++] = output;
}

static const file_proto *find(const request *in, const char *name)
{
	for (size_t i = 0; i < in->n_proto_file; i++)
		if (strcmp(in->proto_file[i]->name, name) == 0)
			return in->proto_file[i];
	return NULL;
}

static void generate(const request *in, const file_proto *proto, bool builtin, response *out)
{
	const struct file *file = model_new(in, proto, builtin, &out->error);

	if (!file)
		return;
	if (!builtin)
		add_output(out, file, "client.h", emit_client_h);
	add_output(out, file, "service.h", emit_service_h);
	add_output(out, file, "wat.c", emit_wat_c);
	if (builtin)
		add_output(out, file, "handlers.c", emit_handlers_c);
	else
		add_output(out, file, "plugin.c", emit_plugin_c);
}

static int write_response(const response *out)
{
	size_t n = google__protobuf__compiler__code_generator_response__get_packed_size(out);
	uint8_t *bytes = malloc(n + 1);

	if (!bytes)
		return 1;
	google__protobuf__compiler__code_generator_response__pack(out, bytes);
	for (size_t at = 0; at < n;) {
		ssize_t r = write(STDOUT_FILENO, bytes + at, n - at);

		if (r < 0)
			return 1;
		at += (size_t)r;
	}
	free(bytes);
	return 0;
}

int main(void)
{
	response out = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	size_t n = 0;
	uint8_t *bytes = read_all(&n);
	request *in =
		bytes ? google__protobuf__compiler__code_generator_request__unpack(NULL, n, bytes)
		      : NULL;
	bool builtin;

	if (!in || sodium_init() < 0) {
		fputs("protoc-gen-wat: expected a CodeGeneratorRequest on stdin; protoc starts "
		      "this program\n",
		      stderr);
		return 1;
	}
	builtin = in->parameter && strcmp(in->parameter, "builtin") == 0;
	if (in->parameter && *in->parameter && !builtin)
		out.error = name_format("unknown parameter \"%s\"; expected none, or builtin",
					in->parameter);
	for (size_t i = 0; !out.error && i < in->n_file_to_generate; i++)
		generate(in, find(in, in->file_to_generate[i]), builtin, &out);
	if (out.error) {
		out.n_file = 0;
		out.file = NULL;
	}
	return write_response(&out);
}
