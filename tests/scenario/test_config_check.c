/* test_config_check.c - watd --check-config: every mistake by file and line, all of a run, and
 * nothing of a running watd's is touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/scenario/configured.h"

#define PLUGINS WAT_BUILD_DIR "/tests/plugins"
#define COUNTER "[plugin counter]\nfile = " WAT_BUILD_DIR "/plugins/counter.so\n"

static void check(struct configured *c)
{
	test_watd(&c->daemon, &c->out, "--check-config", "--plugin-dir", PLUGINS, NULL);
}

/* One line on stderr: the file, then what is expected of it. */
static void assert_refused(struct configured *c, const char *expected)
{
	char line[2048], got[1024];
	size_t n = strlen(c->conf);

	check(c);
	assert_code(c, 78);
	snprintf(line, sizeof line, "%s/watd.conf:%s", c->conf, expected);
	snprintf(got, sizeof got, "%.1000s", c->out.err);
	if (strncmp(got, line, strlen(line)) != 0 || strncmp(got, c->conf, n) != 0 ||
	    strchr(got, '\n') != got + strlen(got) - 1)
		fail_msg("expected %s\ngot %s", line, got);
}

/* What needs plugins, files and groups to be seen. */
static void test_table(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"[instance c1]\nservice = nonsense\n",
		 "2: service = nonsense: expected a service of a plugin in " PLUGINS
		 " or of a [plugin]\n"},
		{"[plugin p]\nfile = /nonexistent.so\n",
		 "2: file = /nonexistent.so: expected a plugin that can be used: can't be read: No "
		 "such file or directory\n"},
		{"[plugin p]\nfile = /etc/passwd\n",
		 "2: file = /etc/passwd: expected a plugin that can be used: not an ELF shared "
		 "object\n"},
		{COUNTER "[plugin twice]\nfile = " WAT_BUILD_DIR "/plugins/../plugins/counter.so\n",
		 "4: file = " WAT_BUILD_DIR
		 "/plugins/../plugins/counter.so: expected a plugin that "
		 "can be used: counter.Counter is already provided by " WAT_BUILD_DIR
		 "/plugins/counter.so\n"},
		{COUNTER "[instance c1]\nservice = counter\nstate-file = @/none.json\n",
		 "5: state-file = @/none.json: can't be read: No such file or directory\n"},
		{COUNTER "[instance c1]\nservice = counter\nstate-file = @\n",
		 "5: state-file = @: can't be read: expected a regular file\n"},
		{COUNTER "[instance c1]\nservice = counter\nstate-file = @/conf/unknown.json\n",
		 "5: state-file = @/conf/unknown.json: is no counter.State: valeu: "},
		{COUNTER "[instance c1]\nservice = counter\nstate-file = @/conf/type.json\n",
		 "5: state-file = @/conf/type.json: is no counter.State: value: expected "},
		{COUNTER "[instance c1]\nservice = counter\nstate-file = @/conf/watd.conf\n",
		 "5: state-file = @/conf/watd.conf: is no counter.State: "},
		{"[instance p1]\nservice = probe.Probe\nstate-file = @/conf/large.json\n",
		 "3: state-file = @/conf/large.json: the state packs into 70004 bytes, expected at "
		 "most 65536\n"},
		{COUNTER "[instance c1]\nservice = counter\n[grant g]\ninstance = c1\nout = /g\n"
			 "methods = Get Gte\n",
		 "8: methods: counter.Counter has no method Gte for Users, expected some of Get, "
		 "Increment, Reset\n"},
		{COUNTER "[instance c1]\nservice = counter\n[grant g]\ninstance = c1\nout = /g\n"
			 "group = no-such-group\n",
		 "8: group = no-such-group: expected a group of this machine\n"},
		{"[instance c1]\nservice = probe.Probe\nrestart = no\n",
		 "3: restart = no: expected never, on-failure or always\n"},
		{"[instance c1]\nservice = probe.Probe\ngroup = shop\n",
		 "3: group = shop: expected the name of a [group] of this configuration\n"},
		{"[group shop]\nstrategy = all_for_one\n",
		 "2: strategy = all_for_one: expected one_for_one, one_for_all or rest_for_one\n"},
		{"[group shop]\nintensity = 0\n",
		 "2: intensity = 0: expected a number from 1 to 100\n"},
		{"[group shop]\n[group shop]\n",
		 "2: [group shop] is there already, at @/conf/watd.conf:1; expected it once\n"},
		{"[watd]\nlog-levle = info\n",
		 "2: unknown key log-levle in [watd], expected one of "},
	};
	struct configured *c = *state;
	static char large[80000];

	snprintf(large, sizeof large, "{\"note\":\"%070000d\"}", 0);
	configured_write(c, "large.json", large);
	configured_write(c, "unknown.json", "{\"valeu\":1}\n");
	configured_write(c, "type.json", "{\"value\":\"many\"}\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char expected[1024], *to = expected;

		for (const char *at = cases[i].expected; *at; at++)
			if (*at == '@')
				to = stpcpy(to, c->daemon.dir);
			else
				*to++ = *at;
		*to = '\0';
		configured_write(c, "watd.conf", cases[i].text);
		assert_refused(c, expected);
	}
}

