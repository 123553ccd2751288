/* desk.c - a watd with the plugin guest. */
#include "tests/scenario/desk.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

void desk_connect(struct desk *d)
{
	assert_int_equal(wat_connect(d->daemon.admin_socket, &d->admin_side), 0);
	assert_int_equal(wat_connect(d->daemon.socket, &d->user_side), 0);
	assert_int_equal(wat_node_open(d->admin_side, &d->node), 0);
}

void desk_disconnect(struct desk *d)
{
	d->node = wat_node_free(d->node);
	wat_free(d->user_side);
	wat_free(d->admin_side);
	d->user_side = d->admin_side = NULL;
}

int desk_set_up(void **state)
{
	struct desk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	test_daemon_init(&d->daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&d->daemon);
	desk_connect(d);
	*state = d;
	return 0;
}

int desk_tear_down(void **state)
{
	struct desk *d = *state;

	desk_disconnect(d);
	test_daemon_deinit(&d->daemon);
	free(d);
	return 0;
}

int desk_spawn(struct desk *d, uint32_t tier, const guest_desk_state *state, guest_desk_admin **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;

	spawn.tier = tier;
	return guest_desk_spawn(d->node, "d1", &spawn, state, ret);
}

guest_desk_admin *desk_spawned(struct desk *d, uint32_t tier, const guest_desk_state *state)
{
	guest_desk_admin *admin = NULL;

	if (desk_spawn(d, tier, state, &admin) != 0)
		fail_msg("spawn: %s", wat_failure()->text);
	return admin;
}

int desk_provision(guest_desk_admin *admin, const char *name, uint32_t flags, char **ret_token)
{
	struct wat_grant grant = WAT_GRANT_INIT;

	grant.name = name;
	grant.flags = flags;
	return wat_provision_raw((wat_capability *)admin, &grant, ret_token);
}

guest_desk_user *desk_open(struct desk *d, const char *token)
{
	guest_desk_user *user = NULL;

	if (guest_desk_user_open(d->user_side, token, &user) != 0)
		fail_msg("open: %s", wat_failure()->text);
	return user;
}

guest_desk_user *desk_user(struct desk *d, guest_desk_admin *admin, const char *name)
{
	guest_desk_user *user;
	char *token = NULL;

	if (desk_provision(admin, name, 0, &token) != 0)
		fail_msg("provision: %s", wat_failure()->text);
	user = desk_open(d, token);
	wat_memory_free(token);
	return user;
}

static void assert_list(char *const *events, size_t n, va_list expected)
{
	const char *next;
	size_t i = 0;

	while ((next = va_arg(expected, const char *))) {
		if (i == n)
			fail_msg("event %zu is missing: %s", i, next);
		assert_string_equal(events[i++], next);
	}
	if (i < n)
		fail_msg("one more event: %s", events[i]);
}

void desk_assert_events(guest_desk_user *user, ...)
{
	guest_events *seen = NULL;
	va_list expected;

	if (guest_desk_seen(user, NULL, &seen) != 0)
		fail_msg("seen: %s", wat_failure()->text);
	va_start(expected, user);
	assert_list(seen->events, seen->n_events, expected);
	va_end(expected);
	guest_events_free(seen);
}

void desk_assert_final(guest_desk_state *state, ...)
{
	va_list expected;

	va_start(expected, state);
	assert_list(state->events, state->n_events, expected);
	va_end(expected);
	guest_desk_state_free(state);
}

void desk_wait_events(guest_desk_user *user, size_t n)
{
	for (size_t found = 0; found < n; (void)sched_yield()) {
		guest_events *seen = NULL;

		if (guest_desk_seen(user, NULL, &seen) != 0)
			fail_msg("seen: %s", wat_failure()->text);
		found = seen->n_events;
		guest_events_free(seen);
	}
}
