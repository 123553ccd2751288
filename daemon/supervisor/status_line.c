/* status_line.c - a watd's instances in one line. Loop thread. */
#include "daemon/supervisor/status_line.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/supervisor/instance_table.h"

#define NAMES_MAX 3 /* of one state */

/* States in the order they are told; READY only of those that are on their way down with watd. */
static const struct {
	enum instance_state state;
	const char *text;
	bool named, ends; /* ends: what the end of watd waits for */
} states[] = {
	{INSTANCE_READY, "suspending", true, true},
	{INSTANCE_STARTING, "starting", true, true},
	{INSTANCE_STOPPING, "stopping", true, true},
	{INSTANCE_STOPPED, "stopped", false, false},
	{INSTANCE_RESTARTING, "restarting", true, true},
	{INSTANCE_BACKOFF, "to be started again", true, true},
	{INSTANCE_FAILED, "failed", true, false},
	{INSTANCE_QUARANTINED, "quarantined", true, false},
};

struct line {
	char *text;
	size_t size, n;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->text + line->n, line->size - line->n, format, arguments);
	va_end(arguments);
	if (n > 0)
		line->n += (size_t)n < line->size - line->n ? (size_t)n : line->size - line->n - 1;
}

/* Whether it counts: while a name's next incarnation starts, the one before is hidden. */
static bool is_in(const struct instance *instance, enum instance_state state)
{
	return instance->state == state && !instance_is_hidden(instance);
}

static bool is_stuck(const struct instance *instance)
{
	return *instance->stuck && !instance_is_hidden(instance);
}

static bool is_isolated(const struct instance *instance)
{
	return *instance->isolated && !instance_is_hidden(instance);
}

static size_t count(const struct instance_table *table, enum instance_state state)
{
	size_t n = 0;

	list_for_each (i, &table->all) {
		n += is_in(container_of(i, struct instance, all), state);
	}
	return n;
}

static bool is_told(const struct instance *instance, enum instance_state state)
{
	return is_in(instance, state) && (state != INSTANCE_READY || instance->suspends);
}

static size_t count_told(const struct instance_table *table, enum instance_state state)
{
	size_t n = 0;

	list_for_each (i, &table->all) {
		n += is_told(container_of(i, struct instance, all), state);
	}
	return n;
}

static void add_names(struct line *line,
		      const struct instance_table *table,
		      enum instance_state state,
		      size_t n)
{
	size_t named = 0;

	list_for_each (i, &table->all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!is_told(instance, state) || named == NAMES_MAX)
			continue;
		add(line, "%s%s", named++ ? ", " : ": ", instance->name);
	}
	if (n > named)
		add(line, " and %zu more", n - named);
}

static void add_others(struct line *line, const struct instance_table *table, bool ending)
{
	const char *separator = ending ? ": " : ", ";

	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		size_t n = count_told(table, states[i].state);

		if (n == 0 || (ending && !states[i].ends))
			continue;
		add(line, "%s%zu %s", separator, n, states[i].text);
		if (states[i].named)
			add_names(line, table, states[i].state, n);
		separator = ", ";
	}
}

/* What is so whatever its state, named. */
static void add_marked(struct line *line,
		       const struct instance_table *table,
		       const char *text,
		       bool (*is_marked)(const struct instance *))
{
	size_t n = 0, named = 0;

	list_for_each (i, &table->all) {
		n += is_marked(container_of(i, struct instance, all));
	}
	if (n == 0)
		return;
	add(line, ", %zu %s", n, text);
	list_for_each (i, &table->all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (is_marked(instance) && named < NAMES_MAX)
			add(line, "%s%s", named++ ? ", " : ": ", instance->name);
	}
	if (n > named)
		add(line, " and %zu more", n - named);
}

void status_line(const struct instance_table *table,
		 enum status_phase phase,
		 char *text,
		 size_t size)
{
	struct line line = {.text = text, .size = size};
	size_t n_ready = count(table, INSTANCE_READY);

	if (phase == STATUS_ENDING) {
		add(&line, "ending");
		add_others(&line, table, true);
		return;
	}
	if (phase == STATUS_STARTING)
		add(&line, "starting: ");
	if (n_ready == 0)
		add(&line, table->n == 0 ? "no instances" : "no instance ready");
	else
		add(&line, "%zu instance%s ready", n_ready, n_ready == 1 ? "" : "s");
	add_others(&line, table, false);
	add_marked(&line, table, "stuck", is_stuck);
	add_marked(&line, table, "isolated", is_isolated);
}
