/* need.c - needs as words. */
#include "proto/need.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[NEED_FILES_READ] = "FILES_READ",
	[NEED_FILES_WRITE] = "FILES_WRITE",
	[NEED_NET_OUT] = "NET_OUT",
};
#define N (sizeof names / sizeof *names)

static bool has_path(uint32_t kind)
{
	return kind == NEED_FILES_READ || kind == NEED_FILES_WRITE;
}

/* A part is not empty, "." or "..", and nothing in it ends the word. */
static bool is_part(const char *part, size_t n)
{
	if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)part[i] <= ' ' || part[i] == 0x7f)
			return false;
	return true;
}

static bool is_path(const char *path)
{
	if (*path != '/' || strlen(path) > NEED_PATH_MAX)
		return false;
	while (*path == '/') {
		size_t n = strcspn(path + 1, "/");

		if (!is_part(path + 1, n))
			return false;
		path += 1 + n;
	}
	return true;
}

bool need_is_valid(uint32_t kind, const char *path)
{
	if (kind == 0 || kind >= N)
		return false;
	return has_path(kind) ? is_path(path) : !*path;
}

void need_format(const struct need *need, char ret_word[static NEED_WORD_SIZE])
{
	assert(need_is_valid(need->kind, need->path));
	(void)snprintf(ret_word, NEED_WORD_SIZE, "%s%s%s", names[need->kind],
		       has_path(need->kind) ? ":" : "", need->path);
}

bool need_parse(const char *word, struct need *ret)
{
	size_t n = strcspn(word, ":");

	for (uint32_t kind = 1; kind < N; kind++) {
		if (strlen(names[kind]) != n || strncmp(word, names[kind], n) != 0)
			continue;
		if (has_path(kind) != (word[n] == ':'))
			return false;
		*ret = (struct need){(enum need_kind)kind, has_path(kind) ? word + n + 1 : ""};
		return need_is_valid(kind, ret->path);
	}
	return false;
}

bool need_is_within(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 &&
	       (!path[n] || path[n] == '/' || (n > 0 && directory[n - 1] == '/'));
}

bool need_covers(const struct need *allowed, const struct need *wanted)
{
	if (!has_path(allowed->kind) || !has_path(wanted->kind))
		return allowed->kind == wanted->kind;
	return (allowed->kind == wanted->kind || allowed->kind == NEED_FILES_WRITE) &&
	       need_is_within(wanted->path, allowed->path);
}
