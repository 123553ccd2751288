/* translate.c - our JSON for another program: translate SCHEMA, which is a FileDescriptorSet. Each
 * line of stdin is a direction, a type and hexadecimal bytes: "json TYPE WIRE" or "wire TYPE JSON".
 * Each answer is a line: "ok" or "no", and hexadecimal bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

static struct schema *read_schema(const char *path)
{
	static uint8_t bytes[WAT_SCHEMA_MAX];
	FILE *file = fopen(path, "rb");
	struct schema *schema = NULL;
	size_t n;

	if (!file)
		return NULL;
	n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	return schema_new(bytes, n, &schema) == 0 ? schema : NULL;
}

static void say(const char *what, const void *bytes, size_t n)
{
	printf("%s ", what);
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const unsigned char *)bytes)[i]);
	putchar('\n');
	fflush(stdout);
}

static void refuse(const struct json_error *error)
{
	char text[sizeof *error + 3];

	(void)snprintf(text, sizeof text, "%s: %s", error->path, error->text);
	say("no", text, strlen(text));
}

static unsigned digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static size_t decode(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return n;
}

static int answer(const struct schema *schema, char *line)
{
	char *direction = strtok(line, " \n"), *type = strtok(NULL, " \n"),
	     *hex = strtok(NULL, " \n");
	_cleanup_(freep) uint8_t *in = malloc(strlen(hex ? hex : "") / 2 + 1), *bytes = NULL;
	_cleanup_(freep) char *json = NULL;
	struct json_error error = {0};
	size_t n = 0, n_in;
	int r;

	if (!direction || !type || !in)
		return -EINVAL;
	n_in = hex ? decode(hex, in) : 0;
	if (strcmp(direction, "json") == 0)
		r = json_from_message(schema, type, in, n_in, &json, &error);
	else
		r = json_to_message(schema, type, (const char *)in, n_in, &bytes, &n, &error);
	if (r == -EBADMSG)
		refuse(&error);
	else if (r == 0)
		say("ok", json ? (void *)json : (void *)bytes, json ? strlen(json) : n);
	return r == -EBADMSG ? 0 : r;
}

int main(int argc, char **argv)
{
	_cleanup_(schema_freep) struct schema *schema = argc == 2 ? read_schema(argv[1]) : NULL;
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;

	if (!schema) {
		fputs("translate: expected the path of a FileDescriptorSet\n", stderr);
		return 64;
	}
	while (getline(&line, &size, stdin) > 0)
		if (answer(schema, line) != 0)
			return 1;
	return 0;
}
