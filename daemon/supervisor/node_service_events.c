/* node_service_events.c - Events of wat.node.Node and Watch of wat.admin.Admin: what happened, page
 * by page, or when it happens. Loop thread. A reader asks the store, and if there is nothing, again
 * when events were committed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.service.h>
#include <wat/node.service.h>

#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/support/cleanup.h"

struct reader {
	struct parked_call parked; /* in node->readers */
	struct store_event_query query;
	bool wait;    /* nothing is no answer */
	bool reading; /* the store has the query */
	bool again;   /* events were committed meanwhile */
	bool overdue; /* nothing is an answer */
	bool gone;    /* nobody waits; freed when the store is done with it */
};

static void to_message(const struct store_event *event, envelope_event *out)
{
	wat__envelope__event__init(out);
	out->seq = event->seq;
	out->time_ms = event->at_ms;
	out->kind = (char *)(uintptr_t)event->kind;
	out->instance = (char *)(uintptr_t)event->name;
	if (*event->name)
		out->incarnation =
			(ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)event->instance_id};
	out->generation = event->generation;
	out->invocation = event->invocation;
	out->has_peer = event->has_peer;
	out->uid = event->uid;
	out->pid = (uint32_t)event->pid;
	out->address = (char *)(uintptr_t)event->address;
	out->user = (char *)(uintptr_t)event->user;
	if (event->has_grant)
		out->grant_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)event->grant_id};
	out->status = (uint32_t)event->status;
	out->count = event->count;
	out->detail = (char *)(uintptr_t)event->detail;
}

static void reply(struct reader *reader, const struct store_event_page *page)
{
	_cleanup_(freep) envelope_event *events = calloc(page->n + 1, sizeof *events);
	_cleanup_(freep) envelope_event **list = calloc(page->n + 1, sizeof *list);
	envelope_event_list out = WAT__ENVELOPE__EVENT_LIST__INIT;

	if (!events || !list) {
		parked_call_fail_with(&reader->parked, WAT_OVERLOADED, NULL, "no memory");
		return;
	}
	for (size_t i = 0; i < page->n; i++) {
		to_message(&page->events[i], &events[i]);
		list[i] = &events[i];
	}
	out.events = list;
	out.n_events = page->n;
	out.next_seq = page->next_seq;
	out.oldest_seq = page->oldest_seq;
	parked_call_reply(&reader->parked, &out.base);
}

static void ask(struct reader *reader);

static void on_read(void *arg, int r, const struct store_event_page *page)
{
	struct reader *reader = arg;

	reader->reading = false;
	if (reader->gone) {
		free(reader);
	} else if (r < 0) {
		parked_call_fail_with(&reader->parked, WAT_UNAVAILABLE, NULL,
				      "the database can't be read; see the log of watd");
		free(reader);
	} else if (page->n > 0 || !reader->wait || reader->overdue) {
		reply(reader, page);
		free(reader);
	} else {
		reader->query.after_seq = page->next_seq;
		reader->query.newest = 0;
		if (reader->again)
			ask(reader);
	}
}

static void ask(struct reader *reader)
{
	/* What happened before the question is in the answer. */
	audit_flush(reader->parked.call->node);
	reader->again = false;
	reader->reading = true;
	if (store_read_events(reader->parked.call->node->store, &reader->query, on_read, reader) ==
	    0)
		return;
	parked_call_fail_with(&reader->parked, WAT_OVERLOADED, NULL, "no memory");
	free(reader);
}

static void on_overdue(struct parked_call *parked)
{
	struct reader *reader = container_of(parked, struct reader, parked);

	reader->overdue = true;
	if (!reader->reading)
		ask(reader);
}

static void on_gone(struct parked_call *parked)
{
	struct reader *reader = container_of(parked, struct reader, parked);

	parked_call_drop(parked);
	reader->gone = true;
	if (!reader->reading)
		free(reader);
}

/* The store's numbers are signed. */
static uint64_t bounded(uint64_t number)
{
	return number < INT64_MAX ? number : INT64_MAX;
}

static wat_status read_events(struct wat_call *call,
			      const struct store_event_query *query,
			      bool wait)
{
	struct node *node = control_call_of(call)->node;
	_cleanup_(freep) struct reader *reader = calloc(1, sizeof *reader);

	if (!reader)
		return call->api->fail(call, WAT_OVERLOADED, "no memory");
	reader->wait = wait;
	reader->query = *query;
	reader->parked.overdue = on_overdue;
	reader->parked.gone = on_gone;
	if (parked_call_init(&reader->parked, call, &node->readers) < 0)
		return call->api->fail(call, WAT_OVERLOADED, "no memory");
	ask(TAKE(reader));
	return WAT_OK;
}

wat_status node_on_events(struct node_events_call *c,
			  wat_empty *state,
			  const node_events_request *in)
{
	struct store_event_query query = {
		.after_seq = bounded(in->after_seq),
		.since_ms = bounded(in->since_ms),
		.newest = in->newest,
		.limit = in->limit,
	};

	(void)state;
	if (*in->instance && !name_is_valid(in->instance))
		return wat_fail(c, WAT_INVALID_ARGUMENT, "instance \"%.80s\": " NAME_RULE,
				in->instance);
	(void)snprintf(query.name, sizeof query.name, "%s", in->instance);
	return read_events(&c->base, &query, in->wait);
}

/* What those of its name before it did is not this Admin's. */
wat_status admin_on_watch(struct admin_watch_call *c,
			  wat_empty *state,
			  const admin_watch_request *in)
{
	struct store_event_query query = {
		.after_seq = bounded(in->after_seq),
		.since_ms = bounded(in->since_ms),
		.newest = in->newest,
		.limit = in->limit,
		.has_incarnation = true,
	};
	wat_status status = WAT_OK;
	const struct instance *instance = control_call_instance(control_call_of(&c->base), &status);

	(void)state;
	if (!instance)
		return status;
	memcpy(query.incarnation, instance->id, sizeof query.incarnation);
	(void)snprintf(query.name, sizeof query.name, "%s", instance->name);
	return read_events(&c->base, &query, in->wait);
}

void node_events_notice(struct node *node)
{
	list_for_each_safe (i, &node->readers) {
		struct reader *reader = container_of(container_of(i, struct parked_call, link),
						     struct reader, parked);

		if (reader->reading)
			reader->again = true;
		else
			ask(reader);
	}
}
