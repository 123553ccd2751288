/* emit_client.c - x.client.h: typed functions for the users and admins of a service, inline on top
 * of <wat/raw.h>. */
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/names.h"
#include "proto/interface.h"

#define PARAMETERS_MAX 8u

struct signature {
	const char *parameters[PARAMETERS_MAX];
	size_t n;
};

static void add(struct signature *signature, char *parameter)
{
	signature->parameters[signature->n++] = parameter;
}

static void emit_start(FILE *out,
		       const char *type,
		       const char *c_name,
		       const char *name,
		       const struct signature *signature)
{
	emit_prototype(out, name_format("static inline %s%s_%s", type, c_name, name),
		       signature->parameters, signature->n, "\n{\n");
}

/* A function that is one call. */
static void emit_function(FILE *out,
			  const char *type,
			  const char *c_name,
			  const char *name,
			  const struct signature *signature,
			  const char *callee,
			  const struct signature *arguments)
{
	emit_start(out, type, c_name, name, signature);
	emit_call(out, callee, arguments->parameters, arguments->n);
	fputs("}\n\n", out);
}

#define ARGUMENTS(...) \
	(&(struct signature){{__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)})

static void emit_spawn(FILE *out, const struct service *s)
{
	const char *c = s->c_name;
	struct signature sig = {.n = 0};

	add(&sig, name_format("wat_node *node"));
	add(&sig, name_format("const char *name"));
	add(&sig, name_format("const struct wat_spawn *spawn"));
	add(&sig, name_format("const %s *initial", s->state->c_name));
	add(&sig, name_format("%s_admin **ret", c));
	fputs("/* Begins an instance. spawn NULL: defaults; initial NULL: the state with no field "
	      "set. */\n",
	      out);
	emit_function(out, "int ", c, "spawn", &sig, "return wat_stub_spawn",
		      ARGUMENTS("node", name_format("&%s_interface", c), "name", "spawn",
				"(const ProtobufCMessage *)initial", "(wat_capability **)ret"));
}

/* open, token, free: the same for both roles. */
static void emit_handle(FILE *out, const struct service *s, const char *role, const char *number)
{
	const char *c = s->c_name;
	struct signature open = {.n = 0}, token = {.n = 0}, release = {.n = 0};

	add(&open, name_format("wat *w"));
	add(&open, name_format("const char *token"));
	add(&open, name_format("%s_%s **ret", c, role));
	emit_function(out, "int ", c, name_format("%s_open", role), &open, "return wat_stub_open",
		      ARGUMENTS("w", name_format("&%s_interface", c), number, "token",
				"(wat_capability **)ret"));
	add(&token, name_format("const %s_%s *%s", c, role, role));
	add(&token, name_format("char **ret_text"));
	fputs("/* The text is freed with wat_memory_free. */\n", out);
	emit_function(out, "int ", c, name_format("%s_token", role), &token,
		      "return wat_capability_token",
		      ARGUMENTS(name_format("(const wat_capability *)%s", role), "ret_text"));
	add(&release, name_format("%s_%s *%s", c, role, role));
	fputs("/* The handle, not the grant. Returns NULL. */\n", out);
	emit_function(out, name_format("%s_%s *", c, role), c, name_format("%s_free", role),
		      &release, name_format("return (%s_%s *)wat_capability_free", c, role),
		      ARGUMENTS(name_format("(wat_capability *)%s", role)));
}

static void emit_users_left(FILE *out, const char *c)
{
	struct signature left = {.n = 0};

	add(&left, name_format("const %s_admin *admin", c));
	add(&left, name_format("const struct wat_user_left **ret"));
	add(&left, name_format("size_t *ret_n"));
	fputs("/* Users whom the stop found not deprovisioned: how many; the first of them in "
	      "*ret, as "
	      "long as\n * admin lives. */\n",
	      out);
	emit_function(out, "size_t ", c, "users_left", &left, "return wat_users_left",
		      ARGUMENTS("(const wat_capability *)admin", "ret", "ret_n"));
}

