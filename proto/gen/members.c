/* members.c - the members of protobuf-c's structs. Pure. */
#include "proto/gen/members.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proto/gen/names.h"

#define PATH_MESSAGE 4
#define PATH_FIELD 2
#define PATH_NESTED 3
#define LABEL_REPEATED GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED

/* In order. These get an underscore from protobuf-c ... */
static const char *const mended[] = {
	"and",
	"and_eq",
	"asm",
	"auto",
	"bitand",
	"bitor",
	"bool",
	"break",
	"case",
	"catch",
	"char",
	"class",
	"compl",
	"const",
	"const_cast",
	"continue",
	"default",
	"delete",
	"do",
	"double",
	"dynamic_cast",
	"else",
	"enum",
	"explicit",
	"extern",
	"false",
	"float",
	"for",
	"friend",
	"goto",
	"if",
	"inline",
	"int",
	"long",
	"mutable",
	"namespace",
	"new",
	"not",
	"not_eq",
	"operator",
	"or",
	"or_eq",
	"private",
	"protected",
	"public",
	"register",
	"reinterpret_cast",
	"return",
	"short",
	"signed",
	"sizeof",
	"static",
	"static_cast",
	"struct",
	"switch",
	"template",
	"this",
	"throw",
	"true",
	"try",
	"typedef",
	"typeid",
	"typename",
	"union",
	"unsigned",
	"using",
	"virtual",
	"void",
	"volatile",
	"wchar_t",
	"while",
	"xor",
	"xor_eq",
};

/* ... and these do not, though C, C++ or a macro of the system has them. */
static const char *const taken[] = {
	"alignas",  "alignof",       "base",         "char16_t", "char32_t", "constexpr",
	"decltype", "errno",         "export",       "linux",    "noexcept", "nullptr",
	"restrict", "static_assert", "thread_local", "typeof",   "unix",
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static char *lower(const char *name)
{
	char *text = name_format("%s", name);

	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return text;
}

char *member_name(const field_proto *field)
{
	char *name = lower(field->name);

	if (!bsearch(name, mended, sizeof mended / sizeof *mended, sizeof *mended, compare))
		return name;
	return name_format("%s_", name);
}

/* What the struct of a message has. */
struct member {
	char *name;
	const char *of;
	size_t field, order;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *first = a, *second = b;
	int r = strcmp(first->name, second->name);

	return r != 0 ? r : (first->order > second->order) - (first->order < second->order);
}

static void add(struct member *members, size_t *n, char *name, const char *of, size_t field)
{
	members[*n] = (struct member){name, of, field, *n};
	(*n)++;
}

static size_t first_of_oneof(const message_proto *message, size_t oneof)
{
	for (size_t i = 0; i < message->n_field; i++)
		if (message->field[i]->has_oneof_index &&
		    (size_t)message->field[i]->oneof_index == oneof)
			return i;
	return 0;
}

static size_t list_members(const message_proto *message, struct member *members)
{
	size_t n = 0;

	for (size_t i = 0; i < message->n_field; i++) {
		const field_proto *field = message->field[i];

		add(members, &n, member_name(field), field->name, i);
		if (field->label == LABEL_REPEATED)
			add(members, &n, name_format("n_%s", member_name(field)), field->name, i);
	}
	for (size_t i = 0; i < message->n_oneof_decl; i++) {
		const char *name = message->oneof_decl[i]->name;

		add(members, &n, name_format("%s_case", lower(name)), name,
		    first_of_oneof(message, i));
	}
	return n;
}

/* The field that is at fault. */
static char *find_double(const message_proto *message, size_t *ret_field)
{
	struct member *members =
		calloc(2 * message->n_field + message->n_oneof_decl + 1, sizeof *members);
	char *text = NULL;
	size_t n;

	if (!members)
		abort();
	n = list_members(message, members);
	qsort(members, n, sizeof *members, compare_members);
	for (size_t i = 1; i < n && !text; i++) {
		if (strcmp(members[i - 1].name, members[i].name) != 0)
			continue;
		*ret_field = members[i].field;
		text = name_format("%s and %s of message %s both get the member %s in C",
				   members[i - 1].of, members[i].of, message->name,
				   members[i].name);
	}
	free(members);
	return text;
}

static char *find_taken(const message_proto *message, size_t *ret_field)
{
	for (size_t i = 0; i < message->n_field; i++) {
		char *name = lower(message->field[i]->name);

		if (!bsearch(name, taken, sizeof taken / sizeof *taken, sizeof *taken, compare))
			continue;
		*ret_field = i;
		return name_format("field %s of message %s: %s can't be the name of a member in C",
				   message->field[i]->name, message->name, name);
	}
	return NULL;
}

struct search {
	int32_t *path;
	size_t n;
};

static char *search_message(struct search *search, const message_proto *message)
{
	size_t field = 0, n = search->n;
	char *text = find_taken(message, &field);

	if (!text)
		text = find_double(message, &field);
	if (text) {
		search->path[search->n++] = PATH_FIELD;
		search->path[search->n++] = (int32_t)field;
		return text;
	}
	for (size_t i = 0; i < message->n_nested_type && n + 4 <= MEMBERS_PATH_MAX; i++) {
		search->n = n;
		search->path[search->n++] = PATH_NESTED;
		search->path[search->n++] = (int32_t)i;
		text = search_message(search, message->nested_type[i]);
		if (text)
			return text;
	}
	return NULL;
}

char *members_find_bad(const file_proto *file,
		       int32_t ret_path[static MEMBERS_PATH_MAX],
		       size_t *ret_n)
{
	struct search search = {.path = ret_path};

	for (size_t i = 0; i < file->n_message_type; i++) {
		char *text;

		search.n = 0;
		search.path[search.n++] = PATH_MESSAGE;
		search.path[search.n++] = (int32_t)i;
		text = search_message(&search, file->message_type[i]);
		*ret_n = search.n;
		if (text)
			return text;
	}
	return NULL;
}
