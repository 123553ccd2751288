/* skeleton.c - a plugin's names in the texts of skeleton/. Pure. */
#include "client/watctl/skeleton.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 40u

/* Beside what CMake has for itself: the packages that are there already. */
static const char *const taken[] = {
	"all",  "ctest",   "clean",      "depend", "edit_cache",    "google", "help", "install",
	"list", "package", "preinstall", "proto",  "rebuild_cache", "test",   "wat",
};

static bool is_taken(const char *name)
{
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strcmp(taken[i], name) == 0)
			return true;
	return false;
}

/* A digit after _ would be lost in the service's name. */
static bool has_form(const char *name)
{
	bool first = true;

	for (; *name; name++) {
		if (*name == '_' ? first
				 : !(islower((unsigned char)*name) ||
				     (isdigit((unsigned char)*name) && !first)))
			return false;
		first = *name == '_';
	}
	return !first;
}

bool skeleton_name_ok(const char *name, const char **ret_why)
{
	if (strlen(name) > NAME_MAX_BYTES)
		*ret_why = "it has more than 40 letters";
	else if (!has_form(name))
		*ret_why = "expected words of a-z and 0-9 that begin with a letter, joined by _";
	else if (is_taken(name))
		*ret_why = "that name has a meaning of its own to CMake or wat";
	else
		return true;
	return false;
}

/* "lru_cache" as the service's name: LruCache. */
static void put_service(FILE *out, const char *name)
{
	bool first = true;

	for (; *name; name++) {
		if (*name != '_')
			(void)fputc(first ? toupper((unsigned char)*name) : *name, out);
		first = *name == '_';
	}
}

static void put_upper(FILE *out, const char *name)
{
	for (; *name; name++)
		(void)fputc(toupper((unsigned char)*name), out);
}

static void put_name(FILE *out, const char *name)
{
	(void)fputs(name, out);
}

static const struct {
	const char *text;
	void (*put)(FILE *, const char *);
} marks[] = {
	{"@NAME@", put_name},
	{"@UPPER@", put_upper},
	{"@SERVICE@", put_service},
};

/* Bytes of the mark at the front; 0: there is none. */
static size_t put_mark(FILE *out, const char *at, const char *name)
{
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		size_t n = strlen(marks[i].text);

		if (strncmp(at, marks[i].text, n) != 0)
			continue;
		marks[i].put(out, name);
		return n;
	}
	return 0;
}

char *skeleton_fill(const char *text, const char *name)
{
	char *filled = NULL;
	size_t n;
	FILE *out = open_memstream(&filled, &n);

	if (!out)
		return NULL;
	while (*text) {
		size_t mark = put_mark(out, text, name);

		if (mark == 0)
			(void)fputc(*text, out);
		text += mark ? mark : 1;
	}
	if (fclose(out) == 0)
		return filled;
	free(filled);
	return NULL;
}
