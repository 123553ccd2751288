/* emit_client.c - x.client.h: typed functions for the users and admins of a service, inline on top
 * of <wat/raw.h>. */
#include <string.h>

#include "proto/gen/emit.h"
#include "proto/gen/members.h"
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

/* The identifiers that a function uses already. */
struct scope {
	const char *names[32];
	size_t n;
};

/* The name, with as many underscores as make it another one than those before. */
static char *scope_add(struct scope *scope, char *name)
{
	for (size_t i = 0; i < scope->n; i++)
		if (strcmp(scope->names[i], name) == 0) {
			name = name_format("%s_", name);
			i = (size_t)-1;
		}
	scope->names[scope->n++] = name;
	return name;
}

/* Parameters are named after fields, which must not hide what the function needs. */
static void scope_init(struct scope *scope, const struct service *s, const struct method *m)
{
	static const char *const used[] = {
		"user_",  "in_",    "out_",   "r_",      "n_",       "copy_",   "strlen",
		"malloc", "memcpy", "size_t", "int32_t", "uint32_t", "int64_t", "uint64_t",
	};

	scope->n = 0;
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		scope->names[scope->n++] = used[i];
	scope->names[scope->n++] = name_format("%s_user", s->c_name);
	scope->names[scope->n++] = name_format("%s_%s", s->c_name, m->snake);
	scope->names[scope->n++] = m->in->c_name;
	scope->names[scope->n++] = m->out->c_name;
	scope->names[scope->n++] = name_format("%s_free", m->out->c_name);
}

/* The value out of the reply; a string becomes the caller's. */
static char *with_result(const struct method *m, const char *to)
{
	const field_proto *field = m->out->proto->field[0];
	const char *from = member_name(field);

	if (field->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING)
		return name_format("\tif (%s)\n\t\t*%s = out_->%s;\n", to, to, from);
	return name_format("\tif (%s) {\n\t\tsize_t n_ = strlen(out_->%s) + 1;\n\t\tchar *copy_ = "
			   "(char *)malloc(n_);\n\n"
			   "\t\tif (copy_)\n\t\t\t*%s = (char *)memcpy(copy_, out_->%s, n_);\n"
			   "\t\telse\n\t\t\tr_ = -ENOMEM;\n\t}\n",
			   to, from, to, from);
}

/* The body of a function that takes fields: `fill` puts them into the request. ret: the parameter
 * for the reply's field, if it has one. */
static void emit_with_body(FILE *out,
			   const struct service *s,
			   const struct method *m,
			   const char *fill,
			   const char *ret)
{
	bool has_in = m->in->proto->n_field > 0;

	if (has_in)
		fprintf(out, "\t%s in_ = %s_INIT;\n", m->in->c_name, name_upper(m->in->c_name));
	if (ret)
		fprintf(out, "\t%s *out_ = NULL;\n", m->out->c_name);
	fprintf(out, "\tint r_;\n\n%s\tr_ = %s_%s(user_, %s, %s);\n", fill, s->c_name, m->snake,
		has_in ? "&in_" : "NULL", ret ? "&out_" : "NULL");
	if (ret)
		fprintf(out, "\tif (r_ != 0)\n\t\treturn r_;\n%s\t%s_free(out_);\n",
			with_result(m, ret), m->out->c_name);
	fputs("\treturn r_;\n}\n\n", out);
}

static void emit_with(FILE *out, const struct service *s, const struct method *m)
{
	const char *type = "";
	struct signature sig = {.n = 0};
	struct scope scope;
	char *fill = name_format("%s", ""), *ret = NULL;

	scope_init(&scope, s, m);
	add(&sig, name_format("%s_user *user_", s->c_name));
	for (size_t i = 0; i < m->in->proto->n_field; i++) {
		const field_proto *field = m->in->proto->field[i];
		const char *name = scope_add(&scope, member_name(field));

		(void)field_is_simple(field, &type);
		add(&sig, name_format("%s%s", type, name));
		fill = name_format("%s\tin_.%s = %s%s;\n", fill, member_name(field),
				   strchr(type, '*') ? "(char *)" : "", name);
	}
	if (m->out->proto->n_field) {
		(void)field_is_simple(m->out->proto->field[0], &type);
		ret = scope_add(&scope,
				name_format("ret_%s", member_name(m->out->proto->field[0])));
		add(&sig, name_format("%s*%s", strchr(type, '*') ? "char *" : type, ret));
	}
	emit_comment(out, m->comment);
	emit_start(out, "int ", s->c_name, name_format("%s_with", m->snake), &sig);
	emit_with_body(out, s, m, fill, ret);
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