static void emit_admin(FILE *out, const struct service *s)
{
	const char *c = s->c_name;
	struct signature provision = {.n = 0}, deprovision = {.n = 0}, stop = {.n = 0};

	add(&provision, name_format("%s_admin *admin", c));
	add(&provision, name_format("const struct wat_grant *grant"));
	add(&provision, name_format("%s_user **ret", c));
	emit_function(out, "int ", c, "provision", &provision, "return wat_stub_provision",
		      ARGUMENTS("(wat_capability *)admin", name_format("&%s_interface", c), "grant",
				"(wat_capability **)ret"));
	add(&deprovision, name_format("%s_admin *admin", c));
	add(&deprovision, name_format("const char *user"));
	emit_function(out, "int ", c, "deprovision", &deprovision, "return wat_deprovision_raw",
		      ARGUMENTS("(wat_capability *)admin", "user"));
	add(&stop, name_format("%s_admin *admin", c));
	add(&stop, name_format("%s **ret_state", s->state->c_name));
	fputs("/* Ends the instance after everything sent before; ret_state NULL: the final state "
	      "is dropped. */\n",
	      out);
	emit_function(out, "int ", c, "stop", &stop, "return wat_stub_stop",
		      ARGUMENTS("(wat_capability *)admin", name_format("&%s_interface", c),
				"(ProtobufCMessage **)ret_state"));
	emit_users_left(out, c);
}

static void emit_plain(FILE *out, const struct service *s, const struct method *m, size_t number)
{
	struct signature sig = {.n = 0};

	add(&sig, name_format("%s_user *user", s->c_name));
	add(&sig, name_format("const %s *in", m->in->c_name));
	add(&sig, name_format("%s **ret", m->out->c_name));
	emit_comment(out, m->comment);
	emit_function(out, "int ", s->c_name, m->snake, &sig, "return wat_stub_call",
		      ARGUMENTS("(wat_capability *)user", name_format("&%s_interface", s->c_name),
				name_format("%zu", number), "(const ProtobufCMessage *)in",
				"(ProtobufCMessage **)ret"));
}

static void emit_send(FILE *out, const struct service *s, const struct method *m, size_t number)
{
	const char *c = s->c_name, *n = m->snake;
	struct signature done = {.n = 0}, invoke = {.n = 0}, send = {.n = 0};

	add(&done, name_format("void *arg"));
	add(&done, name_format("int status"));
	add(&done, name_format("const %s *out", m->out->c_name));
	add(&done, name_format("const struct wat_failure *failure"));
	emit_prototype(out, name_format("typedef void %s_%s_done", c, n), done.parameters, done.n,
		       ";\n\n");
	add(&invoke, name_format("void (*done)(void)"));
	add(&invoke, name_format("void *arg"));
	add(&invoke, name_format("int status"));
	add(&invoke, name_format("const ProtobufCMessage *out"));
	add(&invoke, name_format("const struct wat_failure *failure"));
	emit_function(out, "void ", c, name_format("%s_invoke", n), &invoke,
		      name_format("((%s_%s_done *)done)", c, n),
		      ARGUMENTS("arg", "status", name_format("(const %s *)out", m->out->c_name),
				"failure"));
	add(&send, name_format("%s_user *user", c));
	add(&send, name_format("const %s *in", m->in->c_name));
	add(&send, name_format("%s_%s_done *done", c, n));
	add(&send, name_format("void *arg"));
	fputs("/* Queues the call; done (may be NULL) is called once, from inside libwat. */\n",
	      out);
	emit_function(out, "int ", c, name_format("%s_send", n), &send, "return wat_stub_send",
		      ARGUMENTS("(wat_capability *)user", name_format("&%s_interface", c),
				name_format("%zu", number), "(const ProtobufCMessage *)in",
				name_format("%s_%s_invoke", c, n), "(void (*)(void))done", "arg"));
}

/* protobuf-c writes field names in lower case. */
static char *field_name(const field_proto *field)
{
	char *name = name_pbc_lower(field->name);

	return name_is_keyword(name) ? name_format("%s_", name) : name;
}

/* The value out of the reply; a string becomes the caller's. */
static char *with_result(const struct method *m)
{
	const char *name = field_name(m->out->proto->field[0]);
	bool string = m->out->proto->field[0]->type ==
		      GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;

	if (!string)
		return name_format("\tif (ret_%s)\n\t\t*ret_%s = out_->%s;\n", name, name, name);
	return name_format(
		"\tif (ret_%s) {\n\t\tsize_t n_ = strlen(out_->%s) + 1;\n\t\tchar *copy_ = "
		"(char *)malloc(n_);\n\n"
		"\t\tif (copy_)\n\t\t\t*ret_%s = (char *)memcpy(copy_, out_->%s, n_);\n"
		"\t\telse\n\t\t\tr_ = -ENOMEM;\n\t}\n",
		name, name, name, name);
}

