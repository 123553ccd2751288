/* pages.c - one page after another, by a cursor, which also outlives a connection. */
#include "client/watctl/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/problem.h"
#include "client/watctl/terminal.h"
#include "client/watctl/when.h"

#define PAGE 500u
#define PAGES_MAX 1000 /* of what there is when it is asked for */
#define COLUMNS_MAX 16u
#define CALL_MS 30000u /* libwat's own limit */

/* What is asked for, and how far it was read. */
struct reading {
	struct watctl *ctl;
	const struct pages_kind *kind;
	struct pages_query query;
	bool only_new; /* -n 0: of what is there nothing */
	bool follow;   /* lines as they come, none before */
	json_t *rows;  /* of what is printed at the end; NULL: lines */
	bool ended;    /* by what a view told, with */
	int code;
	uint64_t until; /* monotonic milliseconds; 0: for good */
};

static uint64_t now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int read_lines(struct reading *reading)
{
	const char *text = reading->ctl->values[WATCTL_LINES];
	char *end;
	unsigned long n;

	if (!text) {
		if (!reading->query.since_ms)
			reading->query.newest = reading->follow ? reading->kind->newest_follow
								: reading->kind->newest;
		return 0;
	}
	if (strcmp(text, "all") == 0)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n > UINT32_MAX)
		return problem_usage(reading->ctl, "-n \"%s\": expected a number or all", text);
	reading->only_new = n == 0;
	reading->query.newest = n > 0 ? (uint32_t)n : 1;
	return 0;
}

static int read_since(struct reading *reading)
{
	const char *text = reading->ctl->values[WATCTL_SINCE];

	if (!text || when_past(text, now_ms(CLOCK_REALTIME), &reading->query.since_ms))
		return 0;
	return problem_usage(reading->ctl,
			     "--since \"%s\": expected a time such as 2h, yesterday, 2026-01-31 or "
			     "\"2026-01-31 12:00\"",
			     text);
}

/* Following is what --timeout is about: no single call ends by it. */
static void read_time(struct reading *reading)
{
	struct watctl *ctl = reading->ctl;

	if (!reading->follow)
		return;
	if (ctl->timeout_ms != WATCTL_NO_TIMEOUT && ctl->timeout_ms > 0)
		reading->until = now_ms(CLOCK_MONOTONIC) + ctl->timeout_ms;
	ctl->timeout_ms = WATCTL_NO_TIMEOUT;
}

static int reading_init(struct reading *reading, struct watctl *ctl, const struct pages_kind *kind)
{
	const char *name = watctl_argument(ctl, 0);
	int r;

	*reading = (struct reading){
		.ctl = ctl,
		.kind = kind,
		.query = {.admin = kind->admin, .name = name, .limit = PAGE},
		.code = PAGES_SAYS_NOTHING,
		.follow = kind->ends || watctl_given(ctl, WATCTL_FOLLOW),
	};
	if (name && (r = hold_check_name(ctl, "an instance", name)) != 0)
		return r;
	if ((r = read_since(reading)) != 0 || (r = read_lines(reading)) != 0)
		return r;
	read_time(reading);
	if (reading->follow || (kind->print && !ctl->json))
		return 0;
	reading->rows = json_array();
	return reading->rows ? 0 : problem_memory(ctl);
}

/* Lines whose columns stand where those before stood. */
static void print_row(const struct pages_kind *kind, const json_t *view)
{
	size_t widths[COLUMNS_MAX];

	memcpy(widths, kind->widths, kind->n_columns * sizeof *widths);
	output_fit(kind->columns, widths, kind->n_columns);
	output_row(view, kind->columns, kind->n_columns, widths);
}

static void print_view(const struct reading *reading, const json_t *view)
{
	if (reading->ctl->json)
		output_json(view);
	else if (reading->kind->print)
		reading->kind->print(view);
	else
		print_row(reading->kind, view);
}

/* What there was when the command began is read to its end: it may have gone on from an end. */
static void note_end(struct reading *reading, const json_t *view)
{
	int code = reading->kind->ends ? reading->kind->ends(view) : PAGES_SAYS_NOTHING;

	if (code == PAGES_SAYS_NOTHING)
		return;
	reading->code = code;
	reading->ended = reading->query.wait && code >= 0;
}

