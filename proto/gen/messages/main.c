/* main.c - protoc-gen-wat-c: protobuf-c's generator between two corrections. protoc's request on
 * stdin, the generated files on stdout. One run, one thread.
 *
 * Services are taken out of the request: protobuf-c makes a struct of each, with a member for each
 * method, and one called Delete, New or Return is none in C or C++. And protobuf-c before 1.5 does
 * not tell protoc that it knows `optional`, which it makes a oneof of one member; so this says it.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <google/protobuf/compiler/plugin.pb-c.h>

#include "proto/gen/io.h"
#include "proto/gen/request_check.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response;

#define OPTIONAL_KNOWN \
	GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL

static int fail(const char *what, int r)
{
	fprintf(stderr, "protoc-gen-wat-c: %s: %s\n", what, strerror(-r));
	return 1;
}

/* NULL: there is none, for the reason in *ret_problem. */
static uint8_t *read_request(size_t *ret_n, char **ret_problem)
{
	size_t n = 0;
	uint8_t *bytes = io_read_all(STDIN_FILENO, &n), *packed;
	request *in = bytes ? request_read(bytes, n, ret_problem) : NULL;

	if (!in)
		return NULL;
	for (size_t i = 0; i < in->n_proto_file; i++)
		in->proto_file[i]->n_service = 0;
	packed =
		malloc(google__protobuf__compiler__code_generator_request__get_packed_size(in) + 1);
	if (packed)
		*ret_n = google__protobuf__compiler__code_generator_request__pack(in, packed);
	return packed;
}

/* Its stdin and stdout. */
static int start(pid_t *ret_pid, int *ret_in, int *ret_out)
{
	char *arguments[] = {(char *)WAT_PROTOC_GEN_C, NULL};
	posix_spawn_file_actions_t actions;
	int in[2], out[2], r;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(ret_pid, WAT_PROTOC_GEN_C, &actions, NULL, arguments, environ);
	close(in[0]);
	close(out[1]);
	*ret_in = in[1];
	*ret_out = out[0];
	return -r;
}

/* It reads all before it writes. */
static uint8_t *exchange(const uint8_t *bytes, size_t n, size_t *ret_n, int *ret_r)
{
	int in = -1, out = -1, status = 0;
	uint8_t *answer = NULL;
	pid_t pid = 0;

	*ret_r = start(&pid, &in, &out);
	if (*ret_r < 0)
		return NULL;
	*ret_r = io_write_all(in, bytes, n);
	close(in);
	answer = io_read_all(out, ret_n);
	close(out);
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		*ret_r = -ECHILD;
	else if (!answer && *ret_r == 0)
		*ret_r = -EIO;
	return answer;
}

static int write_answer(const uint8_t *bytes, size_t n)
{
	response *out = google__protobuf__compiler__code_generator_response__unpack(NULL, n, bytes);
	uint8_t *packed;

	if (!out)
		return -EBADMSG;
	out->has_supported_features = true;
	out->supported_features |= OPTIONAL_KNOWN;
	n = google__protobuf__compiler__code_generator_response__get_packed_size(out);
	packed = malloc(n);
	if (!packed)
		return -ENOMEM;
	google__protobuf__compiler__code_generator_response__pack(out, packed);
	return io_write_all(STDOUT_FILENO, packed, n);
}

int main(void)
{
	size_t n = 0, n_answer = 0;
	char *problem = NULL;
	uint8_t *bytes = read_request(&n, &problem), *answer;
	int r;

	if (!bytes) {
		fprintf(stderr, "protoc-gen-wat-c, which protoc starts: %s\n",
			problem ? problem : strerror(errno));
		return 1;
	}
	answer = exchange(bytes, n, &n_answer, &r);
	if (r < 0)
		return fail(WAT_PROTOC_GEN_C, r);
	r = write_answer(answer, n_answer);
	return r < 0 ? fail("its answer", r) : 0;
}
