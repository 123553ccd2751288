/* symbols.c - the C names that the output of a file declares. */
#include "proto/gen/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "proto/gen/names.h"
#include "proto/interface.h"

#define PATH_MESSAGE 4
#define PATH_SERVICE 6
#define PATH_METHOD 2

struct table {
	const struct file *file;
	struct symbol *symbols;
	size_t n;
	struct symbol owner; /* of what is added next */
};

static void add(struct table *table, char *name)
{
	struct symbol *symbols = reallocarray(table->symbols, table->n + 1, sizeof *table->symbols);

	if (!symbols)
		abort();
	table->symbols = symbols;
	symbols[table->n] = table->owner;
	symbols[table->n].name = name;
	symbols[table->n].file = table->file;
	symbols[table->n].order = table->n;
	table->n++;
}

static void add_service(struct table *table, const struct service *s, size_t i, bool builtin)
{
	static const char *const always[] = {"interface", "service", "handlers", "methods"};
	static const char *const of_client[] = {
		"admin",       "user",      "spawn",      "admin_open", "admin_token",
		"admin_free",  "user_open", "user_token", "user_free",  "provision",
		"deprovision", "stop",      "users_left",
	};
	static const char *const of_harness[] = {
		"harness",      "harness_new",  "harness_start", "harness_free",
		"harness_text", "harness_base", "harness_state", "harness_stop",
	};
	static const char *const of_self[] = {"load", "save", "free", "self"};

	table->owner =
		(struct symbol){.of = s->proto, .path = {PATH_SERVICE, (int32_t)i}, .n_path = 2};
	table->owner.owner = name_format("service %s", s->proto->name);
	for (size_t n = 0; n < sizeof always / sizeof *always; n++)
		add(table, name_format("%s_%s", s->c_name, always[n]));
	for (size_t n = 0; !builtin && n < sizeof of_client / sizeof *of_client; n++)
		add(table, name_format("%s_%s", s->c_name, of_client[n]));
	for (size_t n = 0; !builtin && n < sizeof of_harness / sizeof *of_harness; n++)
		add(table, name_format("%s_%s", s->c_name, of_harness[n]));
	for (size_t n = 0; s->self && n < sizeof of_self / sizeof *of_self; n++)
		add(table, name_format("%s_%s", s->c_name, of_self[n]));
	for (unsigned l = 0; l < LIFECYCLE_N; l++)
		if (s->lifecycle & 1u << l)
			add(table, name_format("%s_on_%s", s->c_name, lifecycle_name(l)));
	for (unsigned l = 0; l < LIFECYCLE_N; l++)
		if (s->lifecycle & 1u << l)
			add(table, name_format("%s_%s_call", s->c_name, lifecycle_name(l)));
}

static void add_method(struct table *table, const struct file *file, size_t i, size_t j)
{
	const struct service *s = &file->services[i];
	const struct method *m = &s->methods[j];
	const char *c = s->c_name, *n = m->snake;

	table->owner = (struct symbol){.of = s->proto->method[j],
				       .path = {PATH_SERVICE, (int32_t)i, PATH_METHOD, (int32_t)j},
				       .n_path = 4};
	table->owner.owner = name_format("method %s of service %s", m->name, s->proto->name);
	add(table, name_format("%s_on_%s", c, n));
	add(table, name_format("%s_%s_call", c, n));
	add(table, name_format("%s_%s_thunk", c, n));
	if (m->flags & WAT_METHOD_LATER) {
		add(table, name_format("%s_%s_reply", c, n));
		add(table, name_format("%s_%s_take", c, n));
	}
	if (file->builtin)
		return;
	add(table, name_format("%s_harness_on_%s", c, n));
	if (m->flags & WAT_METHOD_LATER)
		add(table, name_format("%s_harness_on_%s_answer", c, n));
	if (m->flags & WAT_METHOD_INTERNAL)
		return;
	add(table, name_format("%s_%s", c, n));
	add(table, name_format("%s_%s_send", c, n));
	add(table, name_format("%s_%s_done", c, n));
	add(table, name_format("%s_%s_invoke", c, n));
	if (method_has_with(m))
		add(table, name_format("%s_%s_with", c, n));
}

static void add_type(struct table *table, const struct file *file, struct type *type)
{
	table->owner = (struct symbol){.of = type->proto, .path = {PATH_MESSAGE, 0}, .type = type};
	table->owner.owner = name_format("message %s", type->full);
	for (size_t i = 0; i < file->proto->n_message_type; i++)
		if (file->proto->message_type[i] == type->proto)
			table->owner.path[1] = (int32_t)i;
	/* A nested message is told at the file's beginning; it has no place in the path here. */
	table->owner.n_path = type->file == file->proto ? 2 : 0;
	add(table, type->c_name);
	add(table, name_format("%s_free", type->c_name));
	add(table, name_format("%s_INIT", name_upper(type->c_name)));
}

/* Types of the system that are made of a prefix and a message's name: size, T. */
static void add_system(struct table *table)
{
	static const char *const names[] = {
		"blkcnt_t",  "blksize_t", "char16_t", "char32_t",    "clock_t",  "dev_t",
		"div_t",     "fpos_t",    "gid_t",    "id_t",        "ino_t",    "int8_t",
		"int16_t",   "int32_t",   "int64_t",  "intmax_t",    "intptr_t", "key_t",
		"ldiv_t",    "mode_t",    "nlink_t",  "off_t",       "pid_t",    "ptrdiff_t",
		"size_t",    "socklen_t", "ssize_t",  "stack_t",     "time_t",   "timer_t",
		"uid_t",     "uint8_t",   "uint16_t", "uint32_t",    "uint64_t", "uintmax_t",
		"uintptr_t", "va_list",   "wchar_t",  "max_align_t",
	};

	table->owner = (struct symbol){.of = names};
	table->owner.owner = name_format("the C library");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		add(table, name_format("%s", names[i]));
}

struct symbol *symbols_of(const struct file *file, size_t *ret_n)
{
	struct table table = {.file = file};

	add_system(&table);
	for (size_t i = 0; i < file->n_services; i++)
		add_service(&table, &file->services[i], i, file->builtin);
	for (size_t i = 0; i < file->n_services; i++)
		for (size_t j = 0; j < file->services[i].n_methods; j++)
			add_method(&table, file, i, j);
	/* Imported ones first: it is the file's own that meets them. */
	for (size_t i = 0; i < file->n_types; i++)
		if (file->types[i].c_name != file->types[i].pbc)
			add_type(&table, file, &file->types[i]);
	*ret_n = table.n;
	return table.symbols;
}

static int by_name(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	if (r != 0)
		return r;
	return left->order < right->order ? -1 : left->order > right->order;
}

const struct symbol *symbols_find_meeting(struct symbol *symbols,
					  size_t n,
					  const struct symbol **ret_earlier)
{
	const struct symbol *found = NULL;

	qsort(symbols, n, sizeof *symbols, by_name);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(symbols[i - 1].name, symbols[i].name) != 0 ||
		    symbols[i - 1].of == symbols[i].of)
			continue;
		if (found && found->order < symbols[i].order)
			continue;
		found = &symbols[i];
		*ret_earlier = &symbols[i - 1];
	}
	return found;
}