static int take_view(struct reading *reading, json_t *view)
{
	if (!view)
		return problem_memory(reading->ctl);
	note_end(reading, view);
	if (!reading->ctl->json && reading->kind->cells)
		reading->kind->cells(view);
	if (reading->rows)
		return json_array_append_new(reading->rows, view) == 0
			       ? 0
			       : problem_memory(reading->ctl);
	print_view(reading, view);
	json_decref(view);
	return 0;
}

/* A reader that was away for long may have missed some. */
static void tell_gap(const struct reading *reading, const struct page *page)
{
	uint64_t cursor = reading->query.after_seq;

	if (cursor > 0 && page->oldest_seq > cursor + 1)
		fprintf(stderr, "watctl: %s before number %llu are not kept any more\n",
			reading->kind->what, (unsigned long long)page->oldest_seq);
}

static int take_page(struct reading *reading, const ProtobufCMessage *reply, struct page *page)
{
	int r = 0;

	reading->kind->look(reply, page);
	tell_gap(reading, page);
	for (size_t i = 0; r == 0 && i < page->n && !reading->only_new && !reading->ended; i++)
		r = take_view(reading, reading->kind->view(reply, i));
	reading->query.after_seq = page->next_seq;
	reading->query.newest = 0;
	reading->only_new = false;
	/* Whoever reads along sees it now. */
	if (reading->follow && fflush(stdout) != 0)
		return WATCTL_FAILED;
	return r;
}

static bool is_over(const struct reading *reading)
{
	return reading->until > 0 && now_ms(CLOCK_MONOTONIC) >= reading->until;
}

/* The next call ends with what is left of the time; 0 would be no limit. */
static void limit_call(const struct reading *reading)
{
	uint64_t now = now_ms(CLOCK_MONOTONIC), left_ms = 1;

	if (reading->until > now)
		left_ms = reading->until - now;
	if (reading->until > 0 && left_ms < CALL_MS)
		wat_set_timeout(reading->ctl->connection, left_ms);
}

static int next_page(struct reading *reading, struct page *ret)
{
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	struct watctl *ctl = reading->ctl;
	int r;

	*ret = (struct page){.n = 0};
	limit_call(reading);
	r = reading->kind->ask(ctl, &reading->query, &reply);
	/* The time of a call that waits is over when nothing happened. */
	if (r == WAT_DEADLINE_EXCEEDED && reading->follow)
		return 0;
	if (r != 0)
		return problem_call(ctl, reading->query.name, r);
	return take_page(reading, reply, ret);
}

static int read_all(struct reading *reading)
{
	struct page page = {.more = true};
	int r = 0;

	for (int i = 0; r == 0 && page.more && i < PAGES_MAX; i++)
		r = next_page(reading, &page);
	return r;
}

static int follow(struct reading *reading)
{
	struct page page;
	int r = 0;

	while (r == 0 && !reading->ended && !is_over(reading)) {
		r = next_page(reading, &page);
		reading->query.wait = true;
		reading->ended = reading->code >= 0;
	}
	if (r != 0 || !reading->kind->ends)
		return r;
	return reading->ended ? reading->code
			      : problem(reading->ctl, WAT_DEADLINE_EXCEEDED,
					"%s has not ended in that time", reading->query.name);
}

static void print_all(const struct reading *reading)
{
	json_auto_t *document = NULL;

	if (!reading->ctl->json) {
		output_table(reading->rows, reading->kind->columns, reading->kind->n_columns);
		return;
	}
	document = json_pack("{s:O}", reading->kind->what, reading->rows);
	if (document)
		output_json(document);
}

int pages_run(struct watctl *ctl, const struct pages_kind *kind)
{
	struct reading reading;
	int r = reading_init(&reading, ctl, kind);

	if (r == 0)
		r = connection_open(ctl);
	if (r == 0)
		r = reading.follow ? follow(&reading) : read_all(&reading);
	if (r == 0 && reading.rows)
		print_all(&reading);
	json_decref(reading.rows);
	return r;
}
