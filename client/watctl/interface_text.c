/* interface_text.c - an interface_view as text for people, on stdout. */
#include "client/watctl/interface_text.h"

#include <stdio.h>
#include <string.h>

#include "client/watctl/output.h"
#include "proto/support/cleanup.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_lines(const char *text, const char *indent)
{
	_cleanup_(freep) char *copy = strdup(text);
	char *rest = copy, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t\r");
		if (!*line)
			continue;
		(void)fputs(indent, stdout);
		output_text(stdout, line);
		(void)putchar('\n');
	}
}

static void print_part(const char *text)
{
	output_text(stdout, text);
}

static void print_method(const json_t *method)
{
	(void)fputs("  ", stdout);
	print_part(text_of(method, "name"));
	(void)putchar('(');
	print_part(text_of(method, "input"));
	(void)fputs(") returns ", stdout);
	print_part(text_of(method, "output"));
	if (json_is_true(json_object_get(method, "readOnly")))
		(void)fputs("  [read only]", stdout);
	if (json_is_true(json_object_get(method, "later")))
		(void)fputs("  [answers later]", stdout);
	(void)putchar('\n');
	print_lines(text_of(method, "comment"), "      ");
}

static void print_methods(const char *title, const json_t *methods)
{
	const json_t *method;
	size_t i;

	printf("\n%s\n", title);
	json_array_foreach(methods, i, method)
	{
		print_method(method);
	}
}

static void print_field(const json_t *field)
{
	const char *oneof = text_of(field, "oneof");

	(void)fputs("    ", stdout);
	print_part(text_of(field, "type"));
	(void)putchar(' ');
	print_part(text_of(field, "name"));
	printf(" = %d", (int)json_integer_value(json_object_get(field, "number")));
	if (*oneof) {
		(void)fputs("  [one of ", stdout);
		print_part(oneof);
		(void)putchar(']');
	}
	(void)putchar('\n');
	print_lines(text_of(field, "comment"), "        ");
}

static void print_type(const json_t *type)
{
	const json_t *element;
	size_t i;

	(void)fputs("  ", stdout);
	print_part(text_of(type, "name"));
	(void)putchar('\n');
	print_lines(text_of(type, "comment"), "      ");
	json_array_foreach(json_object_get(type, "fields"), i, element)
	{
		print_field(element);
	}
	json_array_foreach(json_object_get(type, "values"), i, element)
	{
		(void)fputs("    ", stdout);
		print_part(text_of(element, "name"));
		printf(" = %d\n", (int)json_integer_value(json_object_get(element, "number")));
	}
}

/* As an operator grants them. */
static void print_needs(const json_t *needs)
{
	const json_t *need;
	size_t i;

	json_array_foreach(needs, i, need)
	{
		(void)fputs(i == 0 ? "  needs " : " ", stdout);
		print_part(json_string_value(need));
	}
	if (json_array_size(needs) > 0)
		(void)putchar('\n');
}

void interface_text(json_t *view)
{
	const json_t *type;
	size_t i;

	print_part(text_of(view, "service"));
	(void)putchar('\n');
	print_lines(text_of(view, "comment"), "  ");
	(void)fputs("  prefix ", stdout);
	print_part(text_of(view, "prefix"));
	(void)fputs(", file ", stdout);
	print_part(text_of(view, "file"));
	(void)putchar('\n');
	print_needs(json_object_get(view, "needs"));
	print_methods("User methods", json_object_get(view, "userMethods"));
	print_methods("Admin methods", json_object_get(view, "adminMethods"));
	(void)fputs("\nState\n  ", stdout);
	print_part(text_of(view, "state"));
	(void)fputs("\n\nTypes\n", stdout);
	json_array_foreach(json_object_get(view, "types"), i, type)
	{
		print_type(type);
	}
}
