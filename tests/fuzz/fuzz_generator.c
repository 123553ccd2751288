/* fuzz_generator.c - protoc-gen-wat on any bytes: refused, or an error with a sentence, or files.
 * The generator gives memory back by its end, so leaks are not looked for. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/generate.h"
#include "proto/gen/request_check.h"
#include "proto/utf8.h"

typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), n_end = strlen(end);

	return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* Comments and strings end where the generator ended them. */
static void check_c(const char *c)
{
	const char *end;

	require(utf8_is_text((const uint8_t *)c, strlen(c)));
	for (; *c; c = end) {
		char quote = *c;

		end = c + 1;
		if (strncmp(c, "/*", 2) == 0) {
			end = strstr(c + 2, "*/");
			require(end != NULL);
			end += 2;
		} else if (quote == '"' || quote == '\'') {
			while (*end != quote) {
				require(*end && *end != '\n');
				end += *end == '\\' ? 2 : 1;
			}
			end++;
		}
		require(strncmp(c, "*/", 2) != 0);
	}
}

static void check_response(response *out)
{
	if (out->error)
		require(*out->error && out->n_file == 0);
	for (size_t i = 0; i < out->n_file; i++) {
		require(ends_with(out->file[i]->name, ".h") || ends_with(out->file[i]->name, ".c"));
		check_c(out->file[i]->content);
		free(out->file[i]->content);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	response out = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	Google__Protobuf__Compiler__CodeGeneratorRequest *in;
	char *problem = NULL;

	require(sodium_init() >= 0);
	in = request_read(data, n, &problem);
	if (!in) {
		require(problem && *problem);
		free(problem);
		return 0;
	}
	generate_response(in, &out);
	check_response(&out);
	google__protobuf__compiler__code_generator_request__free_unpacked(in, NULL);
	return 0;
}
