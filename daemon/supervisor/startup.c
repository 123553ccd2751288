/* startup.c - a list of starts, which is gone through whenever something has settled. Loop thread.
 */
#include "daemon/supervisor/startup.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/configured.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/notify.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

#define OVERDUE_S 5 /* how often a start that takes long says what it waits for */

enum phase { WAITS, UNDER_WAY, FAILED, OVER };

struct start {
	struct list link;
	struct node *node;
	char name[WAT_NAME_MAX + 1];
	bool resumes; /* the instance is there */
	enum phase phase;
	char *trouble; /* of FAILED */
};

void startup_init(struct startup *startup)
{
	*startup = (struct startup){0};
	list_init(&startup->starts);
}

static void start_free(struct start *start)
{
	list_remove(&start->link);
	free(start->trouble);
	free(start);
}

void startup_deinit(struct startup *startup)
{
	list_for_each_safe (i, &startup->starts) {
		start_free(container_of(i, struct start, link));
	}
	if (startup->overdue)
		event_free(startup->overdue);
	startup->overdue = NULL;
}

static struct start *find(const struct node *node, const char *name)
{
	list_for_each (i, &node->startup.starts) {
		struct start *start = container_of(i, struct start, link);

		if (strcmp(start->name, name) == 0)
			return start;
	}
	return NULL;
}

static void add(struct node *node, const char *name, bool resumes)
{
	struct start *start = calloc(1, sizeof *start);

	if (!start) {
		log_error("no memory to start an instance", "instance", name);
		return;
	}
	start->node = node;
	start->resumes = resumes;
	(void)snprintf(start->name, sizeof start->name, "%s", name);
	list_append(&node->startup.starts, &start->link);
}

/* Takes the text. */
static void fail(struct start *start, char *trouble)
{
	start->phase = FAILED;
	free(start->trouble);
	start->trouble = trouble;
	notify_changed(start->node);
	log_error("a configured instance was not started", "instance", start->name, "why",
		  trouble ? trouble : "no memory", "help", "watctl reload tries again");
}

static const struct config_section *section_of(const struct start *start)
{
	return config_find(start->node->options->config, CONFIG_INSTANCE, start->name);
}

static char *say(const struct start *start, const char *what)
{
	const struct config_section *section = section_of(start);
	char *text;

	if (!section)
		return strdup(what);
	return asprintf(&text, "%s:%u: [instance %s] %s", section->place.file, section->place.line,
			start->name, what) < 0
		       ? NULL
		       : text;
}

enum before { IS_READY, IS_PENDING, IS_DOWN };

/* How an instance stands that another one comes after. */
static enum before look_at(const struct node *node, const char *name, const char **ret_why)
{
	const struct start *start = find(node, name);
	const struct instance *instance = instance_table_by_name(&node->instances, name);

	*ret_why = "was not started";
	if (start && start->phase != OVER)
		return start->phase == FAILED ? IS_DOWN : IS_PENDING;
	if (!instance)
		return IS_DOWN;
	*ret_why = instance_state_name(instance->state);
	if (instance->state == INSTANCE_READY)
		return IS_READY;
	return instance_is_settled(instance) ? IS_DOWN : IS_PENDING;
}

static char *describe_down(const struct start *start, const char *name, const char *why)
{
	char text[512];

	(void)snprintf(text, sizeof text, "comes after %s, which %s%s", name,
		       strcmp(why, "was not started") == 0 ? "" : "is ", why);
	return say(start, text);
}

/* All that come before. *ret_trouble (heap): the first that is down. */
static enum before look_before(const struct start *start, char **ret_trouble)
{
	const struct config_section *section = section_of(start);
	const char *at = section ? config_text(section, INSTANCE_KEY_after) : NULL, *why;
	enum before worst = IS_READY;
	char name[VALUE_WORD_SIZE];

	while (at && value_next(&at, name, sizeof name)) {
		enum before one = look_at(start->node, name, &why);

		if (one == IS_PENDING)
			return IS_PENDING;
		if (one == IS_DOWN && worst != IS_DOWN)
			*ret_trouble = describe_down(start, name, why);
		if (one == IS_DOWN)
			worst = IS_DOWN;
	}
	return worst;
}

static void on_finished(void *arg,
			const struct operation *operation,
			wat_status status,
			const char *text)
{
	struct start *start = arg;
	char what[WAT_FAILURE_TEXT_MAX + 64];

	(void)operation;
	(void)snprintf(what, sizeof what, "%s: %s", wat_status_name((int)status), text);
	if (status == WAT_OK)
		start->phase = OVER;
	else
		fail(start, say(start, what));
	node_check_progress(start->node);
}

/* 0: it says nothing. */
static uint32_t durability_of(const struct config_section *section)
{
	const char *text = config_text(section, INSTANCE_KEY_durability);

	if (!text)
		return 0;
	if (strcmp(text, "none") == 0)
		return INSTANCE_NONE;
	return strcmp(text, "crash") == 0 ? INSTANCE_CRASH : INSTANCE_SYNC;
}

