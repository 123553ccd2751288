/* main.c - protoc-gen-wat: protoc's request on stdin, the generated files on stdout. One run, one
 * thread; memory is given back by its end. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/gen/generate.h"
#include "proto/gen/request_check.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;

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
