/* message.c - messages between JSON and bytes. */
#include "client/watctl/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/problem.h"
#include "proto/json.h"

/* JSON of a body of 1 MiB can be several times as long; more than this can't be one. */
#define JSON_MAX (16u * 1024u * 1024u)

static int read_stream(FILE *stream, char **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	size_t used = 0, size = 0;

	while (!feof(stream)) {
		if (used == size) {
			char *grown;

			if (size >= JSON_MAX)
				return -EFBIG;
			size = size ? size * 2 : 4096;
			grown = realloc(text, size);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		used += fread(text + used, 1, size - used, stream);
		if (ferror(stream))
			return -EIO;
	}
	*ret = TAKE(text);
	*ret_n = used;
	return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_(file_closep) FILE *file = fopen(path, "re");

	return file ? read_stream(file, ret, ret_n) : -errno;
}

static int read_argument(const char *argument, char **ret, size_t *ret_n)
{
	if (strcmp(argument, "-") == 0)
		return read_stream(stdin, ret, ret_n);
	if (*argument == '@')
		return read_file(argument + 1, ret, ret_n);
	*ret = strdup(argument);
	*ret_n = strlen(argument);
	return *ret ? 0 : -ENOMEM;
}

int message_from_argument(const struct watctl *ctl,
			  const struct schema *schema,
			  const char *type,
			  const char *what,
			  const char *argument,
			  uint8_t **ret_bytes,
			  size_t *ret_n)
{
	_cleanup_(freep) char *json = NULL;
	struct json_error error = {"", ""};
	size_t n;
	int r = read_argument(argument, &json, &n);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r < 0)
		return problem_exit(ctl, WATCTL_USAGE, WAT_INVALID_ARGUMENT,
				    "%s can't be read from %s: %s", what,
				    *argument == '@' ? argument + 1 : "stdin", strerror(-r));
	r = json_to_message(schema, type, json, n, ret_bytes, ret_n, &error);
	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r < 0)
		return problem(ctl, WAT_INVALID_ARGUMENT,
			       "%s is not a %s: %s%s%s; watctl describe "
			       "shows the fields",
			       what, type, error.path, *error.path ? ": " : "", error.text);
	return 0;
}

int message_print(const struct watctl *ctl,
		  const struct schema *schema,
		  const char *type,
		  const uint8_t *bytes,
		  size_t n)
{
	_cleanup_(freep) char *json = NULL;
	struct json_error error = {"", ""};
	int r = json_from_message(schema, type, bytes, n, &json, &error);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r < 0)
		return problem(ctl, WAT_INTERNAL, "the answer is not a %s: %s%s%s", type,
			       error.path, *error.path ? ": " : "", error.text);
	(void)puts(json);
	return 0;
}

int message_schema(const struct watctl *ctl, const uint8_t *bytes, size_t n, struct schema **ret)
{
	int r = schema_new(bytes, n, ret);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? problem(ctl, WAT_DATA_LOSS, "the service's schema can't be read") : 0;
}
