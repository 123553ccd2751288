/* command_events.c - events: what happened, and with --follow what happens. One page after another,
 * by a cursor, which also outlives a connection. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/terminal.h"
#include "client/watctl/view.h"
#include "client/watctl/when.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define NEWEST_DEFAULT 100u
#define NEWEST_FOLLOW 10u
#define PAGE 500u
#define CALL_MS 30000u /* libwat's own limit */

static const struct output_column columns[] = {
	{"time", "TIME"}, {"kind", "EVENT"}, {"name", "NAME"},   {"generation", "GEN"},
	{"user", "USER"}, {"by", "BY"},      {"what", "DETAIL"},
};

/* What is asked for, and how far it was read. */
struct reading {
	struct watctl *ctl;
	Wat__Node__EventsRequest request;
	bool only_new;  /* -n 0: of what is there nothing */
	bool follow;    /* lines as they come, none before */
	json_t *rows;   /* of a table that is printed at the end; NULL: lines */
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
		if (!reading->request.since_ms)
			reading->request.newest = reading->follow ? NEWEST_FOLLOW : NEWEST_DEFAULT;
		return 0;
	}
	if (strcmp(text, "all") == 0)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n > UINT32_MAX)
		return problem_usage(reading->ctl, "-n \"%s\": expected a number or all", text);
	reading->only_new = n == 0;
	reading->request.newest = n > 0 ? (uint32_t)n : 1;
	return 0;
}

