/* emit_handlers.c - thunks, which give a handler its types, and the tables of them. */
#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/interface.h"

static void emit_thunk(FILE *out, const struct service *s, const struct method *m)
{
	const char *const parameters[] = {"struct wat_call *call", "void *state",
					  "const ProtobufCMessage *in", "ProtobufCMessage *out"};
	bool later = m->flags & WAT_METHOD_LATER;

	emit_prototype(out, name_format("static wat_status %s_%s_thunk", s->c_name, m->snake),
		       parameters, 4, "\n{\n");
	fprintf(out, "\tstruct %s_%s_call *typed = (struct %s_%s_call *)call;\n", s->c_name,
		m->snake, s->c_name, m->snake);
	fprintf(out, "\tconst %s *request = (const %s *)in;\n", m->in->c_name, m->in->c_name);
	if (!later)
		fprintf(out, "\t%s *reply = (%s *)out;\n", m->out->c_name, m->out->c_name);
	fprintf(out, "\n%s\treturn %s_on_%s(typed, state, request%s);\n}\n\n",
		later ? "\t(void)out;\n" : "", s->c_name, m->snake, later ? "" : ", reply");
}

static void emit_lifecycle_thunk(FILE *out, const struct service *s, enum lifecycle lifecycle)
{
	const char *const parameters[] = {"struct wat_call *call", "void *state",
					  "const struct wat_user *user"};
	const char *c = s->c_name, *n = lifecycle_name(lifecycle);
	bool user = lifecycle_of_user(lifecycle);

	emit_prototype(out, name_format("static wat_status %s_%s_thunk", c, n), parameters,
		       user ? 3 : 2, "\n{\n");
	fprintf(out, "\tstruct %s_%s_call *typed = (struct %s_%s_call *)call;\n\n", c, n, c, n);
	fprintf(out, "\treturn %s_on_%s(typed, state%s);\n}\n\n", c, n, user ? ", user" : "");
}

static void emit_load_thunk(FILE *out, const struct service *s)
{
	const char *const parameters[] = {"struct wat_call *call", "const ProtobufCMessage *state",
					  "void **ret_self"};
	const char *c = s->c_name;

	emit_prototype(out, name_format("static int %s_load_thunk", c), parameters, 3, "\n{\n");
	fprintf(out, "\tstruct %s_load_call *typed = (struct %s_load_call *)call;\n", c, c);
	fprintf(out, "\tstruct %s *self = NULL;\n", s->self);
	fprintf(out, "\tint r = %s_load(typed, (const %s *)state, &self);\n\n", c,
		s->state->c_name);
	fputs("\t*ret_self = self;\n\treturn r;\n}\n\n", out);
}

static void emit_save_thunk(FILE *out, const struct service *s)
{
	const char *const parameters[] = {"struct wat_call *call", "const void *self",
					  "ProtobufCMessage *state"};
	const char *c = s->c_name;

	emit_prototype(out, name_format("static int %s_save_thunk", c), parameters, 3, "\n{\n");
	fprintf(out, "\tstruct %s_save_call *typed = (struct %s_save_call *)call;\n\n", c, c);
	fprintf(out, "\treturn %s_save(typed, self, (%s *)state);\n}\n\n", c, s->state->c_name);
}

static void emit_self(FILE *out, const struct service *s)
{
	const char *c = s->c_name;

	emit_load_thunk(out, s);
	emit_save_thunk(out, s);
	fprintf(out, "static void %s_free_thunk(void *self)\n{\n\t%s_free(self);\n}\n\n", c, c);
	fprintf(out,
		"static const struct wat_self %s_self = {\n\t.load = %s_load_thunk,\n"
		"\t.save = %s_save_thunk,\n\t.free = %s_free_thunk,\n};\n\n",
		c, c, c, c);
}

static void emit_service_table(FILE *out, const struct service *s)
{
	fprintf(out, "static wat_handler *const %s_handlers[] = {\n", s->c_name);
	for (size_t i = 0; i < s->n_methods; i++)
		fprintf(out, "\t%s_%s_thunk,\n", s->c_name, s->methods[i].snake);
	fprintf(out,
		"};\n\nconst struct wat_service %s_service = {\n\t.size = sizeof(struct "
		"wat_service),\n"
		"\t.interface = &%s_interface,\n\t.handlers = %s_handlers,\n",
		s->c_name, s->c_name, s->c_name);
	for (unsigned l = 0; l < LIFECYCLE_N; l++)
		if (s->lifecycle & 1u << l)
			fprintf(out, "\t.on_%s = %s_%s_thunk,\n", lifecycle_name(l), s->c_name,
				lifecycle_name(l));
	if (s->self)
		fprintf(out, "\t.self = &%s_self,\n", s->c_name);
	fputs("};\n\n", out);
}

void emit_handler_tables(FILE *out, const struct file *file)
{
	for (size_t i = 0; i < file->n_services; i++) {
		const struct service *s = &file->services[i];

		for (size_t j = 0; j < s->n_methods; j++)
			emit_thunk(out, s, &s->methods[j]);
		for (unsigned l = 0; l < LIFECYCLE_N; l++)
			if (s->lifecycle & 1u << l)
				emit_lifecycle_thunk(out, s, l);
		if (s->self)
			emit_self(out, s);
		emit_service_table(out, s);
	}
}
