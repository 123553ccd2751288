/* emit_test.c - x.test.h: typed functions of a service for tests in its author's process, inline on
 * top of <wat/test.h>. */
#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/interface.h"

#define ARGUMENTS(...) \
	((const char *[]){__VA_ARGS__}), (sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void emit_function(FILE *out,
			  const char *start,
			  const char *const *parameters,
			  size_t n,
			  const char *callee,
			  const char *const *arguments,
			  size_t n_arguments)
{
	emit_prototype(out, name_format("static inline %s", start), parameters, n, "\n{\n");
	emit_call(out, callee, arguments, n_arguments);
	fputs("}\n\n", out);
}

/* new, start, free: what an instance begins and ends with. */
static void emit_ends(FILE *out, const struct service *s)
{
	const char *c = s->c_name;
	char *test = name_format("%s_harness *test", c);

	emit_function(out, name_format("int %s_harness_new", c),
		      ARGUMENTS(name_format("%s_harness **ret", c)), "return wat_test_new",
		      ARGUMENTS(name_format("&%s_service", c), "(wat_test **)ret"));
	emit_function(out, name_format("int %s_harness_start", c),
		      ARGUMENTS(test, name_format("const %s *initial", s->state->c_name)),
		      "return wat_test_start",
		      ARGUMENTS("(wat_test *)test", "(const ProtobufCMessage *)initial"));
	emit_function(out, name_format("%s_harness *%s_harness_free", c, c), ARGUMENTS(test),
		      name_format("return (%s_harness *)wat_test_free", c),
		      ARGUMENTS("(wat_test *)test"));
	fputs("/* The sentence of the last failure. */\n", out);
	emit_function(out, name_format("const char *%s_harness_text", c),
		      ARGUMENTS(name_format("const %s", test)), "return wat_test_text",
		      ARGUMENTS("(const wat_test *)test"));
	fputs("/* For the functions of <wat/test.h>. */\n", out);
	emit_prototype(out, name_format("static inline wat_test *%s_harness_base", c),
		       (const char *[]){test}, 1, "\n{\n\treturn (wat_test *)test;\n}\n\n");
}

static void emit_state(FILE *out, const struct service *s, const char *name)
{
	emit_function(out, name_format("int %s_harness_%s", s->c_name, name),
		      ARGUMENTS(name_format("%s_harness *test", s->c_name),
				name_format("%s **ret_state", s->state->c_name)),
		      name_format("return wat_test_%s", name),
		      ARGUMENTS("(wat_test *)test", "(ProtobufCMessage **)ret_state"));
}

static void emit_method(FILE *out, const struct service *s, size_t i)
{
	const struct method *m = &s->methods[i];
	char *test = name_format("%s_harness *test", s->c_name);
	char *in = name_format("const %s *in", m->in->c_name);
	char *ret = name_format("%s **ret", m->out->c_name);
	char *start = name_format("int %s_harness_on_%s", s->c_name, m->snake);
	char *number = name_format("%zu", i);

	emit_comment(out, m->comment);
	if (!(m->flags & WAT_METHOD_LATER)) {
		emit_function(out, start, ARGUMENTS(test, in, ret), "return wat_test_call",
			      ARGUMENTS("(wat_test *)test", number, "(const ProtobufCMessage *)in",
					"(ProtobufCMessage **)ret", "NULL"));
		return;
	}
	emit_function(out, start, ARGUMENTS(test, in, ret, "uint64_t *ret_call"),
		      "return wat_test_call",
		      ARGUMENTS("(wat_test *)test", number, "(const ProtobufCMessage *)in",
				"(ProtobufCMessage **)ret", "ret_call"));
	emit_function(out, name_format("%s_answer", start), ARGUMENTS(test, "uint64_t call", ret),
		      "return wat_test_answer",
		      ARGUMENTS("(wat_test *)test", "call", "(ProtobufCMessage **)ret"));
}

void emit_test_h(FILE *out, const struct file *file)
{
	char *guard = emit_guard(file, "test_h");

	emit_head(out, file, "Tests of a service's handlers; return values as in <wat/test.h>.");
	fprintf(out, "#ifndef %s\n#define %s\n\n#include <stddef.h>\n\n#include <wat/test.h>\n",
		guard, guard);
	emit_include(out, file, "service.h");
	emit_pragma(out);
	for (size_t i = 0; i < file->n_services; i++) {
		const struct service *s = &file->services[i];

		fprintf(out, "typedef struct %s_harness %s_harness;\n\n", s->c_name, s->c_name);
		emit_ends(out, s);
		emit_state(out, s, "state");
		emit_state(out, s, "stop");
		for (size_t j = 0; j < s->n_methods; j++)
			emit_method(out, s, j);
	}
	fputs("#endif\n", out);
}
