/* reload.c - reading the configuration again: read and check -> compare -> apply -> wait until what
 * begins has settled -> tell. Loop thread. */
#include "daemon/supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.pb-c.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/config_diff.h"
#include "daemon/supervisor/configured.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/policy.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

/* One that was applied and is not told yet. */
struct reload {
	struct list link; /* node->reloads */
	struct node *node;
	struct operation *operation; /* NULL: a signal */
	struct reload_report report;
};

void reload_report_deinit(struct reload_report *report)
{
	lines_deinit(&report->changes);
	lines_deinit(&report->needs_restart);
	lines_deinit(&report->errors);
}

static bool exists(const void *arg, const char *name)
{
	const struct node *node = arg;

	return instance_table_by_name(&node->instances, name) != NULL;
}

static void take_problems(const struct problems *problems, struct lines *errors)
{
	for (size_t i = 0; i < problems->n; i++)
		lines_add(errors, "%s", problems->texts[i]);
	if (problems->n_more > 0)
		lines_add(errors, "and %zu more", problems->n_more);
}

/* The files as they are now, and what would be different. ret is to be deinitialised in any case.
 */
static void look(struct node *node, struct options *ret, struct reload_report *report)
{
	struct problems problems = {0};
	int r = options_read_again(node->options, &problems, ret);

	if (r == 0)
		r = configured_check(ret, exists, node, &problems, NULL);
	take_problems(&problems, &report->errors);
	problems_deinit(&problems);
	if (r < 0)
		lines_add(&report->errors, "the configuration can't be read: %s", strerror(-r));
	else if (report->errors.n == 0)
		config_diff(node, ret, &report->changes, &report->needs_restart);
}

void reload_look(struct node *node, struct reload_report *ret)
{
	struct options fresh = {0};

	look(node, &fresh, ret);
	options_deinit(&fresh);
}

/* The running options take what may change. */
static void take(struct node *node, struct options *fresh)
{
	struct options *running = node->options;
	struct config *config = running->config;

	if (fresh->level != running->level)
		log_set_level(fresh->level);
	for (unsigned i = 0; i < WATD_KEYS_N; i++) {
		char **from = options_field(fresh, (enum watd_key)i);
		char **to = options_field(running, (enum watd_key)i), *old = *to;

		if (config_types[CONFIG_WATD].keys[i].applied != CONFIG_RELOAD)
			continue;
		*to = *from;
		*from = old;
	}
	running->level = fresh->level;
	running->limits = fresh->limits;
	running->config = fresh->config;
	fresh->config = config;
}

/* Looked at a moment ago: if they have gone since, those of before stay. */
static void take_keys(struct node *node)
{
	char text[PLUGIN_TRUST_TEXT_MAX];

	if (plugin_trust_load(&node->trust, node->options->plugin_keys,
			      options_require_signed(node->options), text) < 0)
		log_error("the keys of the plugins stay what they were", "why", text);
}

static void apply(struct node *node, struct options *fresh)
{
	int r;

	take(node, fresh);
	gate_tell_limits(node->gate);
	take_keys(node);
	r = catalog_scan(&node->catalog, node->options->plugin_dir, node->options->config);
	if (r < 0)
		log_warning("the plugin directory can't be read", "path", node->options->plugin_dir,
			    "error", strerror(-r));
	policy_take_all(node);
	if (groups_take(node) < 0)
		log_error("no memory for the groups of the configuration", "help",
			  "watctl reload tries again");
	startup_add(node);
	grant_files_update(node);
}

static void log_report(const struct reload_report *report)
{
	for (size_t i = 0; i < report->errors.n; i++)
		log_error("the configuration is not good, and nothing was changed", "what",
			  report->errors.texts[i]);
	for (size_t i = 0; i < report->changes.n; i++)
		log_info("the configuration is different", "what", report->changes.texts[i]);
	for (size_t i = 0; i < report->needs_restart.n; i++)
		log_warning("the configuration is different, but this needs a restart", "what",
			    report->needs_restart.texts[i]);
}

/* Before watd is ready nobody waits for a reload. */
static void tell_reloading(struct node *node)
{
	if (node->ready)
		notify_reloading(node);
}

static void tell_reloaded(struct node *node)
{
	if (node->ready)
		notify_ready(node);
}

static struct reload *reload_new(struct node *node,
				 struct operation *operation,
				 struct reload_report *report)
{
	struct reload *reload = calloc(1, sizeof *reload);

