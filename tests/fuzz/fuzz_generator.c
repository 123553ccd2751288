/* fuzz_generator.c - protoc-gen-wat on any request: an error with a sentence, or files. The
 * generator gives memory back by its end, so leaks are not looked for. */
#include <sodium.h>
#include <stdlib.h>

#include "proto/gen/generate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	Google__Protobuf__Compiler__CodeGeneratorResponse out =
		GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	Google__Protobuf__Compiler__CodeGeneratorRequest *in =
		google__protobuf__compiler__code_generator_request__unpack(NULL, n, data);

	if (!in)
		return 0;
	require(sodium_init() >= 0);
	generate_response(in, &out);
	if (out.error)
		require(*out.error && out.n_file == 0);
	for (size_t i = 0; i < out.n_file; i++) {
		require(out.file[i]->name && out.file[i]->content);
		free(out.file[i]->content);
	}
	google__protobuf__compiler__code_generator_request__free_unpacked(in, NULL);
	return 0;
}
