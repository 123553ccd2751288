/* node_service_logs.c - Logs of wat.node.Node: what hosts wrote, page by page, or when it is
 * written. Loop thread. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/host.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/output_log.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/support/cleanup.h"

#define LINES_MAX 1000u
#define TEXTS_MAX (256u * 1024u) /* bytes in an answer */
#define KEPT_OF_NAME (64u * 1024u)
#define KEPT_IN_ALL (16u * 1024u * 1024u)

struct log_reader {
	struct parked_call parked; /* in node->log_readers */
	struct output_query query; /* name points to the next */
	char name[OUTPUT_NAME_SIZE];
};

/* An answer under construction; its texts are the log's. */
struct page {
	node_log_line lines[LINES_MAX];
	node_log_line *list[LINES_MAX];
	node_log_list message;
};

static void add_line(void *arg, const struct output_line *line)
{
	struct page *page = arg;
	node_log_line *out = &page->lines[page->message.n_lines];

	wat__node__log_line__init(out);
	out->seq = line->seq;
	out->time_ms = line->at_ms;
	out->instance = (char *)(uintptr_t)line->name;
	out->generation = line->generation;
	out->pid = line->pid;
	out->level = (uint32_t)line->level;
	out->stream = (uint32_t)line->stream;
	out->text = (char *)(uintptr_t)line->text;
	page->list[page->message.n_lines++] = out;
}

/* NULL: no memory. */
static struct page *read_page(const struct node *node, const struct output_query *query)
{
	struct page *page = malloc(sizeof *page);

	if (!page)
		return NULL;
	wat__node__log_list__init(&page->message);
	page->message.lines = page->list;
	page->message.next_seq = output_log_read(node->output, query, add_line, page);
	page->message.dropped_seq = output_log_dropped(node->output, query->name);
	return page;
}

/* Answers, unless there is nothing and that is no answer. The reader is gone then. */
static void answer(struct log_reader *reader, bool wait)
{
	_cleanup_(freep) struct page *page = read_page(reader->parked.call->node, &reader->query);

	if (page && page->message.n_lines == 0 && wait)
		return;
	if (page)
		parked_call_reply(&reader->parked, &page->message.base);
	else
		parked_call_fail_with(&reader->parked, WAT_OVERLOADED, NULL, "no memory");
	free(reader);
}

static void on_overdue(struct parked_call *parked)
{
	answer(container_of(parked, struct log_reader, parked), false);
}

static void on_gone(struct parked_call *parked)
{
	parked_call_drop(parked);
	free(container_of(parked, struct log_reader, parked));
}

/* What was written before the question is in the answer. */
static void catch_up(struct node *node, const char *name)
{
	const struct instance *instance =
		*name ? instance_table_by_name(&node->instances, name) : NULL;

	if (instance && instance->host)
		host_catch_up(instance->host);
	if (*name)
		return;
	list_for_each (i, &node->hosts)
		host_catch_up(container_of(i, struct host, link));
}

static void take_request(struct log_reader *reader, const node_logs_request *in)
{
	(void)snprintf(reader->name, sizeof reader->name, "%s", in->instance);
	reader->query = (struct output_query){
		.name = reader->name,
		.after_seq = in->after_seq,
		.since_ms = in->since_ms,
		.newest = in->newest,
		.limit = in->limit > 0 && in->limit < LINES_MAX ? in->limit : LINES_MAX,
		.bytes = TEXTS_MAX,
	};
	reader->parked.overdue = on_overdue;
	reader->parked.gone = on_gone;
}

wat_status node_on_logs(struct node_logs_call *c, wat_empty *state, const node_logs_request *in)
{
	struct node *node = control_call_of(&c->base)->node;
	_cleanup_(freep) struct log_reader *reader = calloc(1, sizeof *reader);

	(void)state;
	if (*in->instance && !name_is_valid(in->instance))
		return wat_fail(c, WAT_INVALID_ARGUMENT, "instance \"%.80s\": " NAME_RULE,
				in->instance);
	if (!reader)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	take_request(reader, in);
	if (parked_call_init(&reader->parked, &c->base, &node->log_readers) < 0)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	catch_up(node, in->instance);
	answer(TAKE(reader), in->wait);
	return WAT_OK;
}

/* One answer for all that was written in a turn of the loop. */
static void on_written(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	list_for_each_safe (i, &node->log_readers)
		answer(container_of(container_of(i, struct parked_call, link), struct log_reader,
				    parked),
		       true);
}

int node_logs_init(struct node *node)
{
	node->written = evtimer_new(node->base, on_written, node);
	if (!node->written)
		return -ENOMEM;
	return output_log_new(store_starts(node->store) << 40 | 1, KEPT_OF_NAME, KEPT_IN_ALL,
			      &node->output);
}

void node_logs_deinit(struct node *node)
{
	if (node->written)
		event_free(node->written);
	node->written = NULL;
	node->output = output_log_free(node->output);
}

void node_logs_notice(struct node *node)
{
	static const struct timeval at_once = {0};

	if (!list_empty(&node->log_readers))
		(void)evtimer_add(node->written, &at_once);
}
