/* audit.c - what happened to whom, and who caused it. Loop thread. */
#include "daemon/supervisor/audit.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

#define PAIRS_MAX 15u
#define HELD_MAX 256u

static const struct kind {
	const char *name;
	enum store_event_class class;
	int level;
	const char *sentence, *help;
} kinds[] = {
#define AUDIT_KIND_ROW(name, text, class, level, sentence, help) \
	[AUDIT_##name] = {text, STORE_EVENT_##class, LOG_LEVEL_##level, sentence, help},
	AUDIT_KINDS(AUDIT_KIND_ROW)
#undef AUDIT_KIND_ROW
};

struct origin origin_new(struct node *node)
{
	return (struct origin){.invocation = ++node->last_invocation};
}

/* A plugin's last words may be any bytes. */
static void clean(char *text)
{
	size_t left = strlen(text), n;

	if (utf8_is_text((const uint8_t *)text, left))
		return;
	for (; left > 0; text += n, left -= n) {
		n = 1;
		while (n <= 4 && n <= left && !utf8_is_text((const uint8_t *)text, n))
			n++;
		if (n <= 4 && n <= left)
			continue;
		*text = '?';
		n = 1;
	}
}

static void copy_detail(const char *detail, struct store_event *event)
{
	size_t n = utf8_cut(detail, STORE_EVENT_DETAIL_MAX);

	memcpy(event->detail, detail, n);
	event->detail[n] = '\0';
	clean(event->detail);
}

static void copy_instance(const struct instance *instance, struct store_event *event)
{
	memcpy(event->name, instance->name, sizeof event->name);
	memcpy(event->instance_id, instance->id, sizeof event->instance_id);
	event->generation = instance->generation;
}

static void copy_origin(const struct origin *origin, struct store_event *event)
{
	event->invocation = origin->invocation;
	event->has_peer = origin->has_peer;
	event->uid = origin->uid;
	event->pid = origin->pid;
	memcpy(event->address, origin->address, sizeof event->address);
}

void audit_event(const struct audit *what, struct store_event *ret)
{
	*ret = (struct store_event){
		.at_ms = clock_unix_ms(),
		.kind = kinds[what->kind].name,
		.class = kinds[what->kind].class,
		.status = (int)what->status,
		.count = 1,
	};
	if (what->origin)
		copy_origin(what->origin, ret);
	if (what->instance)
		copy_instance(what->instance, ret);
	if (what->grant) {
		ret->has_grant = true;
		memcpy(ret->grant_id, what->grant->id, sizeof ret->grant_id);
		memcpy(ret->user, what->grant->user, sizeof ret->user);
	}
	if (what->detail)
		copy_detail(what->detail, ret);
}

int audit_add(struct store_txn *txn, const struct audit *what)
{
	struct store_event event;

	audit_event(what, &event);
	return store_txn_add_event(txn, &event);
}

static const struct kind *kind_of(const struct store_event *event)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, event->kind) == 0)
			return &kinds[i];
	return &kinds[AUDIT_DENY];
}

/* A line of pairs under construction; empty values are left out. */
struct said {
	struct log_pair pairs[PAIRS_MAX];
	size_t n;
	char numbers[5][24];
	size_t n_numbers;
};

static void say(struct said *said, const char *key, const char *value)
{
	if (*value && said->n < PAIRS_MAX)
		said->pairs[said->n++] = (struct log_pair){key, value};
}

static void say_number(struct said *said, const char *key, uint64_t value)
{
	char *text = said->numbers[said->n_numbers++];

	(void)snprintf(text, sizeof said->numbers[0], "%" PRIu64, value);
	say(said, key, text);
}

static void say_event(struct said *said, const struct store_event *event, char invocation[24])
{
	(void)snprintf(invocation, 24, "%016" PRIx64, event->invocation);
	say(said, "event", event->kind);
	say(said, "instance", event->name);
	if (event->generation > 0)
		say_number(said, "generation", event->generation);
	say(said, "user", event->user);
	say(said, "status", event->status ? wat_status_name(event->status) : "");
	say(said, "why", event->detail);
	if (event->count > 1)
		say_number(said, "count", event->count);
	if (event->invocation)
		say(said, "invocation", invocation);
	say(said, "address", event->address);
	if (event->has_peer) {
		say_number(said, "uid", event->uid);
		say_number(said, "pid", (uint64_t)event->pid);
	}
}

static void on_event(void *arg, int r, const struct store_event *event)
{
	const struct kind *kind = kind_of(event);
	struct said said = {.n = 0};
	char invocation[24];

	if (r == 0)
		node_events_notice(arg);
	/* What was to become true did not: its own way says so. */
	if (r < 0 && !event->stands)
		return;
	say_event(&said, event, invocation);
	say(&said, "help", kind->help);
	if (r < 0)
		say(&said, "stored", "no");
	log_write_pairs(kind->level, kind->sentence, said.pairs, said.n);
}

static void on_held_long_enough(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	audit_flush(arg);
}

int audit_init(struct node *node)
{
	store_observe_events(node->store, on_event, node);
	node->held_over = evtimer_new(node->base, on_held_long_enough, node);
	return node->held_over ? 0 : -ENOMEM;
}

void audit_deinit(struct node *node)
{
	if (node->store)
		audit_flush(node);
	if (node->held_over)
		event_free(node->held_over);
	node->held_over = NULL;
}

void audit_record_event(struct node *node, const struct store_event *event)
{
	struct store_txn *txn = store_txn_new();
	struct store_event standing = *event;

	standing.stands = true;
	if (txn && store_txn_add_event(txn, &standing) == 0)
		store_submit(node->store, txn, NULL, NULL);
	else {
		store_txn_free(txn);
		on_event(node, -1, &standing);
	}
}

void audit_flush(struct node *node)
{
	if (node->held)
		store_submit(node->store, TAKE(node->held), NULL, NULL);
	node->n_held = 0;
}

void audit_record_later(struct node *node, const struct audit *what)
{
	static const struct timeval pause = {.tv_sec = 1};
	struct store_event event;

	audit_event(what, &event);
	event.stands = true;
	if (!node->held) {
		node->held = store_txn_new();
		if (node->held)
			(void)evtimer_add(node->held_over, &pause);
	}
	if (!node->held || store_txn_add_event(node->held, &event) < 0)
		on_event(node, -1, &event);
	else if (++node->n_held >= HELD_MAX)
		audit_flush(node);
}

void audit_record(struct node *node, const struct audit *what)
{
	struct store_event event;

	audit_event(what, &event);
	audit_record_event(node, &event);
}
