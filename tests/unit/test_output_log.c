/* test_output_log.c - what hosts wrote: the newest of each name within its bound, read page by page
 * without a hole that is not told. */
#include <stdio.h>
#include <string.h>

#include "daemon/supervisor/output_log.h"
#include "tests/lib/cases.h"

#define FIRST (UINT64_C(3) << 40 | 1)
#define OF_NAME 4096u
#define IN_ALL 16384u

struct world {
	struct output_log *log;
	uint64_t seqs[1000];
	char texts[1000][32];
	size_t n;
};

static int set_up(void **state)
{
	static struct world w;

	w = (struct world){0};
	*state = &w;
	return output_log_new(FIRST, OF_NAME, IN_ALL, &w.log);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	w->log = output_log_free(w->log);
	return 0;
}

static void add_at(struct world *w, const char *name, uint64_t at_ms, const char *text)
{
	struct output_line line = {
		.at_ms = at_ms,
		.generation = 2,
		.pid = 3,
		.level = 4,
		.stream = OUTPUT_STDERR,
		.text = text,
		.n = strlen(text),
	};

	snprintf(line.name, sizeof line.name, "%s", name);
	assert_int_equal(output_log_add(w->log, &line), 0);
}

static void add(struct world *w, const char *name, const char *text)
{
	add_at(w, name, 1000, text);
}

static void visit(void *arg, const struct output_line *line)
{
	struct world *w = arg;

	assert_true(w->n < 1000);
	assert_int_equal(line->n, strlen(line->text));
	w->seqs[w->n] = line->seq;
	snprintf(w->texts[w->n++], sizeof w->texts[0], "%s", line->text);
}

static uint64_t read_by(struct world *w, struct output_query query)
{
	if (!query.name)
		query.name = "";
	if (!query.limit)
		query.limit = 1000;
	if (!query.bytes)
		query.bytes = 1u << 20;
	w->n = 0;
	return output_log_read(w->log, &query, visit, w);
}

/* All of it, or what one name wrote, in the order in which it came. */
static void test_order(void **state)
{
	struct world *w = *state;

	add(w, "a", "1");
	add(w, "b", "2");
	add(w, "", "3");
	add(w, "a", "4");
	assert_true(read_by(w, (struct output_query){.name = ""}) == FIRST + 3);
	assert_int_equal(w->n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(w->seqs[i] == FIRST + i);
	assert_true(read_by(w, (struct output_query){.name = "a"}) == FIRST + 3);
	assert_int_equal(w->n, 2);
	assert_string_equal(w->texts[0], "1");
	assert_string_equal(w->texts[1], "4");
	assert_true(read_by(w, (struct output_query){.name = "c", .after_seq = 7}) == 7);
	assert_int_equal(w->n, 0);
}

/* Page after page, by number of lines and by bytes: each line once. */
static void test_pages(void **state)
{
	struct world *w = *state;
	uint64_t cursor = 0;
	char text[24];

	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof text, "line%d", i);
		add(w, i % 2 ? "b" : "a", text);
	}
	for (int i = 0; i < 10; i += 2) {
		cursor = read_by(w, (struct output_query){.after_seq = cursor, .limit = 2});
		assert_int_equal(w->n, 2);
		snprintf(text, sizeof text, "line%d", i);
		assert_string_equal(w->texts[0], text);
	}
	assert_true(read_by(w, (struct output_query){.after_seq = cursor}) == cursor);
	assert_int_equal(w->n, 0);
	/* Two texts of five bytes fit into ten; one comes in any case. */
	(void)read_by(w, (struct output_query){.name = "a", .bytes = 10});
	assert_int_equal(w->n, 2);
	(void)read_by(w, (struct output_query){.name = "a", .bytes = 1});
	assert_int_equal(w->n, 1);
}

/* The newest so many, those since a time, and both with a cursor. */
static void test_selects(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 5; i++)
		add_at(w, "a", 1000 + i, "x");
	(void)read_by(w, (struct output_query){.newest = 2});
	assert_int_equal(w->n, 2);
	assert_true(w->seqs[0] == FIRST + 3);
	(void)read_by(w, (struct output_query){.since_ms = 1003});
	assert_int_equal(w->n, 2);
	(void)read_by(w, (struct output_query){.newest = 4, .after_seq = FIRST + 2});
	assert_int_equal(w->n, 2);
	(void)read_by(w, (struct output_query){.newest = 3, .limit = 1});
	assert_int_equal(w->n, 1);
	assert_true(w->seqs[0] == FIRST + 2);
}

/* One that writes without end displaces its own lines only, and its reader is told of it. */
static void test_bound_of_a_name(void **state)
{
	struct world *w = *state;

	add(w, "quiet", "here");
	assert_true(output_log_dropped(w->log, "loud") == FIRST - 1);
	for (int i = 0; i < 1000; i++)
		add(w, "loud", "0123456789");
	(void)read_by(w, (struct output_query){.name = "loud"});
	assert_true(w->n > 10 && w->n * 10 < OF_NAME);
	assert_true(w->seqs[w->n - 1] == FIRST + 1000);
	assert_true(output_log_dropped(w->log, "loud") == w->seqs[0] - 1);
	assert_true(output_log_dropped(w->log, "quiet") == FIRST - 1);
	(void)read_by(w, (struct output_query){.name = "quiet"});
	assert_int_equal(w->n, 1);
}

/* Many names have a bound together; then the oldest lines go, whoever wrote them. */
static void test_bound_of_all(void **state)
{
	struct world *w = *state;
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "n%d", i);
		add(w, name, "0123456789");
	}
	(void)read_by(w, (struct output_query){.name = ""});
	assert_true(w->n > 10 && w->n * 10 < IN_ALL && w->n < 500);
	assert_true(w->seqs[w->n - 1] == FIRST + 499);
	assert_true(output_log_dropped(w->log, "") == w->seqs[0] - 1);
	(void)read_by(w, (struct output_query){.name = "n0"});
	assert_int_equal(w->n, 0);
}

/* A line that is larger than the bound is kept alone. */
static void test_large(void **state)
{
	static char text[2 * OF_NAME];
	struct world *w = *state;

	memset(text, 'x', sizeof text - 1);
	add(w, "a", "small");
	add(w, "a", text);
	(void)read_by(w, (struct output_query){.name = "a"});
	assert_int_equal(w->n, 1);
	add(w, "a", "small again");
	(void)read_by(w, (struct output_query){.name = "a"});
	assert_int_equal(w->n, 1);
	assert_string_equal(w->texts[0], "small again");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_order),           CASE(test_pages),        CASE(test_selects),
		CASE(test_bound_of_a_name), CASE(test_bound_of_all), CASE(test_large),
	};

	return test_run_cases(tests, NULL, NULL);
}