	if (!reload)
		return NULL;
	reload->node = node;
	reload->operation = operation;
	reload->report = *report;
	*report = (struct reload_report){0};
	list_append(&node->reloads, &reload->link);
	return reload;
}

static void note(struct node *node,
		 const struct operation *operation,
		 const struct reload_report *report)
{
	struct origin by_signal = origin_new(node);
	char detail[128];
	const struct audit reloaded = {
		.kind = AUDIT_RELOAD,
		.origin = operation ? &operation->origin : &by_signal,
		.status = report->errors.n > 0 ? WAT_INVALID_ARGUMENT : WAT_OK,
		.detail = detail,
	};

	(void)snprintf(detail, sizeof detail, "%zu changes, %zu need a restart, %zu mistakes",
		       report->changes.n, report->needs_restart.n, report->errors.n);
	audit_record(node, &reloaded);
}

bool reload_run(struct node *node, struct operation *operation, struct reload_report *ret)
{
	struct options fresh = {0};

	tell_reloading(node);
	look(node, &fresh, ret);
	log_report(ret);
	note(node, operation, ret);
	if (ret->errors.n == 0 && !reload_new(node, operation, ret))
		lines_add(&ret->errors, "no memory to reload; nothing was changed");
	if (ret->errors.n > 0) {
		options_deinit(&fresh);
		tell_reloaded(node);
		return false;
	}
	apply(node, &fresh);
	options_deinit(&fresh);
	node_check_progress(node);
	return true;
}

void node_troubles(const struct node *node, struct lines *ret)
{
	const struct list *at = NULL;
	const char *text;
	int error;
	unsigned n = store_unfolded(node->store, &error);

	if (n > 0)
		lines_add(ret,
			  "the database's log can't be folded into it and grows: %s, %u times in a "
			  "row (look at the disk of %s)",
			  strerror(-error), n, node->options->state_dir);
	if (node->nospace)
		lines_add(ret,
			  "the disk of %s is full: what changes something is refused (free some of "
			  "it; watd notices by itself)",
			  node->options->state_dir);
	if (node->damage)
		lines_add(ret, "%s (watd --restore FILE goes back to a backup)", node->damage);
	while ((text = startup_trouble(node, &at)))
		lines_add(ret, "%s", text);
	at = NULL;
	while ((text = grant_files_trouble(node, &at)))
		lines_add(ret, "%s", text);
	grant_times_troubles(node, ret);
}

static void on_stored(void *arg, int r)
{
	struct operation *operation = arg;

	/* It is done, whether or not the store remembers. */
	if (r < 0)
		log_error("a reload is not in the database", "error", lifecycle_store_error(r));
	operation_conclude(operation);
}

static int commit(struct operation *operation, const ProtobufCMessage *reply)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	int r;

	if (!txn)
		return -ENOMEM;
	r = operation_decide(operation, reply, txn);
	if (r < 0)
		return r;
	store_submit(operation->node->store, TAKE(txn), on_stored, operation);
	return 0;
}

static void answer(struct operation *operation, const struct reload_report *report)
{
	Wat__Node__ReloadReply reply = WAT__NODE__RELOAD_REPLY__INIT;
	struct lines troubles = {0};

	node_troubles(operation->node, &troubles);
	reply.changes = report->changes.texts;
	reply.n_changes = report->changes.n;
	reply.needs_restart = report->needs_restart.texts;
	reply.n_needs_restart = report->needs_restart.n;
	reply.troubles = troubles.texts;
	reply.n_troubles = troubles.n;
	if (commit(operation, &reply.base) < 0)
		operation_fail(operation, WAT_OVERLOADED, NULL,
			       "the configuration was reloaded, but there is no memory to say how");
	lines_deinit(&troubles);
}

/* In the order of the reloads. */
void reload_check(struct node *node)
{
	struct list *first;

	if (list_empty(&node->reloads) || !startup_is_over(node) || !grant_files_are_settled(node))
		return;
	while ((first = list_first(&node->reloads))) {
		struct reload *reload = container_of(first, struct reload, link);

		list_remove(first);
		if (reload->operation)
			answer(reload->operation, &reload->report);
		reload_report_deinit(&reload->report);
		free(reload);
	}
	log_info("the configuration was reloaded");
	tell_reloaded(node);
}
