/* json_parse.c - JSON text by jansson, with a path to where it breaks. Pure. */
#include "proto/json_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Steps of a path that are told; what is deeper is cut. */
#define STEPS_MAX 64u

struct step {
	bool in_object, wants_key;
	size_t index;
	const char *key;
	size_t n_key;
};

/* Walks over text that jansson has accepted so far. */
struct walk {
	struct step steps[STEPS_MAX];
	size_t depth; /* may exceed STEPS_MAX */
};

static struct step *top(struct walk *walk)
{
	return walk->depth > 0 && walk->depth <= STEPS_MAX ? &walk->steps[walk->depth - 1] : NULL;
}

static void push(struct walk *walk, bool in_object)
{
	walk->depth++;
	if (top(walk))
		*top(walk) = (struct step){.in_object = in_object, .wants_key = in_object};
}

static void comma(struct walk *walk)
{
	struct step *step = top(walk);

	if (step && step->in_object)
		step->wants_key = true;
	else if (step)
		step->index++;
}

/* From its opening quote; returns what is behind the closing one. */
static const char *string(struct walk *walk, const char *at, const char *end)
{
	const char *start = ++at;
	struct step *step = top(walk);

	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	if (step && step->wants_key) {
		step->key = start;
		step->n_key = (size_t)(at - start);
		step->wants_key = false;
	}
	return at < end ? at + 1 : end;
}

static void follow(struct walk *walk, const char *at, const char *end)
{
	while (at < end) {
		char c = *at;

		if (c == '"') {
			at = string(walk, at, end);
			continue;
		}
		if (c == '{' || c == '[')
			push(walk, c == '{');
		else if ((c == '}' || c == ']') && walk->depth > 0)
			walk->depth--;
		else if (c == ',')
			comma(walk);
		at++;
	}
}

static void write_path(const struct walk *walk, char *path, size_t size)
{
	char index[32];

	path[0] = '\0';
	for (size_t i = 0; i < walk->depth && i < STEPS_MAX; i++) {
		const struct step *step = &walk->steps[i];

		if (!step->in_object) {
			(void)snprintf(index, sizeof index, "[%zu]", step->index);
			json_append_path(path, size, index, strlen(index));
		} else if (step->key) {
			json_append_path(path, size, ".", *path ? 1 : 0);
			json_append_path(path, size, step->key, step->n_key);
		}
	}
}

static const char *explain(const json_error_t *details)
{
	switch (json_error_code(details)) {
	case json_error_duplicate_key:
		return "the field is there twice";
	case json_error_numeric_overflow:
		return "a number that is too large; a 64-bit integer may be written as a string";
	case json_error_null_character:
		return "a string cannot hold U+0000";
	default:
		return details->text;
	}
}

static int refuse(const char *text, size_t n, const json_error_t *details, struct json_error *error)
{
	size_t position = details->position > 0 ? (size_t)details->position : 0;
	struct json_place here = {0};
	struct walk walk = {.depth = 0};
	int r;

	if (json_error_code(details) == json_error_out_of_memory)
		return -ENOMEM;
	r = json_fail(error, &here, "line %d, column %d: %s", details->line, details->column,
		      explain(details));
	if (!error)
		return r;
	follow(&walk, text, text + (position < n ? position : n));
	write_path(&walk, error->path, sizeof error->path);
	json_cut(error->path);
	return r;
}

int json_parse(const char *text, size_t n, struct json_error *error, json_t **ret_json)
{
	json_error_t details;
	json_t *json = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &details);

	if (!json)
		return refuse(text, n, &details, error);
	*ret_json = json;
	return 0;
}