/* One run tells all mistakes of all files, and watd does not start with them: exit 78, no socket.
 */
static void test_all(void **state)
{
	struct configured *c = *state;
	const char *lines[] = {"/watd.conf:2: log-level = loud", "/conf.d/10-b.conf:1: nonsense",
			       "/conf.d/20-a.conf:2: service = nothing"};
	char dir[128], path[256];

	snprintf(dir, sizeof dir, "%s/conf.d", c->conf);
	assert_int_equal(mkdir(dir, 0755), 0);
	configured_write(c, "watd.conf", "[watd]\nlog-level = loud\n");
	configured_write(c, "conf.d/20-a.conf", "[instance c1]\nservice = nothing\n");
	configured_write(c, "conf.d/10-b.conf", "nonsense\n");
	check(c);
	assert_code(c, 78);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s", c->conf, lines[i]);
		assert_err(c, path);
	}
	test_daemon_spawn(&c->daemon, NULL);
	assert_int_equal(test_daemon_wait(&c->daemon), 78);
	assert_true(test_daemon_logged(&c->daemon, "/watd.conf:2: log-level = loud"));
	assert_true(test_daemon_logged(&c->daemon, "/conf.d/10-b.conf:1: nonsense"));
	assert_false(is_there(c, "run"));
	assert_false(is_there(c, "state"));
}

/* A good one is summed up, in the order of its starts; nothing is made or locked, so it can be
 * checked beside the watd that runs by it. */
static void test_good(void **state)
{
	struct configured *c = *state;

	configured_write(c, "watd.conf",
			 "[instance b]\nservice = counter\nafter = a\n"
			 "[instance a]\nservice = counter.Counter\nstate-file = @/conf/a.json\n"
			 "[grant web]\ninstance = a\nout = @/web.token\nmethods = Get\n");
	configured_write(c, "a.json", "{\"value\": \"5\"}\n");
	test_watd(&c->daemon, &c->out, "--check-config", "--state-dir", "/dev/null/none", NULL);
	assert_code(c, 0);
	assert_out(c, "instances: 2 - a, b\n");
	assert_out(c, "grants: web of a in ");
	assert_string_equal(c->out.err, "");
	assert_false(is_there(c, "web.token"));
	test_daemon_start(&c->daemon);
	test_watd(&c->daemon, &c->out, "--check-config", NULL);
	assert_code(c, 0);
}

/* A file that is named has to be there; the default one does not. */
static void test_missing(void **state)
{
	struct configured *c = *state;

	test_watd(&c->daemon, &c->out, "--check-config", NULL);
	assert_code(c, 0);
	assert_out(c, "no file, all defaults");
	test_watd(&c->daemon, &c->out, "--check-config", "--config", "/nonexistent/watd.conf",
		  NULL);
	assert_code(c, 78);
	assert_err(c, "/nonexistent/watd.conf: can't be read: No such file or directory");
}

/* What watd prints as its default configuration passes its check with every setting uncommented. */
static void test_default(void **state)
{
	struct configured *c = *state;
	char *text = calloc(1, sizeof c->out.out), *to = text;
	bool start = true;

	test_watd(&c->daemon, &c->out, "--default-config", NULL);
	assert_code(c, 0);
	for (const char *at = c->out.out; *at; at++) {
		if (!start || *at != '#' || at[1] == ' ' || at[1] == '\n')
			*to++ = *at;
		start = *at == '\n';
	}
	configured_write(c, "watd.conf", text);
	test_watd(&c->daemon, &c->out, "--check-config", "--plugin-dir", WAT_BUILD_DIR "/plugins",
		  NULL);
	assert_code(c, 0);
	assert_out(c, "instances: 1 - counter\n");
	free(text);
}

/* The configuration that README.md shows is a good one. */
static void test_readme(void **state)
{
	struct configured *c = *state;
	char line[256], *text = calloc(1, 65536);
	FILE *readme = fopen(WAT_SOURCE_DIR "/README.md", "re");
	bool inside = false;

	assert_non_null(readme);
	while (fgets(line, sizeof line, readme)) {
		if (strcmp(line, "```\n") == 0)
			inside = false;
		if (inside)
			strcat(text, line);
		if (strcmp(line, "```ini\n") == 0)
			inside = true;
	}
	fclose(readme);
	configured_write(c, "watd.conf", text);
	test_watd(&c->daemon, &c->out, "--check-config", "--plugin-dir", WAT_BUILD_DIR "/plugins",
		  NULL);
	assert_code(c, 0);
	assert_out(c, "instances: 2 - visits, totals\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIGURED_CASE(test_table),   CONFIGURED_CASE(test_all),
		CONFIGURED_CASE(test_good),    CONFIGURED_CASE(test_missing),
		CONFIGURED_CASE(test_default), CONFIGURED_CASE(test_readme),
	};

	return test_run_cases(tests, NULL, NULL);
}
