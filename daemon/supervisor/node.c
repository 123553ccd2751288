/* node.c - one watd: opening and closing everything, signals, readiness, the orderly end. Loop
 * thread. */
#include "daemon/supervisor/confinement.h"
#include "daemon/supervisor/ending.h"
#include "daemon/supervisor/node.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/backup.h"
#include "daemon/supervisor/denials.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/journal_files.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/listener.h"
#include "daemon/supervisor/lock.h"
#include "daemon/supervisor/node_audit.h"
#include "daemon/supervisor/node_load.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/nospace.h"
#include "daemon/supervisor/stuck.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/owner.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/restore.h"
#include "daemon/supervisor/session.h"
#include "daemon/supervisor/sockets.h"
#include "daemon/supervisor/user_end.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

uint64_t node_time(struct node *node)
{
	uint64_t now = clock_unix_s();

	if (now > node->last_time)
		node->last_time = now;
	return node->last_time;
}

const uint8_t *node_id(const struct node *node)
{
	return store_node_id(node->store);
}

static enum verify_instance find_instance(void *arg,
					  const uint8_t id[16],
					  uint32_t *ret_epoch,
					  uint64_t *ret_interface_hash)
{
	struct node *node = arg;
	const struct instance *instance = instance_table_by_id(&node->instances, id);

	if (!instance)
		return instance_table_is_ended(&node->instances, id) ? VERIFY_INSTANCE_EARLIER
								     : VERIFY_INSTANCE_UNKNOWN;
	*ret_epoch = instance->epoch;
	*ret_interface_hash = instance->interface_hash;
	return VERIFY_INSTANCE_FOUND;
}

void node_verify_context(struct node *node, struct verify *ret_verify)
{
	*ret_verify = (struct verify){
		.keyring = node->keyring,
		.grants = node->grants,
		.node_id = node_id(node),
		.now = node_time(node),
		.find_instance = find_instance,
		.arg = node,
	};
}

int node_mint(struct node *node,
	      const struct instance *instance,
	      int role,
	      const char *user,
	      const uint8_t holder_pk[32],
	      uint64_t method_mask,
	      uint64_t not_after,
	      struct store_grant *ret_row,
	      uint8_t ret_token[])
{
	uint64_t now = node_time(node);
	struct token token = {
		.role = (uint8_t)role,
		.epoch = instance->epoch,
		.method_mask = method_mask,
		.interface_hash = instance->interface_hash,
		.not_before = now,
		.not_after = not_after ? not_after : now + node->options->limits.grant_life_s,
	};
	struct store_grant row = {.role = role,
				  .state = 1,
				  .method_mask = method_mask,
				  .not_before = now,
				  .created = now};

	if (strlen(user) >= sizeof row.user)
		return -EINVAL;
	memcpy(token.node_id, node_id(node), 16);
	memcpy(token.instance_id, instance->id, 16);
	memcpy(token.holder_pk, holder_pk, 32);
	randombytes_buf(token.grant_id, sizeof token.grant_id);
	keyring_sign(node->keyring, &token);
	memcpy(row.id, token.grant_id, 16);
	memcpy(row.instance_id, instance->id, 16);
	memcpy(row.user, user, strlen(user) + 1);
	row.not_after = token.not_after;
	row.has_holder = row.has_kid = true;
	memcpy(row.holder_pk, holder_pk, sizeof row.holder_pk);
	memcpy(row.kid, token.kid, sizeof row.kid);
	token_hash(&token, row.th0);
	token_encode(&token, ret_token);
	*ret_row = row;
	row.state = 2;
	grant_times_note(node, &row);
	return 0;
}

void node_channel_count(struct host *host, const Wat__Host__ChannelCount *count)
{
	struct node *node = host->node;
	struct grant *grant = count->grant_id.len == 16
				      ? grant_table_find(node->grants, count->grant_id.data)
				      : NULL;
	const struct instance *instance = grant ? grant->instance : NULL;

	/* Of its own instances only. */
	if (!instance || instance->host != host)
		return;
	grant->channels = count->channels;
	if (grant->channels == 0 && grant->row.session && grant->row.state == 2)
		user_end(node, grant, NULL, "the session is over");
}

/* One that died at its start comes back, or is given up. */
static bool is_starting(const struct node *node)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (instance->state == INSTANCE_STARTING || instance->state == INSTANCE_BACKOFF)
			return true;
	}
	return false;
}

/* An instance that keeps watd from ending; NULL: none. */
static const struct instance *still_running(const struct node *node)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		if (instance->state != INSTANCE_SUSPENDED && instance->state != INSTANCE_STOPPED &&
		    !instance_is_given_up(instance))
			return instance;
	}
	return NULL;
}

