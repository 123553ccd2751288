/* door.h - by which door a test's clients come to watd: $WAT_TEST_DOOR is tcp, plain (TCP without
 * encryption) or gate (gate.sock); without it they use watd.sock. */
#ifndef WAT_TESTS_DOOR_H
#define WAT_TESTS_DOOR_H

#include <stddef.h>

#include "tests/lib/daemon.h"

#define DOOR_ARGUMENTS_MAX 6

/* What watd is started with to have that door, closed by NULL. A port is the same at each start of
 * a daemon. The texts live in the daemon. */
void door_arguments(struct test_daemon *daemon, const char *ret[static DOOR_ARGUMENTS_MAX + 1]);
/* A port of 127.0.0.1 that nobody has, and that the kernel gives to nobody who connects: it is
 * still free when watd is started again. */
unsigned door_free_port(void);
/* Once it is ready: daemon->socket becomes the address of the door. */
void door_open(struct test_daemon *daemon);

#endif
