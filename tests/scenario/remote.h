/* remote.h - a watd that listens on TCP and on gate.sock, for the tests of the gate. */
#ifndef WAT_TESTS_REMOTE_H
#define WAT_TESTS_REMOTE_H

#include <sys/types.h>

#include "counter.client.h"
#include "probe.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

struct remote {
	struct test_daemon daemon;
	char address[96]; /* wat://KEY@127.0.0.1:PORT */
	char gate_socket[96];
	wat *admin_side;
	wat_node *node;
	counter_admin *admin; /* of "c1", a counter at 0 */
};

/* As cmocka fixtures; *state is the struct remote, with the counter. */
int remote_set_up(void **state);
/* Also insecure-loopback = yes, and few connections. */
int remote_set_up_open(void **state);
int remote_tear_down(void **state);
#define REMOTE_CASE(test) cmocka_unit_test_setup_teardown(test, remote_set_up, remote_tear_down)
#define REMOTE_OPEN_CASE(test) \
	cmocka_unit_test_setup_teardown(test, remote_set_up_open, remote_tear_down)

/* The next start is on the same port. */
void remote_configure(const struct remote *r);
/* Starts watd again, on the same port, and takes the node again. */
void remote_start_again(struct remote *r);
/* A new User's token; the caller frees it. */
char *remote_token(struct remote *r, const char *user);
/* The process of that watd's gate; -1: it has none. */
pid_t remote_find_gate(pid_t watd);
/* The process of the gate. */
pid_t remote_gate(const struct remote *r);
/* Until there is another one than before. */
void remote_wait_gate(const struct remote *r, pid_t before);
/* A User over a connection of its own, by the address; `wat` is freed after it. */
counter_user *remote_user(const char *address, const char *token, wat **ret);
int64_t remote_get(counter_user *user);

#endif
