/* desk.h - a watd with the plugin guest, and a desk in it whose handlers note what they see. */
#ifndef WAT_TESTS_DESK_H
#define WAT_TESTS_DESK_H

#include "guest.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

struct desk {
	struct test_daemon daemon;
	wat *admin_side, *user_side;
	wat_node *node;
};

/* Both as cmocka fixtures; *state is the struct desk. */
int desk_set_up(void **state);
int desk_tear_down(void **state);
/* Connections and node capability; before and after a restart of watd. */
void desk_connect(struct desk *d);
void desk_disconnect(struct desk *d);

/* Spawns guest.Desk "d1" with the state. */
int desk_spawn(struct desk *d,
	       uint32_t tier,
	       const guest_desk_state *state,
	       guest_desk_admin **ret);
guest_desk_admin *desk_spawned(struct desk *d, uint32_t tier, const guest_desk_state *state);

/* Provision; the User's handle is opened on the users' side. */
int desk_provision(guest_desk_admin *admin, const char *name, uint32_t flags, char **ret_token);
guest_desk_user *desk_user(struct desk *d, guest_desk_admin *admin, const char *name);
guest_desk_user *desk_open(struct desk *d, const char *token);

/* The events that the handlers noted are these, in order (NULL-terminated). */
void desk_assert_events(guest_desk_user *user, ...) __attribute__((sentinel));
/* The same of a final state, which is freed. */
void desk_assert_final(guest_desk_state *state, ...) __attribute__((sentinel));
/* Asks until the handlers noted n events: what they wait for is under way. */
void desk_wait_events(guest_desk_user *user, size_t n);

#define DESK_CASE(test) cmocka_unit_test_setup_teardown(test, desk_set_up, desk_tear_down)

#endif