static void tell_ready(struct node *node)
{
	char count[24];

	node->ready = true;
	if (node->startup.overdue)
		(void)event_del(node->startup.overdue);
	(void)snprintf(count, sizeof count, "%zu", node->instances.n);
	log_info("ready", "instances", count, "socket", listener_path(node->client));
	notify_ready(node);
}

static void end_pools(struct node *node)
{
	list_for_each_safe (i, &node->hosts) {
		struct host *host = container_of(i, struct host, link);

		if (host->pool)
			host_end(host);
	}
}

void node_check_progress(struct node *node)
{
	startup_run(node);
	if (!node->ready && !node->suspending && startup_is_over(node) && !is_starting(node) &&
	    grant_files_are_settled(node))
		tell_ready(node);
	reload_check(node);
	if (node->suspending) {
		ending_run(node);
		ending_release(node);
	}
	if (!node->suspending || still_running(node))
		return;
	end_pools(node);
	if (list_empty(&node->hosts) && gate_end(node->gate))
		(void)event_base_loopbreak(node->base);
}

static void on_overdue(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ending_overdue(arg);
}

static void suspend(struct node *node)
{
	if (node->suspending)
		return;
	node->suspending = true;
	node->end = origin_new(node);
	log_info("suspending: states are committed, capabilities stay");
	notify_stopping(node);
	grant_times_store_used(node);
	node->client = listener_free(node->client);
	node->admin = listener_free(node->admin);
	gate_stop_accepting(node->gate);
	ending_watch(node);
	startup_cancel(node);
	node_replays_end(node);
	ending_wake(node);
	node_check_progress(node);
}

static void on_terminate(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	suspend(arg);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;
	struct reload_report report = {0};

	(void)fd;
	(void)what;
	if (!node->suspending)
		(void)reload_run(node, NULL, &report);
	reload_report_deinit(&report);
}

static void on_stored(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	store_run_done(((struct node *)arg)->store);
}

static int add_event(struct event **field, struct event *event)
{
	*field = event;
	return event && event_add(event, NULL) == 0 ? 0 : -ENOMEM;
}

static int init_events(struct node *node)
{
	int r;

	if ((r = add_event(&node->stored, event_new(node->base, store_event_fd(node->store),
						    EV_READ | EV_PERSIST, on_stored, node))) < 0 ||
	    (r = add_event(&node->terminate,
			   evsignal_new(node->base, SIGTERM, on_terminate, node))) < 0 ||
	    (r = add_event(&node->interrupt,
			   evsignal_new(node->base, SIGINT, on_terminate, node))) < 0 ||
	    (r = add_event(&node->hangup, evsignal_new(node->base, SIGHUP, on_hangup, node))) < 0)
		return r;
	node->overdue = evtimer_new(node->base, on_overdue, node);
	if (!node->overdue)
		return -ENOMEM;
	r = node_wait_init(node);
	if (r == 0)
		r = node_logs_init(node);
	return r < 0 ? r : notify_init(node);
}

static int fail(int r, const char *what, const char *path)
{
	log_error(what, "path", path, "error", strerror(-r));
	return r;
}

static int init_state(struct node *node)
{
	const char *dir = node->options->state_dir;
	const char *key_dir;
	char pid[16], text[PLUGIN_TRUST_TEXT_MAX];
	int other = 0, r;

	r = make_directory(dir, 0700);
	if (r < 0)
		return fail(r, "the state directory can't be made", dir);
	r = lock_state_dir(dir, &node->lock_fd, &other);
	if (r == -EBUSY) {
		(void)snprintf(pid, sizeof pid, "%d", other);
		log_error("another watd has this state directory", "path", dir, "pid", pid);
		return r;
	}
	if (r < 0)
		return fail(r, "the state directory can't be written", dir);
	r = restore_check(dir);
	if (r < 0)
		return r;
	backup_sweep(dir);
	r = store_open(dir, &node->store, &node->damage);
	if (node->damage)
		log_error("the database was damaged", "what", node->damage, "help",
			  "watd --restore FILE goes back to a backup");
	if (r < 0)
		return fail(r, "the database can't be opened", dir);
	nospace_init(node);
	r = journal_files_init(dir, &node->journal_dir);
	if (r < 0)
		return fail(r, "the directory of the journals can't be made", dir);
	r = plugin_trust_load(&node->trust, node->options->plugin_keys,
			      options_require_signed(node->options), text);
	if (r < 0) {
		log_error("the keys of the plugins can't be used", "why", text);
		return r;
	}
	r = plugin_copies_init(&node->copies, dir);
	if (r < 0)
		return fail(r, "the directory of the plugins' copies can't be made", dir);
	node->last_time = store_last_time(node->store);
	node->last_connection = node->last_invocation = store_starts(node->store) << 40;
	node->start = origin_new(node);
	r = keyring_open(dir, getenv("CREDENTIALS_DIRECTORY"), &key_dir, &node->keyring);
	if (r < 0)
		return fail(r, "the issuing key can't be read", key_dir);
	node->grants = grant_table_new(grant_process_free);
	if (!node->grants)
		return -ENOMEM;
	r = node_load(node);
	if (r == 0)
		lifecycle_sweep_plugins(node);
	if (r == 0)
		r = denials_new(node, &node->denials);
	if (r == 0)
		r = overloads_new(node, &node->overloads);
	if (r == 0)
		r = audit_init(node);
	if (r == 0)
		r = store_start_thread(node->store);
	return r < 0 ? fail(r, "the database can't be read", dir) : 0;
}

