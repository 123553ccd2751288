/* grant_times.c - the clock of grants. Loop thread. */
#include "daemon/supervisor/grant_times.h"

#include <event2/event.h>
#include <stdio.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/lines.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/user_end.h"
#include "proto/support/cleanup.h"
#include "proto/token.h"

#define USED_EVERY_S 3600u
#define TROUBLES_MAX 8u
#define LOOK_AGAIN_S 60u /* at the latest: clocks jump */

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

bool grant_times_is_soon(const struct store_grant *row, uint64_t now)
{
	return row->state == 2 && row->not_after > now && row->not_after - now <= GRANT_SOON_S &&
	       row->not_after - row->not_before > GRANT_SOON_S && !row->session && !row->configured;
}

/* When something is to be done for it. */
static uint64_t due_at(const struct store_grant *row, uint64_t now)
{
	struct store_grant then = *row;

	if (row->state != 2)
		return UINT64_MAX;
	then.not_after = now + GRANT_SOON_S;
	if (row->warned || row->not_after <= now + GRANT_SOON_S || !grant_times_is_soon(&then, now))
		return row->not_after;
	return row->not_after - GRANT_SOON_S;
}

static void set_timer(struct node *node)
{
	struct grant_times *times = &node->grant_times;
	uint64_t now = node_time(node), left = times->next > now ? times->next - now : 0;
	struct timeval timeout = {.tv_sec = (time_t)(left < LOOK_AGAIN_S ? left : LOOK_AGAIN_S)};

	if (times->next == UINT64_MAX || !times->timer)
		return;
	if (evtimer_add(times->timer, &timeout) < 0)
		log_error("no memory for the clock of grants; those that are over stay until the "
			  "next start, and can't be bound");
}

void grant_times_note(struct node *node, const struct store_grant *row)
{
	uint64_t at = due_at(row, node_time(node));

	if (at >= node->grant_times.next)
		return;
	node->grant_times.next = at;
	set_timer(node);
}

static void on_warned(void *arg, int r)
{
	(void)arg;
	if (r < 0)
		log_error("that a grant is nearly over was not stored; it is said again", "error",
			  lifecycle_store_error(r));
}

static void day_of(uint64_t unix_s, char text[static 32])
{
	time_t at = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&at, &tm) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
}

static int warn(struct node *node, struct grant *grant)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	char detail[96], day[32];
	const struct origin own = origin_new(node);
	const struct audit soon = {
		.kind = AUDIT_EXPIRES_SOON,
		.origin = &own,
		.instance = grant->instance,
		.grant = &grant->row,
		.detail = detail,
	};
	int r;

	if (!txn)
		return -ENOMEM;
	day_of(grant->row.not_after, day);
	(void)snprintf(detail, sizeof detail, "%s, until %s",
		       grant->row.role == TOKEN_ADMIN ? "Admin" : "User", day);
	grant->row.warned = true;
	if ((r = store_txn_put_grant(txn, &grant->row)) < 0 || (r = audit_add(txn, &soon)) < 0) {
		grant->row.warned = false;
		return r;
	}
	store_submit(node->store, TAKE(txn), on_warned, NULL);
	return 0;
}

static void look(struct node *node, struct grant *grant, uint64_t now)
{
	const struct instance *instance = grant->instance;

	if (grant->row.state != 2 || instance_is_over(instance) || node->suspending)
		return;
	if (grant->row.not_after <= now && grant->row.role == TOKEN_USER)
		user_end(node, grant, NULL, "its time is over");
	else if (grant->row.not_after <= now)
		admin_end(node, grant, "Admin; its time is over");
	else if (!grant->row.warned && grant_times_is_soon(&grant->row, now) &&
		 warn(node, grant) < 0)
		log_error("no memory to say that a grant is nearly over", "user", grant->row.user);
}

/* What is over and could not be ended yet is looked at again. */
static uint64_t look_at_all(struct node *node)
{
	uint64_t now = node_time(node), next = UINT64_MAX;

	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		list_for_each_safe (j, &instance->grants) {
			struct grant *grant = container_of(j, struct grant, of_instance);
			uint64_t at;

			look(node, grant, now);
			at = due_at(&grant->row, now);
			if (at < next)
				next = at;
		}
	}
	return next;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;

	(void)fd;
	(void)what;
	node->grant_times.next = look_at_all(node);
	/* Once a second at most, whatever can't be done now. */
	if (node->grant_times.next <= node_time(node))
		node->grant_times.next = node_time(node) + 1;
	set_timer(node);
	notify_changed(node);
}

void grant_times_begin(struct node *node)
{
	node->grant_times.timer = evtimer_new(node->base, on_time, node);
	node->grant_times.next = node_time(node);
	if (!node->grant_times.timer)
		log_error("no memory for the clock of grants");
	set_timer(node);
}

void grant_times_deinit(struct node *node)
{
	if (node->grant_times.timer)
		event_free(node->grant_times.timer);
	node->grant_times.timer = NULL;
}

static void on_used(void *arg, int r)
{
	(void)arg;
	if (r < 0)
		log_warning("when grants were used last was not stored", "error",
			    lifecycle_store_error(r));
}

static int store_used(struct node *node, struct grant *grant)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	int r = txn ? store_txn_used_grant(txn, grant->row.id, grant->row.last_used) : -ENOMEM;

	if (r < 0)
		return r;
	grant->used_stored = grant->row.last_used;
	grant->used_unstored = false;
	store_submit(node->store, TAKE(txn), on_used, NULL);
	return 0;
}

void grant_times_used(struct node *node, struct grant *grant)
{
	grant->row.last_used = node_time(node);
	grant->used_unstored = true;
	if (grant->row.last_used - grant->used_stored >= USED_EVERY_S)
		/* Without memory it is the next time. */
		(void)store_used(node, grant);
}

void grant_times_store_used(struct node *node)
{
	list_for_each (i, &node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		list_for_each (j, &instance->grants) {
			struct grant *grant = container_of(j, struct grant, of_instance);

			if (grant->used_unstored)
				(void)store_used(node, grant);
		}
	}
}

static void add_trouble(const struct grant *grant, struct lines *ret)
{
	const struct instance *instance = grant->instance;
	char day[32];

	day_of(grant->row.not_after, day);
	if (grant->row.role == TOKEN_ADMIN)
		lines_add(ret, "an Admin of %s ends at %s (watctl admin %s makes another)",
			  instance->name, day, instance->name);
	else
		lines_add(ret, "the User %s of %s ends at %s (watctl renew %s %s)", grant->row.user,
			  instance->name, day, instance->name, grant->row.user);
}

void grant_times_troubles(const struct node *node, struct lines *ret)
{
	size_t n = 0;

	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		list_for_each (j, &instance->grants) {
			const struct grant *grant = container_of(j, struct grant, of_instance);

			if (!instance_is_over(instance) &&
			    grant_times_is_soon(&grant->row, node->last_time) && n++ < TROUBLES_MAX)
				add_trouble(grant, ret);
		}
	}
	if (n > TROUBLES_MAX)
		lines_add(ret, "%zu more Users and Admins end within a week (watctl users NAME)",
			  n - TROUBLES_MAX);
}
