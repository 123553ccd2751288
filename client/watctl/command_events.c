/* command_events.c - events: what happened, and with --follow what happens. watch: the same of one
 * instance, by its Admin and to its end. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <wat/admin.pb-c.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/pages.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"
#include "proto/check.h"

/* Number in admin.proto. */
#define ADMIN_WATCH 5
#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct output_column columns[] = {
	{"time", "TIME"}, {"kind", "EVENT"}, {"name", "NAME"},   {"generation", "GEN"},
	{"user", "USER"}, {"by", "BY"},      {"what", "DETAIL"},
};
static const size_t widths[N(columns)] = {20, 13, 16, 3, 12, 16, 512};

static int ask(struct watctl *ctl, const struct pages_query *query, ProtobufCMessage **ret)
{
	Wat__Node__EventsRequest request = WAT__NODE__EVENTS_REQUEST__INIT;

	if (query->name)
		request.instance = (char *)(uintptr_t)query->name;
	request.after_seq = query->after_seq;
	request.since_ms = query->since_ms;
	request.newest = query->newest;
	request.limit = query->limit;
	request.wait = query->wait;
	return connection_node_try(ctl, "Events", &request.base, ret);
}

static void look(const ProtobufCMessage *reply, struct page *ret)
{
	const Wat__Envelope__EventList *list = (const Wat__Envelope__EventList *)reply;

	ret->n = list->n_events;
	ret->next_seq = list->next_seq;
	ret->oldest_seq = list->oldest_seq;
	ret->more = list->n_events > 0;
}

static json_t *view(const ProtobufCMessage *reply, size_t i)
{
	return view_event(((const Wat__Envelope__EventList *)reply)->events[i]);
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

int command_events(struct watctl *ctl)
{
	static const struct pages_kind kind = {
		.what = "events",
		.newest = 100,
		.newest_follow = 10,
		.ask = ask,
		.look = look,
		.view = view,
		.columns = columns,
		.n_columns = N(columns),
		.widths = widths,
		.cells = add_text,
	};

	return pages_run(ctl, &kind);
}

static int take_list(const uint8_t *reply, size_t n, ProtobufCMessage **ret)
{
	int r = check_unpack(&wat__envelope__event_list__descriptor, NULL, reply, n, ret, NULL);

	return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

static int ask_admin(struct watctl *ctl, const struct pages_query *query, ProtobufCMessage **ret)
{
	Wat__Admin__WatchRequest request = WAT__ADMIN__WATCH_REQUEST__INIT;
	_cleanup_(wat_memory_freep) uint8_t *reply = NULL;
	uint8_t bytes[64];
	size_t n;
	int r;

	(void)ctl;
	request.after_seq = query->after_seq;
	request.since_ms = query->since_ms;
	request.newest = query->newest;
	request.limit = query->limit;
	request.wait = query->wait;
	n = protobuf_c_message_get_packed_size(&request.base);
	if (n > sizeof bytes)
		return -EMSGSIZE;
	(void)protobuf_c_message_pack(&request.base, bytes);
	r = wat_call_raw(query->admin, ADMIN_WATCH, WAT_METHOD_READ_ONLY, 0, bytes, n, &reply, &n);
	return r != 0 ? r : take_list(reply, n, ret);
}

/* A death that is followed by a start is no end. */
static int code_of_end(const json_t *event)
{
	const char *kind = json_string_value(json_object_get(event, "kind"));

	if (strcmp(kind, "stop") == 0 || strcmp(kind, "remove") == 0)
		return WATCTL_OK;
	if (strcmp(kind, "failed") == 0 || strcmp(kind, "quarantine") == 0)
		return WATCTL_FAILED;
	return strcmp(kind, "start") == 0 || strcmp(kind, "resume") == 0 ? PAGES_GOES_ON
									 : PAGES_SAYS_NOTHING;
}

int command_watch(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(wat_capability_freep) wat_capability *admin = NULL;
	const char *name = watctl_argument(ctl, 0);
	struct pages_kind kind = {
		.what = "events",
		.newest_follow = 10,
		.ask = ask_admin,
		.look = look,
		.view = view,
		.columns = columns,
		.n_columns = N(columns),
		.widths = widths,
		.cells = add_text,
		.ends = code_of_end,
	};
	int r = hold_check_name(ctl, "an instance", name);

	if (r == 0)
		r = hold_keyring(ctl, &keyring);
	if (r == 0)
		r = hold_open_admin(ctl, keyring, name, &admin);
	if (r != 0)
		return r;
	kind.admin = admin;
	return pages_run(ctl, &kind);
}