/* What the section says; false after the start has failed. */
static bool prepare(struct start *start, struct lifecycle_begin *begin, uint8_t **ret_state)
{
	const struct config_section *section = section_of(start);
	const struct catalog *catalog = &start->node->catalog;
	struct problems problems = {0};
	bool good = section && configured_service(catalog, start->node->options, section, &problems,
						  &begin->file, &begin->service);

	if (good)
		good = configured_state(begin->file, begin->service, section, &problems, NULL,
					ret_state, &begin->state_len);
	if (!good)
		fail(start, problems.n > 0 ? strdup(problems.texts[0]) : NULL);
	problems_deinit(&problems);
	if (!good)
		return false;
	if (strcmp(config_text(section, INSTANCE_KEY_tier), "thread") == 0)
		begin->tier = INSTANCE_THREAD;
	begin->durability = instance_durability(durability_of(section), begin->service);
	return true;
}

static void begin_new(struct start *start)
{
	struct lifecycle_begin begin = {.name = start->name, .tier = INSTANCE_PROCESS};
	_cleanup_(freep) uint8_t *state = NULL;
	struct operation *operation;

	if (!prepare(start, &begin, &state))
		return;
	operation = operation_own(start->node, ANSWER_OF_NODE(NODE_SPAWN), on_finished, start);
	if (!operation) {
		fail(start, NULL);
		return;
	}
	log_info("a configured instance is begun", "instance", start->name, "service",
		 begin.service->name);
	begin.state = state;
	lifecycle_begin(operation, &begin);
}

static void resume(struct start *start)
{
	struct instance *instance = instance_table_by_name(&start->node->instances, start->name);

	start->phase = OVER;
	if (!instance || !instance->waits)
		return;
	instance->waits = false;
	log_info("an instance is resumed", "instance", start->name, "service", instance->service);
	lifecycle_resume(instance);
}

static void consider(struct start *start)
{
	_cleanup_(freep) char *trouble = NULL;
	enum before before = look_before(start, &trouble);

	/* Somebody began one of this name meanwhile: it is left as it is. */
	if (!start->resumes && instance_table_by_name(&start->node->instances, start->name)) {
		start->phase = OVER;
		return;
	}
	if (before == IS_PENDING)
		return;
	start->phase = UNDER_WAY;
	if (before == IS_DOWN && !start->resumes) {
		fail(start, TAKE(trouble));
		return;
	}
	if (before == IS_DOWN)
		log_warning("an instance is resumed before what it comes after is up", "instance",
			    start->name, "why", trouble ? trouble : "");
	if (start->resumes)
		resume(start);
	else
		begin_new(start);
}

/* What one start does may settle another: it comes back here, and is gone through again. */
void startup_run(struct node *node)
{
	struct startup *startup = &node->startup;

	startup->again = true;
	if (startup->running)
		return;
	startup->running = true;
	while (startup->again) {
		startup->again = false;
		list_for_each_safe (i, &startup->starts) {
			struct start *start = container_of(i, struct start, link);
			enum phase was = start->phase;

			if (was == WAITS)
				consider(start);
			startup->again = startup->again || start->phase != was;
			if (start->phase == OVER)
				start_free(start);
		}
	}
	startup->running = false;
}

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (!instance->waits && !instance_is_settled(instance))
			log_warning("the start of watd waits for an instance", "instance",
				    instance->name, "state", instance_state_name(instance->state));
	}
}

static void watch_overdue(struct node *node)
{
	struct timeval overdue = {.tv_sec = OVERDUE_S};

	node->startup.overdue = event_new(node->base, -1, EV_PERSIST, on_overdue, node);
	if (!node->startup.overdue || event_add(node->startup.overdue, &overdue) < 0)
		log_warning("no memory to say what a long start waits for");
}

void startup_begin(struct node *node)
{
	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		if (instance->state != INSTANCE_STARTING)
			continue;
		instance->waits = true;
		add(node, instance->name, true);
	}
	watch_overdue(node);
	startup_add(node);
}

void startup_add(struct node *node)
{
	list_for_each_safe (i, &node->startup.starts) {
		struct start *start = container_of(i, struct start, link);

		if (start->phase == FAILED)
			start_free(start);
	}
	config_for_each (section, node->options->config, CONFIG_INSTANCE) {
		if (!instance_table_by_name(&node->instances, section->name) &&
		    !find(node, section->name))
			add(node, section->name, false);
	}
}

void startup_cancel(struct node *node)
{
	list_for_each_safe (i, &node->startup.starts) {
		struct start *start = container_of(i, struct start, link);

		if (start->phase == WAITS)
			start->phase = OVER;
	}
}

bool startup_is_under_way(const struct node *node, const char *name)
{
	const struct start *start = find(node, name);

	return start && (start->phase == WAITS || start->phase == UNDER_WAY);
}

bool startup_is_over(const struct node *node)
{
	list_for_each (i, &node->startup.starts) {
		enum phase phase = container_of(i, struct start, link)->phase;

		if (phase == WAITS || phase == UNDER_WAY)
			return false;
	}
	return true;
}

const char *startup_trouble(const struct node *node, const struct list **at)
{
	const struct list *starts = &node->startup.starts;

	*at = *at ? (*at)->next : starts->next;
	for (; *at != starts; *at = (*at)->next) {
		const struct start *start = container_of(*at, struct start, link);

		if (start->phase == FAILED)
			return start->trouble ? start->trouble : "no memory";
	}
	return NULL;
}