int node_init(struct node *node, struct options *options)
{
	int r;

	*node = (struct node){.options = options,
			      .lifeline = {-1, -1},
			      .notify.socket.fd = -1,
			      .lock_fd = -1,
			      .journal_dir = -1,
			      .copies = {.fd = -1},
			      .calls_dir = -1,
			      .started_ms = clock_unix_ms()};
	instance_table_init(&node->instances);
	answers_init(&node->answers);
	list_init(&node->sessions);
	admission_init(&node->admission);
	list_init(&node->hosts);
	list_init(&node->operations);
	list_init(&node->reloads);
	startup_init(&node->startup);
	grant_files_init(&node->grant_files);
	groups_init(&node->groups);
	list_init(&node->waits);
	list_init(&node->readers);
	list_init(&node->log_readers);
	list_init(&node->asking);
	list_init(&node->replays);
	if (pipe2(node->lifeline, O_CLOEXEC) < 0)
		return fail(-errno, "no pipe", "");
	node->base = event_base_new();
	if (!node->base)
		return -ENOMEM;
	r = stuck_init(node);
	if (r == 0)
		r = init_state(node);
	if (r < 0)
		return r;
	r = catalog_scan(&node->catalog, options->plugin_dir, options->config);
	if (r < 0)
		log_warning("the plugin directory can't be read", "path", options->plugin_dir,
			    "error", strerror(-r));
	confinement_log(node);
	r = init_events(node);
	if (r == 0)
		r = sockets_open(node);
	if (r < 0)
		return r;
	r = keys_begin(node);
	if (r < 0)
		return r;
	node_note_start(node);
	grant_files_update(node);
	grant_times_begin(node);
	grant_process_begin(node);
	r = groups_take(node);
	if (r < 0)
		return r;
	groups_resume(node);
	startup_begin(node);
	owner_resume(node);
	node_check_progress(node);
	return 0;
}

int node_run(struct node *node)
{
	if (event_base_dispatch(node->base) < 0)
		return -EIO;
	return 0;
}

static void end_sessions(struct node *node)
{
	list_for_each_safe (i, &node->sessions) {
		struct session *session = container_of(i, struct session, link);

		session_go_away(session, WAT_UNAVAILABLE, "watd is going down");
		session_free(session);
	}
}

static void free_events(struct node *node)
{
	struct event **events[] = {&node->stored, &node->terminate, &node->interrupt, &node->hangup,
				   &node->overdue};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (*events[i])
			event_free(*events[i]);
	notify_deinit(node);
}

static void free_instances(struct node *node)
{
	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		list_for_each_safe (j, &instance->grants) {
			struct grant *grant = container_of(j, struct grant, of_instance);

			list_remove(j);
			grant_table_remove(node->grants, grant);
		}
	}
	instance_table_deinit(&node->instances);
}

void node_deinit(struct node *node)
{
	end_sessions(node);
	node->client = listener_free(node->client);
	node->admin = listener_free(node->admin);
	node->gate = gate_free(node->gate);
	/* The hosts of an end that is not orderly: the lifeline ends them. */
	for (int i = 0; i < 2; i++)
		fd_close(node->lifeline[i]);
	admission_deinit(&node->admission);
	node->overloads = overloads_free(node->overloads);
	node->denials = denials_free(node->denials);
	node_note_end(node);
	audit_deinit(node);
	nospace_deinit(node);
	stuck_deinit(node);
	node->backup = backup_free(node->backup);
	store_close(node->store);
	free(node->damage);
	startup_deinit(&node->startup);
	grant_files_deinit(&node->grant_files);
	grant_times_deinit(node);
	groups_deinit(&node->groups);
	keys_deinit(node);
	free_instances(node);
	node_wait_deinit(node);
	node_logs_deinit(node);
	free_events(node);
	answers_deinit(&node->answers);
	catalog_deinit(&node->catalog);
	grant_table_free(node->grants);
	keyring_free(node->keyring);
	if (node->base)
		event_base_free(node->base);
	fd_close(node->journal_dir);
	plugin_copies_deinit(&node->copies);
	plugin_trust_deinit(&node->trust);
	fd_close(node->calls_dir);
	fd_close(node->lock_fd);
}
