/* message.c - messages between JSON and bytes. */
#include "client/watctl/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/assign.h"
#include "client/watctl/problem.h"
#include "client/watctl/read_file.h"
#include "proto/json.h"

static int read_argument(const char *argument, char **ret, size_t *ret_n)
{
	if (strcmp(argument, "-") == 0)
		return read_stdin(ret, ret_n);
	if (*argument == '@')
		return read_file(argument + 1, ret, ret_n);
	*ret = strdup(argument);
	*ret_n = strlen(argument);
	return *ret ? 0 : -ENOMEM;
}

static int refuse(const struct watctl *ctl,
		  const char *type,
		  const char *what,
		  const struct json_error *error)
{
	return problem(ctl, WAT_INVALID_ARGUMENT,
		       "%s is not a %s: %s%s%s; watctl describe shows the fields", what, type,
		       error->path, *error->path ? ": " : "", error->text);
}

static int from_json(const struct watctl *ctl,
		     const struct schema *schema,
		     const char *type,
		     const char *what,
		     const char *json,
		     size_t n,
		     uint8_t **ret_bytes,
		     size_t *ret_n)
{
	struct json_error error = {"", ""};
	int r = json_to_message(schema, type, json, n, ret_bytes, ret_n, &error);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? refuse(ctl, type, what, &error) : 0;
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
	size_t n;
	int r = read_argument(argument, &json, &n);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r < 0)
		return problem_exit(ctl, WATCTL_USAGE, WAT_INVALID_ARGUMENT,
				    "%s can't be read from %s: %s", what,
				    *argument == '@' ? argument + 1 : "stdin", strerror(-r));
	return from_json(ctl, schema, type, what, json, n, ret_bytes, ret_n);
}

/* A message is an object, so JSON begins with a brace, and no field does. */
static bool is_json(const char *argument)
{
	return *argument == '@' || strcmp(argument, "-") == 0 ||
	       argument[strspn(argument, " \t\n")] == '{';
}

static int from_fields(const struct watctl *ctl,
		       const struct schema *schema,
		       const char *type,
		       const char *what,
		       int first,
		       char **ret_json)
{
	struct json_error error = {"", ""};
	int r = assign_to_json(schema, type, ctl->arguments + first, ctl->n_arguments - first,
			       ret_json, &error);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? refuse(ctl, type, what, &error) : 0;
}

int message_from_arguments(const struct watctl *ctl,
			   const struct schema *schema,
			   const char *type,
			   const char *what,
			   int first,
			   uint8_t **ret_bytes,
			   size_t *ret_n)
{
	const char *argument = watctl_argument(ctl, first);
	_cleanup_(freep) char *json = NULL;
	int r;

	if (!argument)
		return from_json(ctl, schema, type, what, "{}", 2, ret_bytes, ret_n);
	if (is_json(argument) && ctl->n_arguments > first + 1)
		return problem_usage(ctl, "%s is JSON or fields, not both: \"%s\"", what,
				     ctl->arguments[first + 1]);
	if (is_json(argument))
		return message_from_argument(ctl, schema, type, what, argument, ret_bytes, ret_n);
	r = from_fields(ctl, schema, type, what, first, &json);
	return r != 0 ? r
		      : from_json(ctl, schema, type, what, json, strlen(json), ret_bytes, ret_n);
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
