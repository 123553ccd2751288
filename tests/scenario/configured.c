/* configured.c - a watd with a configuration. */
#include "tests/scenario/configured.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int configured_set_up(void **state)
{
	struct configured *c = calloc(1, sizeof *c);

	assert_non_null(c);
	test_daemon_init(&c->daemon, NULL);
	snprintf(c->conf, sizeof c->conf, "%s/conf", c->daemon.dir);
	assert_int_equal(mkdir(c->conf, 0755), 0);
	*state = c;
	return 0;
}

int configured_tear_down(void **state)
{
	struct configured *c = *state;

	test_daemon_deinit(&c->daemon);
	free(c);
	return 0;
}

static void write_text(struct configured *c, const char *name, const char *mode, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", c->conf, name);
	file = fopen(path, mode);
	assert_non_null(file);
	for (; *text; text++)
		assert_true((*text == '@' ? fputs(c->daemon.dir, file) : fputc(*text, file)) >= 0);
	assert_int_equal(fclose(file), 0);
}

void configured_write(struct configured *c, const char *name, const char *text)
{
	write_text(c, name, "we", text);
}

void configured_append(struct configured *c, const char *text)
{
	write_text(c, "watd.conf", "ae", text);
}

void configured_start(struct configured *c, const char *text)
{
	configured_write(c, "watd.conf", text);
	test_daemon_start(&c->daemon);
}

void assert_code(const struct configured *c, int code)
{
	if (c->out.code != code)
		fail_msg("exit code %d: %s%s", c->out.code, c->out.out, c->out.err);
}

void assert_out(const struct configured *c, const char *text)
{
	if (!strstr(c->out.out, text))
		fail_msg("expected \"%s\", got: %s%s", text, c->out.out, c->out.err);
}

void assert_err(const struct configured *c, const char *text)
{
	if (!strstr(c->out.err, text))
		fail_msg("expected \"%s\", got: %s", text, c->out.err);
}

void forget_log(const struct configured *c)
{
	char path[128];

	snprintf(path, sizeof path, "%s/log", c->daemon.dir);
	assert_int_equal(unlink(path), 0);
}

void assert_logged_before(const struct configured *c, const char *earlier, const char *later)
{
	size_t a = test_daemon_log_line(&c->daemon, earlier);
	size_t b = test_daemon_log_line(&c->daemon, later);

	if (a == 0 || b == 0 || a >= b)
		fail_msg("\"%s\" is on line %zu, \"%s\" on line %zu", earlier, a, later, b);
}

void wait_told(struct configured *c, const char *text)
{
	char said[1024];

	assert_true(test_daemon_told(&c->daemon, text, said, sizeof said));
}

void wait_state(struct configured *c, const char *name, const char *state)
{
	char text[64];

	snprintf(text, sizeof text, "\"state\":\"%s\"", state);
	do {
		(void)sched_yield();
		WATCTL(c, "-j", "show", name);
	} while (!strstr(c->out.out, text));
}

static void path_of(const struct configured *c, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", c->daemon.dir, name);
}

void read_text(const struct configured *c, const char *name, char *ret_text, size_t size)
{
	char path[128];
	FILE *file;
	size_t n;

	path_of(c, name, path, sizeof path);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(ret_text, 1, size - 1, file);
	ret_text[n] = '\0';
	fclose(file);
}

bool is_there(const struct configured *c, const char *name)
{
	char path[128];

	path_of(c, name, path, sizeof path);
	return access(path, F_OK) == 0;
}

int call_by_file(struct configured *c, const char *instance, const char *method, const char *file)
{
	char path[128];

	path_of(c, file, path, sizeof path);
	WATCTL(c, "call", instance, method, "--token", path);
	return c->out.code;
}

size_t count_users(struct configured *c, const char *instance)
{
	size_t n = 0;

	WATCTL(c, "-j", "users", instance);
	assert_code(c, 0);
	for (const char *at = c->out.out; (at = strstr(at, "\"grant\"")); at++)
		n++;
	return n;
}
