/* test_options.c - what goes before what: command line, configuration, environment, default. */
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/supervisor/options.h"
#include "tests/lib/cases.h"

static char conf[96];

/* A directory with a watd.conf, by $CONFIGURATION_DIRECTORY; nothing else of the environment. */
static void write_conf(const char *text)
{
	static const char *const names[] = {"STATE_DIRECTORY", "RUNTIME_DIRECTORY",
					    "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"};
	char dir[64];
	FILE *file;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	test_make_dir(dir, sizeof dir);
	setenv("CONFIGURATION_DIRECTORY", dir, 1);
	snprintf(conf, sizeof conf, "%s/watd.conf", dir);
	file = fopen(conf, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void rewrite_conf(const char *text)
{
	FILE *file = fopen(conf, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_conf(void)
{
	assert_int_equal(unlink(conf), 0);
	*strrchr(conf, '/') = '\0';
	assert_int_equal(rmdir(conf), 0);
}

static int read_arguments(struct options *options, struct problems *problems, char **arguments)
{
	int n = 0;

	while (arguments[n])
		n++;
	optind = 0;
	return options_read(options, n, arguments, problems);
}
#define READ(options, problems, ...) \
	read_arguments(options, problems, (char *[]){"watd", ##__VA_ARGS__, NULL})

/* The option, then the configuration, then what systemd says, then the default. */
static void test_directories(void **state)
{
	struct options options = {0};
	struct problems problems = {0};

	(void)state;
	write_conf("[watd]\nstate-dir = /from/conf\n");
	setenv("STATE_DIRECTORY", "/from/env:/second", 1);
	setenv("RUNTIME_DIRECTORY", "/run/env:/second", 1);
	assert_int_equal(READ(&options, &problems, "--state-dir", "/from/option"), OPTIONS_RUN);
	assert_string_equal(options.state_dir, "/from/option");
	assert_string_equal(options.runtime_dir, "/run/env");
	assert_string_equal(options.socket, "/run/env/watd.sock");
	assert_string_equal(options.admin_socket, "/run/env/admin.sock");
	options_deinit(&options);
	assert_int_equal(READ(&options, &problems), OPTIONS_RUN);
	assert_string_equal(options.state_dir, "/from/conf");
	options_deinit(&options);
	rewrite_conf("");
	assert_int_equal(READ(&options, &problems), OPTIONS_RUN);
	assert_string_equal(options.state_dir, "/from/env");
	options_deinit(&options);
	unsetenv("STATE_DIRECTORY");
	setenv("XDG_STATE_HOME", "/xdg", 1);
	assert_int_equal(READ(&options, &problems), OPTIONS_RUN);
	assert_string_equal(options.state_dir, geteuid() == 0 ? "/var/lib/watd" : "/xdg/watd");
	options_deinit(&options);
	assert_false(problems_any(&problems));
	remove_conf();
}

/* Without options every key has the default that the list of keys says; the places of root's. */
static void test_defaults(void **state)
{
	struct options options = {0};
	struct problems problems = {0};

	(void)state;
	write_conf("");
	assert_int_equal(READ(&options, &problems), OPTIONS_RUN);
	for (unsigned i = 0; i < WATD_KEYS_N; i++) {
		const struct config_key *key = &config_types[CONFIG_WATD].keys[i];
		const char *text = options_text(&options, (enum watd_key)i);

		/* Where the program is; or there is none. */
		if (!key->fallback && i == WATD_KEY_plugin_dir)
			assert_non_null(text);
		else if (!key->fallback)
			assert_null(text);
		else if (geteuid() == 0 || (key->kind != VALUE_PATH && key->kind != VALUE_SOCKET))
			assert_string_equal(text, key->fallback);
	}
	assert_int_equal(options.limits.calls, 256);
	assert_int_equal(options.limits.grant_life_s, 90 * 86400);
	assert_int_equal(options.level, LOG_LEVEL_INFO);
	options_deinit(&options);
	remove_conf();
}

/* Read again, the command line stays in force, and what was found at the start is looked for anew.
 */
static void test_again(void **state)
{
	struct options options = {0}, again = {0};
	struct problems problems = {0};

	(void)state;
	write_conf("[watd]\nmax-calls = 5\nlog-level = debug\n");
	assert_int_equal(READ(&options, &problems, "--log-level", "error"), OPTIONS_RUN);
	assert_int_equal(options.limits.calls, 5);
	rewrite_conf("[watd]\nmax-calls = 6\nlog-level = warning\n");
	assert_int_equal(options_read_again(&options, &problems, &again), OPTIONS_RUN);
	assert_int_equal(again.limits.calls, 6);
	assert_int_equal(again.level, LOG_LEVEL_ERROR);
	assert_int_equal(options.limits.calls, 5);
	options_deinit(&again);
	rewrite_conf("[watd]\nmax-calls = many\n");
	assert_int_equal(options_read_again(&options, &problems, &again), OPTIONS_RUN);
	assert_int_equal(problems.n, 1);
	problems_deinit(&problems);
	options_deinit(&again);
	options_deinit(&options);
	remove_conf();
}

/* A value of the command line is checked too, and the configuration is not asked then. */
static void test_usage(void **state)
{
	struct options options = {0};
	struct problems problems = {0};

	(void)state;
	write_conf("nonsense\n");
	assert_int_equal(READ(&options, &problems, "--max-calls", "0"), OPTIONS_EXIT_USAGE);
	options_deinit(&options);
	assert_int_equal(READ(&options, &problems, "--hello-timeout", "10"), OPTIONS_EXIT_USAGE);
	options_deinit(&options);
	assert_int_equal(READ(&options, &problems, "argument"), OPTIONS_EXIT_USAGE);
	options_deinit(&options);
	assert_false(problems_any(&problems));
	remove_conf();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_usage),
	};

	return test_run_cases(tests, NULL, NULL);
}
