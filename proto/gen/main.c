/* main.c - protoc-gen-wat: protoc's request on stdin, the generated files on stdout. One run, one
 * thread; memory is given back by its end. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/gen/generate.h"
#include "proto/gen/io.h"
#include "proto/gen/request_check.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;

static int write_response(const response *out)
{
	size_t n = google__protobuf__compiler__code_generator_response__get_packed_size(out);
	uint8_t *bytes = malloc(n + 1);
	int r;

	if (!bytes)
		return 1;
	google__protobuf__compiler__code_generator_response__pack(out, bytes);
	r = io_write_all(STDOUT_FILENO, bytes, n);
	free(bytes);
	return r < 0;
}

int main(void)
{
	response out = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	size_t n = 0;
	uint8_t *bytes = io_read_all(STDIN_FILENO, &n);
	char *problem = NULL;
	request *in = bytes ? request_read(bytes, n, &problem) : NULL;

	if (!in || sodium_init() < 0) {
		fprintf(stderr, "protoc-gen-wat, which protoc starts: %s\n",
			problem ? problem : strerror(errno));
		return 1;
	}
	generate_response(in, &out);
	return write_response(&out);
}