static int read_since(struct reading *reading)
{
	const char *text = reading->ctl->values[WATCTL_SINCE];

	if (!text || when_past(text, now_ms(CLOCK_REALTIME), &reading->request.since_ms))
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

static int reading_init(struct reading *reading, struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	int r;

	*reading = (struct reading){
		.ctl = ctl,
		.request = WAT__NODE__EVENTS_REQUEST__INIT,
		.follow = watctl_given(ctl, WATCTL_FOLLOW),
	};
	reading->request.limit = PAGE;
	if (name)
		reading->request.instance = (char *)(uintptr_t)name;
	if (name && (r = hold_check_name(ctl, "an instance", name)) != 0)
		return r;
	if ((r = read_since(reading)) != 0 || (r = read_lines(reading)) != 0)
		return r;
	read_time(reading);
	reading->rows = reading->follow ? NULL : json_array();
	return reading->follow || reading->rows ? 0 : problem_memory(ctl);
}

/* "root[4242]"; the uid where it has no name. The last one asked for is remembered: there are few,
 * and a lookup may go over a network. */
static void format_peer(uid_t uid, json_int_t pid, char *text, size_t size)
{
	static char known[48];
	static uid_t known_uid;
	const struct passwd *entry;

	if (!*known || known_uid != uid) {
		entry = getpwuid(uid);
		known_uid = uid;
		if (entry)
			(void)snprintf(known, sizeof known, "%s", entry->pw_name);
		else
			(void)snprintf(known, sizeof known, "%u", (unsigned)uid);
	}
	(void)snprintf(text, size, "%s[%lld]", known, pid);
}

/* Who asked, and everything that has no column of its own. */
static void add_text(json_t *event)
{
	const char *status = json_string_value(json_object_get(event, "status"));
	const char *detail = json_string_value(json_object_get(event, "detail"));
	json_int_t count = json_integer_value(json_object_get(event, "count"));
	const json_t *uid = json_object_get(event, "uid");
	const char *address = json_string_value(json_object_get(event, "address"));
	char by[64] = "", what[768], times[32] = "";

	if (*address)
		(void)snprintf(by, sizeof by, "%s", address);
	else if (json_is_integer(uid))
		format_peer((uid_t)json_integer_value(uid),
			    json_integer_value(json_object_get(event, "pid")), by, sizeof by);
	if (count > 1)
		(void)snprintf(times, sizeof times, " (%lld times)", count);
	(void)snprintf(what, sizeof what, "%s%s%s%s", status, *status && *detail ? ": " : "",
		       detail, times);
	(void)json_object_set_new(
		event, "time",
		output_time((uint64_t)json_integer_value(json_object_get(event, "timeMs")) / 1000));
	(void)json_object_set_new(event, "by", json_string(by));
	(void)json_object_set_new(event, "what", json_string(what));
	if (json_integer_value(json_object_get(event, "generation")) == 0)
		(void)json_object_set_new(event, "generation", json_null());
}

/* Lines whose columns stand where those before stood. */
static void print_line(const json_t *event)
{
	static const size_t wide[N(columns)] = {20, 13, 16, 3, 12, 16, 512};
	size_t widths[N(columns)];

	memcpy(widths, wide, sizeof widths);
	output_fit(columns, widths, N(columns));
	output_row(event, columns, N(columns), widths);
}

static int take_event(struct reading *reading, const Wat__Node__Event *event)
{
	json_t *view = view_event(event);

	if (!view)
		return problem_memory(reading->ctl);
	if (!reading->ctl->json)
		add_text(view);
	if (reading->rows)
		return json_array_append_new(reading->rows, view) == 0
			       ? 0
			       : problem_memory(reading->ctl);
	if (reading->ctl->json)
		output_json(view);
	else
		print_line(view);
	json_decref(view);
	return 0;
}

/* A reader that was away for long may have missed some. */
static void tell_gap(const struct reading *reading, const Wat__Node__EventList *list)
{
	uint64_t cursor = reading->request.after_seq;

	if (cursor > 0 && list->oldest_seq > cursor + 1)
		fprintf(stderr, "watctl: events before number %llu are not kept any more\n",
			(unsigned long long)list->oldest_seq);
}

static int take_page(struct reading *reading, const Wat__Node__EventList *list)
{
	int r = 0;

	tell_gap(reading, list);
	for (size_t i = 0; r == 0 && i < list->n_events && !reading->only_new; i++)
		r = take_event(reading, list->events[i]);
	reading->request.after_seq = list->next_seq;
	reading->request.newest = 0;
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

/* *ret_n: events of the page. */
static int next_page(struct reading *reading, size_t *ret_n)
{
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	struct watctl *ctl = reading->ctl;
	const Wat__Node__EventList *list;
	int r;

	limit_call(reading);
	r = connection_node_try(ctl, "Events", &reading->request.base, &reply);
	*ret_n = 0;
	/* The time of a call that waits is over when nothing happened. */
	if (r == WAT_DEADLINE_EXCEEDED && reading->follow)
		return 0;
	if (r != 0)
		return problem_call(ctl, watctl_argument(ctl, 0), r);
	list = (const Wat__Node__EventList *)reply;
	*ret_n = list->n_events;
	return take_page(reading, list);
}

static int read_all(struct reading *reading)
{
	size_t n = PAGE;
	int r = 0;

	while (r == 0 && n == PAGE)
		r = next_page(reading, &n);
	return r;
}

static int follow(struct reading *reading)
{
	size_t n;
	int r = 0;

	while (r == 0 && !is_over(reading)) {
		r = next_page(reading, &n);
		reading->request.wait = true;
	}
	return r;
}

static void print_all(const struct reading *reading)
{
	json_auto_t *document = NULL;

	if (!reading->ctl->json) {
		output_table(reading->rows, columns, N(columns));
		return;
	}
	document = json_pack("{s:O}", "events", reading->rows);
	if (document)
		output_json(document);
}

int command_events(struct watctl *ctl)
{
	struct reading reading;
	int r = reading_init(&reading, ctl);

	if (r == 0)
		r = connection_open(ctl);
	if (r == 0)
		r = reading.follow ? follow(&reading) : read_all(&reading);
	if (r == 0 && !reading.follow)
		print_all(&reading);
	json_decref(reading.rows);
	return r;
}
