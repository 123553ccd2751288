/* ctl.h - watctl against a real watd: what the tests of its commands share. */
#ifndef WAT_TESTS_CTL_H
#define WAT_TESTS_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/lib/daemon.h"
#include "tests/lib/cases.h"

extern struct test_daemon the_daemon;
extern struct test_output out; /* of the last watctl */

#define WATCTL(...) test_watctl(&the_daemon, &out, __VA_ARGS__, NULL)

/* Fixtures: a watd with the built plugins, or with those of the tests. */
int ctl_start(void **state);
int ctl_start_with_test_plugins(void **state);
/* The built ones and drift.so, which is deterministic, by the configuration. */
int ctl_start_with_drift(void **state);
int ctl_end(void **state);

void assert_ends(int code, const char *said);
void assert_prints(const char *text);
/* stdout is one JSON document, whatever the outcome. */
json_t *document(void);
void assert_string(const json_t *object, const char *key, const char *expected);
void assert_number(const json_t *object, const char *key, json_int_t expected);

/* A watctl that goes on, its stdout to be read line by line. */
struct ctl_running {
	pid_t pid;
	FILE *lines;
};
void ctl_run(struct ctl_running *running, const char *const *arguments);
/* The next line as JSON; NULL at the end. */
json_t *ctl_next(struct ctl_running *running);
/* SIGKILL, or what it ended with by itself: exit code, or -signal. */
int ctl_finish(struct ctl_running *running, bool kill_it);

#endif
