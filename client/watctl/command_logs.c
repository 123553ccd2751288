/* command_logs.c - logs: what instances wrote, and with --follow what they write. */
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/pages.h"
#include "client/watctl/view.h"

static int ask(struct watctl *ctl, const struct pages_query *query, ProtobufCMessage **ret)
{
	Wat__Node__LogsRequest request = WAT__NODE__LOGS_REQUEST__INIT;

	if (query->name)
		request.instance = (char *)(uintptr_t)query->name;
	request.after_seq = query->after_seq;
	request.since_ms = query->since_ms;
	request.newest = query->newest;
	request.limit = query->limit;
	request.wait = query->wait;
	return connection_node_try(ctl, "Logs", &request.base, ret);
}

static void look(const ProtobufCMessage *reply, struct page *ret)
{
	const Wat__Node__LogList *list = (const Wat__Node__LogList *)reply;

	ret->n = list->n_lines;
	ret->next_seq = list->next_seq;
	ret->oldest_seq = list->dropped_seq + 1;
	ret->more = list->n_lines > 0;
}

static json_t *view(const ProtobufCMessage *reply, size_t i)
{
	return view_log_line(((const Wat__Node__LogList *)reply)->lines[i]);
}

/* "TIME NAME[PID] LEVEL: TEXT"; what was just written to a stream has no level of its own. */
static void print(const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name"));
	const char *stream = json_string_value(json_object_get(line, "stream"));

	printf("%s %s[%lld] %s: ", json_string_value(json_object_get(line, "time")),
	       *name ? name : "watd-host", json_integer_value(json_object_get(line, "pid")),
	       strcmp(stream, "log") == 0 ? json_string_value(json_object_get(line, "level"))
					  : stream);
	output_text(stdout, json_string_value(json_object_get(line, "text")));
	putchar('\n');
}

int command_logs(struct watctl *ctl)
{
	static const struct pages_kind kind = {
		.what = "lines",
		.newest_follow = 10,
		.ask = ask,
		.look = look,
		.view = view,
		.print = print,
	};

	return pages_run(ctl, &kind);
}
