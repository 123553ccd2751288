/* emit_service.c - x.service.h: what a service's author includes; x.wat.c: the interface tables;
 * x.handlers.c: watd's own. */
#include <inttypes.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/interface.h"

static void emit_call_struct(FILE *out, const struct service *s, const char *name)
{
	fprintf(out, "struct %s_%s_call {\n\tstruct wat_call base;\n};\n\n", s->c_name, name);
}

static void emit_later(FILE *out, const struct service *s, const struct method *m)
{
	const char *reply[] = {name_format("struct %s_%s_call *call", s->c_name, m->snake),
			       name_format("const %s *out", m->out->c_name)};
	const char *take[] = {reply[0]};

	fputs("/* Answers the call, in its handler or later. */\n", out);
	emit_prototype(
		out, name_format("static inline wat_status %s_%s_reply", s->c_name, m->snake),
		reply, 2, "\n{\n\treturn call->base.api->reply(&call->base, &out->base);\n}\n\n");
	fputs("/* Keeps the call and its memory until it is answered; loop thread only. */\n", out);
	emit_prototype(out, name_format("static inline wat_status %s_%s_take", s->c_name, m->snake),
		       take, 1, "\n{\n\treturn call->base.api->take(&call->base);\n}\n\n");
}

/* What the handlers work on: the message, or the service's own form of it. */
static char *state_parameter(const struct service *s)
{
	return name_format("%s *%s", s->state_c_type, s->self ? "self" : "state");
}

static void emit_method(FILE *out, const struct service *s, const struct method *m)
{
	const char *parameters[] = {
		name_format("struct %s_%s_call *call", s->c_name, m->snake),
		state_parameter(s),
		name_format("const %s *in", m->in->c_name),
		name_format("%s *out", m->out->c_name),
	};
	bool later = m->flags & WAT_METHOD_LATER;

	emit_call_struct(out, s, m->snake);
	emit_comment(out, m->comment);
	emit_prototype(out, name_format("wat_status %s_on_%s", s->c_name, m->snake), parameters,
		       later ? 3 : 4, ";\n\n");
	if (later)
		emit_later(out, s, m);
}

static void emit_lifecycle(FILE *out, const struct service *s, enum lifecycle lifecycle)
{
	static const char *const comments[LIFECYCLE_N] = {
		[LIFECYCLE_START] = " Runs once, when an incarnation begins. A failure is the "
				    "spawn's.",
		[LIFECYCLE_STOP] = " Runs once, when an incarnation ends; the state it leaves is "
				   "the final one. After a\n failure the instance goes on.",
		[LIFECYCLE_PROVISION] = " Runs once for each User, before its capability is "
					"given. A failure refuses it.",
		[LIFECYCLE_DEPROVISION] = " Runs once for each User that is taken back, after its "
					  "last call.",
		[LIFECYCLE_DISCONNECT] = " Runs each time the last channel of a User has gone.",
	};
	const char *name = lifecycle_name(lifecycle);
	const char *parameters[] = {name_format("struct %s_%s_call *call", s->c_name, name),
				    state_parameter(s), "const struct wat_user *user"};

	emit_call_struct(out, s, name);
	emit_comment(out, comments[lifecycle]);
	emit_prototype(out, name_format("wat_status %s_on_%s", s->c_name, name), parameters,
		       lifecycle_of_user(lifecycle) ? 3 : 2, ";\n\n");
}

