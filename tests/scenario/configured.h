/* configured.h - a watd with a configuration, for the tests of it. */
#ifndef WAT_TESTS_CONFIGURED_H
#define WAT_TESTS_CONFIGURED_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

/* A watd with the built plugins that was not started; `conf` is its directory of configuration. */
struct configured {
	struct test_daemon daemon;
	char conf[80];
	struct test_output out; /* of the last program */
};

/* Both as cmocka fixtures; *state is the struct configured. */
int configured_set_up(void **state);
int configured_tear_down(void **state);
#define CONFIGURED_CASE(test) \
	cmocka_unit_test_setup_teardown(test, configured_set_up, configured_tear_down)

/* Writes conf/NAME anew; in the text each @ becomes the daemon's directory. */
void configured_write(struct configured *c, const char *name, const char *text);
/* Appends to conf/watd.conf. */
void configured_append(struct configured *c, const char *text);
/* watd.conf is `text`, and watd is started; returns when it is ready. */
void configured_start(struct configured *c, const char *text);

/* watctl with the arguments (NULL-terminated): ends with the code. */
#define WATCTL(c, ...) test_watctl(&(c)->daemon, &(c)->out, __VA_ARGS__, NULL)
void assert_code(const struct configured *c, int code);
void assert_out(const struct configured *c, const char *text);
void assert_err(const struct configured *c, const char *text);

/* The log begins anew; while watd does not run. */
void forget_log(const struct configured *c);
/* The first line with `earlier` stands before the first one with `later`. */
void assert_logged_before(const struct configured *c, const char *earlier, const char *later);
/* Waits until watd tells whoever started it something with the text. */
void wait_told(struct configured *c, const char *text);
/* Asks until `watctl show NAME` says so. */
void wait_state(struct configured *c, const char *name, const char *state);

/* A file of the daemon's directory. */
void read_text(const struct configured *c, const char *name, char *ret_text, size_t size);
bool is_there(const struct configured *c, const char *name);
/* A call of a method with the token in a file of the daemon's directory: the exit code. */
int call_by_file(struct configured *c, const char *instance, const char *method, const char *file);
/* How many Users watctl shows. */
size_t count_users(struct configured *c, const char *instance);

#endif