/* Parameters are named after fields, so what is local ends in an underscore. */
static void emit_with(FILE *out, const struct service *s, const struct method *m)
{
	const char *c = s->c_name, *type = "";
	struct signature sig = {.n = 0};
	char *fill = name_format("%s", "");
	char *in = m->in->proto->n_field ? name_format("\t%s in_ = %s_INIT;\n", m->in->c_name,
						       name_upper(m->in->c_name))
					 : name_format("%s", "");

	add(&sig, name_format("%s_user *user_", c));
	for (size_t i = 0; i < m->in->proto->n_field; i++) {
		const field_proto *field = m->in->proto->field[i];
		const char *name = field_name(field);

		(void)field_is_simple(field, &type);
		add(&sig, name_format("%s%s", type, name));
		fill = name_format("%s\tin_.%s = %s%s;\n", fill, name,
				   strchr(type, '*') ? "(char *)" : "", name);
	}
	if (m->out->proto->n_field) {
		(void)field_is_simple(m->out->proto->field[0], &type);
		add(&sig, name_format("%s*ret_%s", strchr(type, '*') ? "char *" : type,
				      field_name(m->out->proto->field[0])));
	}
	emit_comment(out, m->comment);
	emit_start(out, "int ", c, name_format("%s_with", m->snake), &sig);
	fputs(name_format(
		      "%s%s\tint r_;\n\n%s\tr_ = %s_%s(user_, %s, %s);\n%s%s%s\treturn r_;\n", in,
		      m->out->proto->n_field ? name_format("\t%s *out_ = NULL;\n", m->out->c_name)
					     : "",
		      fill, c, m->snake, m->in->proto->n_field ? "&in_" : "NULL",
		      m->out->proto->n_field ? "&out_" : "NULL",
		      m->out->proto->n_field ? "\tif (r_ != 0)\n\t\treturn r_;\n" : "",
		      m->out->proto->n_field ? with_result(m) : "",
		      m->out->proto->n_field ? name_format("\t%s_free(out_);\n", m->out->c_name)
					     : ""),
	      out);
	fputs("}\n\n", out);
}

static void emit_client_service(FILE *out, const struct service *s)
{
	emit_comment(out, s->comment);
	fprintf(out, "typedef struct %s_admin %s_admin;\ntypedef struct %s_user %s_user;\n\n",
		s->c_name, s->c_name, s->c_name, s->c_name);
	emit_spawn(out, s);
	emit_handle(out, s, "admin", "WAT_ROLE_ADMIN");
	emit_admin(out, s);
	emit_handle(out, s, "user", "WAT_ROLE_USER");
	for (size_t i = 0; i < s->n_methods; i++) {
		if (s->methods[i].flags & WAT_METHOD_INTERNAL)
			continue;
		emit_plain(out, s, &s->methods[i], i);
		emit_send(out, s, &s->methods[i], i);
		if (method_has_with(&s->methods[i]))
			emit_with(out, s, &s->methods[i]);
	}
}

void emit_client_h(FILE *out, const struct file *file)
{
	char *guard = emit_guard(file, "client_h");

	emit_head(out, file, "Typed client of a service; return values as in <wat/wat.h>.");
	fprintf(out,
		"#ifndef %s\n#define %s\n\n#include <errno.h>\n#include <stdbool.h>\n#include "
		"<stdlib.h>\n#include "
		"<string.h>\n\n#include <wat/raw.h>\n"
		"#include <wat/types.h>\n",
		guard, guard);
	emit_include(out, file, "pb-c.h");
	emit_pragma(out);
	fputs("#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n", out);
	emit_types(out, file);
	fputc('\n', out);
	for (size_t i = 0; i < file->n_services; i++)
		emit_client_service(out, &file->services[i]);
	fputs("#ifdef __cplusplus\n}\n#endif\n\n#endif\n", out);
}