static void emit_self(FILE *out, const struct service *s)
{
	const char *c = s->c_name;
	const char *load[] = {name_format("struct %s_load_call *call", c),
			      name_format("const %s *state", s->state->c_name),
			      name_format("struct %s **ret_self", s->self)};
	const char *save[] = {name_format("struct %s_save_call *call", c),
			      name_format("const struct %s *self", s->self),
			      name_format("%s *state", s->state->c_name)};
	const char *release[] = {name_format("struct %s *self", s->self)};

	emit_call_struct(out, s, "load");
	fputs("/* Builds the live form, on the heap. 0, the status of wat_fail, or a negative "
	      "errno. "
	      "*/\n",
	      out);
	emit_prototype(out, name_format("int %s_load", c), load, 3, ";\n\n");
	emit_call_struct(out, s, "save");
	fputs("/* Fills the message, with memory from wat_alloc, and changes nothing. Returns as "
	      "load "
	      "does. */\n",
	      out);
	emit_prototype(out, name_format("int %s_save", c), save, 3, ";\n\n");
	emit_prototype(out, name_format("void %s_free", c), release, 1, ";\n\n");
}

static void emit_service(FILE *out, const struct service *s)
{
	fprintf(out, "extern const struct wat_service %s_service;\n\n", s->c_name);
	if (s->self)
		fprintf(out, "struct %s; /* the live form of the state: the service's own */\n\n",
			s->self);
	emit_comment(out, s->comment);
	for (size_t j = 0; j < s->n_methods; j++)
		emit_method(out, s, &s->methods[j]);
	for (unsigned l = 0; l < LIFECYCLE_N; l++)
		if (s->lifecycle & 1u << l)
			emit_lifecycle(out, s, l);
	if (s->self)
		emit_self(out, s);
}

void emit_service_h(FILE *out, const struct file *file)
{
	char *guard = emit_guard(file, "service_h");

	emit_head(out, file, "Handlers of a service.");
	fprintf(out, "#ifndef %s\n#define %s\n\n#include <wat/plugin.h>\n#include <wat/types.h>\n",
		guard, guard);
	emit_include(out, file, "pb-c.h");
	emit_pragma(out);
	emit_types(out, file);
	for (size_t i = 0; i < file->n_services; i++)
		emit_service(out, &file->services[i]);
	fputs("#endif\n", out);
}

static void emit_methods_table(FILE *out, const struct service *s)
{
	fprintf(out, "static const struct wat_method %s_methods[] = {\n", s->c_name);
	for (size_t i = 0; i < s->n_methods; i++) {
		const struct method *m = &s->methods[i];

		fprintf(out,
			"\t{\n\t\t.name = \"%s\",\n\t\t.input = &%s__descriptor,\n\t\t.output = "
			"&%s__descriptor,\n\t\t.flags = %uu,\n"
			"\t\t.deadline_ms = %uu,\n\t},\n",
			m->name, m->in->pbc_low, m->out->pbc_low, m->flags, m->deadline_ms);
	}
	fputs("};\n\n", out);
}

void emit_wat_c(FILE *out, const struct file *file)
{
	emit_head(out, file, "Interface tables, for both sides.");
	fputs("#include <wat/interface.h>\n#include <wat/types.h>\n", out);
	emit_include(out, file, "pb-c.h");
	for (size_t i = 0; i < file->n_services; i++) {
		const struct service *s = &file->services[i];

		fprintf(out, "\nextern const struct wat_interface %s_interface;\n\n", s->c_name);
		emit_methods_table(out, s);
		fprintf(out,
			"const struct wat_interface %s_interface = {\n\t.size = sizeof(struct "
			"wat_interface),\n\t.version = %uu,\n"
			"\t.name = \"%s\",\n\t.hash = UINT64_C(0x%016" PRIx64
			"),\n\t.state = &%s__descriptor,\n"
			"\t.methods = %s_methods,\n\t.n_methods = %zuu,\n\t.state_max = "
			"%uu,\n%s};\n",
			s->c_name, s->version, s->full, s->hash, s->state->pbc_low, s->c_name,
			s->n_methods, s->state_max,
			s->deterministic ? "\t.flags = WAT_INTERFACE_DETERMINISTIC,\n" : "");
	}
}

void emit_handlers_c(FILE *out, const struct file *file)
{
	emit_head(out, file, "Handler tables.");
	emit_include(out, file, "service.h");
	fputc('\n', out);
	emit_handler_tables(out, file);
}
