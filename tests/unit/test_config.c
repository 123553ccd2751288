/* test_config.c - sections, keys and values of the configuration; what is wrong with each, by file
 * and line; drop-ins; the order of starts. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/order.h"
#include "daemon/config/config.h"
#include "tests/lib/cases.h"

static struct config *parse(const char *text, struct problems *problems)
{
	struct config *config = NULL;

	assert_int_equal(config_parse(text, strlen(text), "f", problems, &config), 0);
	return config;
}

static struct config *parse_good(const char *text)
{
	struct problems problems = {0};
	struct config *config = parse(text, &problems);

	if (problems_any(&problems))
		fail_msg("refused: %s", problems.texts[0]);
	return config;
}

/* Every kind of section, with defaults for what is not given. */
static void test_sections(void **state)
{
	struct config *config = parse_good("[watd]\nlog-level = debug\nmax-calls = 7\n"
					   "[plugin p]\nfile = /p.so\n"
					   "[instance c1]\nservice = counter.Counter\n"
					   "tier = thread\nstate-file = /c1.json\n"
					   "[grant web]\ninstance = c1\nout = /web\n"
					   "methods = Get Increment\nexpires = 2h\n");
	const struct config_section *instance, *grant;

	(void)state;
	assert_string_equal(config_text(&config->watd, WATD_KEY_log_level), "debug");
	assert_string_equal(config_text(&config->watd, WATD_KEY_log_format), "text");
	assert_int_equal(config_number(&config->watd, WATD_KEY_max_calls), 7);
	assert_int_equal(config_number(&config->watd, WATD_KEY_grant_life), 90 * 86400);
	assert_non_null(config_find(config, CONFIG_PLUGIN, "p"));
	assert_null(config_find(config, CONFIG_INSTANCE, "p"));
	instance = config_find(config, CONFIG_INSTANCE, "c1");
	assert_string_equal(config_text(instance, INSTANCE_KEY_service), "counter.Counter");
	assert_string_equal(config_text(instance, INSTANCE_KEY_tier), "thread");
	assert_string_equal(config_text(instance, INSTANCE_KEY_restart), "on-failure");
	assert_null(config_text(instance, INSTANCE_KEY_after));
	assert_int_equal(config_place(instance, INSTANCE_KEY_tier)->line, 8);
	assert_int_equal(config_place(instance, INSTANCE_KEY_after)->line, 6);
	grant = config_find(config, CONFIG_GRANT, "web");
	assert_int_equal(config_number(grant, GRANT_KEY_expires), 7200);
	config_free(config);
}

/* One problem, with its line, for each mistake. */
static void test_refusals(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"a = b\n", "f:1: a = ...: expected a section such as [watd] first"},
		{"[wat]\na = b\n", "f:1: [wat]: unknown section, expected [watd], [plugin NAME], "
				   "[instance NAME], [grant NAME] or [group NAME]"},
		{"[watd x]\n", "f:1: [watd x]: expected [watd] without a name"},
		{"[instance]\nservice = s\n", "f:1: [instance]: expected a name, [instance NAME]"},
		{"[instance C1]\nservice = s\n",
		 "f:1: [instance C1]: the name: expected 1 to 63 of a-z 0-9 . _ -, beginning with "
		 "a letter or digit"},
		{"[instance a b]\nservice = s\n",
		 "f:1: [instance a b]: the name: expected 1 to 63 of a-z 0-9 . _ -, beginning with "
		 "a letter or digit"},
		{"[instance -a]\nservice = s\n",
		 "f:1: [instance -a]: the name: expected 1 to 63 of a-z 0-9 . _ -, beginning with "
		 "a letter or digit"},
		{"[plugin p]\nfiel = /x\nfile = /x\n",
		 "f:2: unknown key fiel in [plugin], expected one of file, allow"},
		{"[watd]\nlog-level = loud\n",
		 "f:2: log-level = loud: expected error, warning, info or debug"},
		{"[watd]\nlog-format = xml\n", "f:2: log-format = xml: expected text or json"},
		{"[watd]\nstate-dir = var/lib\n",
		 "f:2: state-dir = var/lib: expected an absolute path"},
		{"[watd]\nmax-calls = 0\n",
		 "f:2: max-calls = 0: expected a number from 1 to 1000000"},
		{"[watd]\nmax-calls = 1000001\n",
		 "f:2: max-calls = 1000001: expected a number from 1 to 1000000"},
		{"[watd]\nmax-calls = 12x\n",
		 "f:2: max-calls = 12x: expected a number from 1 to 1000000"},
		{"[watd]\nmax-calls = 99999999999999999999\n",
		 "f:2: max-calls = 99999999999999999999: expected a number from 1 to 1000000"},
		{"[watd]\nhello-timeout = 10\n", "f:2: hello-timeout = 10: expected a number with "
						 "s, min, h, d or w, from 1s to 3650d"},
		{"[watd]\nhello-timeout = 0s\n", "f:2: hello-timeout = 0s: expected a number with "
						 "s, min, h, d or w, from 1s to 3650d"},
		{"[watd]\nhello-timeout = 3651d\n",
		 "f:2: hello-timeout = 3651d: expected a number with s, min, h, d or w, from 1s to "
		 "3650d"},
		{"[watd]\nmax-unauthenticated = 10:101:20\n",
		 "f:2: max-unauthenticated = 10:101:20: expected FROM:PERCENT:FULL, FROM and FULL "
		 "from 1 to 1000000 and FROM not above FULL, PERCENT from 1 to 100"},
		{"[watd]\nmax-unauthenticated = 20:30:10\n",
		 "f:2: max-unauthenticated = 20:30:10: expected FROM:PERCENT:FULL, FROM and FULL "
		 "from 1 to 1000000 and FROM not above FULL, PERCENT from 1 to 100"},
		{"[watd]\nmax-unauthenticated = 10:30\n",
		 "f:2: max-unauthenticated = 10:30: expected FROM:PERCENT:FULL, FROM and FULL "
		 "from 1 to 1000000 and FROM not above FULL, PERCENT from 1 to 100"},
		{"[watd]\nmax-unauthenticated = 10:30:100:\n",
		 "f:2: max-unauthenticated = 10:30:100:: expected FROM:PERCENT:FULL, FROM and FULL "
		 "from 1 to 1000000 and FROM not above FULL, PERCENT from 1 to 100"},
		{"[watd]\ngrant-life = 3s\n", "f:2: grant-life = 3s: expected a number with s, "
					      "min, h, d or w, from 4s to 3650d"},
		{"[watd]\nlog-level = info\nlog-level = debug\n",
		 "f:3: log-level is given already, at f:2; expected it once"},
		{"[instance c1]\nservice = s\n[instance c1]\nservice = t\n",
		 "f:3: [instance c1] is there already, at f:1; expected it once"},
		{"[instance c1]\nservice = s\nservice = t\n",
		 "f:3: service is given already, at f:2; expected it once"},
		{"[instance c1]\n",
		 "f:1: [instance c1] has no service, expected service = SERVICE"},
		{"[instance c1]\nservice = 1x\n",
		 "f:2: service = 1x: expected a service such as counter or counter.Counter"},
		{"[instance c1]\nservice = a..b\n",
		 "f:2: service = a..b: expected a service such as counter or counter.Counter"},
		{"[instance c1]\nservice = s\ntier = remote\n",
		 "f:3: tier = remote: expected process or thread"},
		{"[instance c1]\nservice = s\nrestart = sometimes\n",
		 "f:3: restart = sometimes: expected never, on-failure or always"},
		{"[instance c1]\nservice = s\nrestart-max = 101\n",
		 "f:3: restart-max = 101: expected a number from 1 to 100"},
		{"[instance c1]\nservice = s\nrestart-pause = 1d\n",
		 "f:3: restart-pause = 1d: expected a number with ms, s, min or h, from 1ms to 1h"},
		{"[instance c1]\nservice = s\ndurability = disk\n",
		 "f:3: durability = disk: expected none, crash or sync"},
		{"[instance c1]\nservice = s\nafter = c2\n",
		 "f:3: after = c2: expected the name of an [instance] of this configuration"},
		{"[instance c1]\nservice = s\nafter = c2 c2\n",
		 "f:3: after = c2 c2: expected names of instances with blanks between them, each "
		 "once"},
		{"[instance c1]\nservice = s\nafter = c1\n",
		 "f:3: after goes round in a circle: c1 -> c1; expected an order"},
		{"[grant g]\nout = /x\n",
		 "f:1: [grant g] has no instance, expected instance = NAME"},
		{"[grant g]\ninstance = c1\nout = /x\n",
		 "f:2: instance = c1: expected the name of an [instance] of this configuration"},
		{"[instance c1]\nservice = s\n[grant g]\ninstance = c1\n",
		 "f:3: [grant g] has no out, expected out = PATH"},
		{"[instance c1]\nservice = s\n[grant g]\ninstance = c1\nout = /x\n[grant h]\n"
		 "instance = c1\nout = /x\n",
		 "f:8: out = /x: is that of [grant g] already, at f:5; expected a file of its own"},
		{"[instance c1]\nservice = s\n[grant g]\ninstance = c1\nout = /x\nmethods = Get-\n",
		 "f:6: methods = Get-: expected names of methods with blanks between them, each "
		 "once"},
		{"[instance c1]\nservice = s\n[grant g]\ninstance = c1\nout = /x\ngroup = a b\n",
		 "f:6: group = a b: expected a name of a group"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct problems problems = {0};

		config_free(parse(cases[i].text, &problems));
		if (problems.n != 1)
			fail_msg("%zu problems with: %s", problems.n, cases[i].text);
		assert_string_equal(problems.texts[0], cases[i].expected);
		problems_deinit(&problems);
	}
}

/* A socket's path may have as many bytes as the kernel takes. */
static void test_socket_length(void **state)
{
	struct problems problems = {0};
	char text[256], path[128];

	(void)state;
	memset(path, 'x', sizeof path);
	path[0] = '/';
	path[107] = '\0';
	snprintf(text, sizeof text, "[watd]\nsocket = %s\n", path);
	config_free(parse_good(text));
	path[107] = 'x';
	path[108] = '\0';
	snprintf(text, sizeof text, "[watd]\nsocket = %s\n", path);
	config_free(parse(text, &problems));
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.texts[0], "at most 107 bytes"));
	problems_deinit(&problems);
}

/* One run tells all mistakes, not the first one only. */
static void test_all(void **state)
{
	static const char *const expected[] = {"f:2:", "f:3:", "f:4:", "f:6:", "f:5:"};
	struct problems problems = {0};

	(void)state;
	config_free(
		parse("[watd]\nlog-level = loud\nnonsense\nfly = high\n[instance c1]\ntier = x\n",
		      &problems));
	assert_int_equal(problems.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_memory_equal(problems.texts[i], expected[i], 4);
	problems_deinit(&problems);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(remove(path), 0);
}

/* Drop-ins are read after the file, by name; the later one wins in [watd]; what is no *.conf is
 * left alone; an instance that is there twice is refused with both places. */
static void test_drop_ins(void **state)
{
	struct problems problems = {0};
	struct config *config;
	char dir[64], path[96], drop_ins[96], expected[512];

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(path, sizeof path, "%s/watd.conf", dir);
	snprintf(drop_ins, sizeof drop_ins, "%s/conf.d", dir);
	assert_int_equal(mkdir(drop_ins, 0755), 0);
	write_file(dir, "watd.conf", "[watd]\nlog-level = error\nmax-calls = 1\n");
	write_file(drop_ins, "20-b.conf",
		   "[watd]\nlog-level = debug\n[instance c1]\nservice = s\n");
	write_file(drop_ins, "10-a.conf", "[watd]\nlog-level = info\nmax-waiting = 5\n");
	write_file(drop_ins, "30-c.conf.bak", "nonsense\n");
	write_file(drop_ins, ".hidden.conf", "nonsense\n");
	assert_int_equal(config_load(path, true, &problems, &config), 0);
	assert_false(problems_any(&problems));
	assert_int_equal(config->n_files, 3);
	assert_string_equal(config_text(&config->watd, WATD_KEY_log_level), "debug");
	assert_int_equal(config_number(&config->watd, WATD_KEY_max_calls), 1);
	assert_int_equal(config_number(&config->watd, WATD_KEY_max_waiting), 5);
	config_free(config);
	write_file(drop_ins, "10-a.conf", "[instance c1]\nservice = s\n");
	assert_int_equal(config_load(path, true, &problems, &config), 0);
	snprintf(expected, sizeof expected,
		 "%s/20-b.conf:3: [instance c1] is there already, at %s/10-a.conf:1; expected it "
		 "once",
		 drop_ins, drop_ins);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.texts[0], expected);
	problems_deinit(&problems);
	config_free(config);
	remove_file(drop_ins, "20-b.conf");
	remove_file(drop_ins, "10-a.conf");
	remove_file(drop_ins, "30-c.conf.bak");
	remove_file(drop_ins, ".hidden.conf");
	assert_int_equal(rmdir(drop_ins), 0);
	remove_file(dir, "watd.conf");
	assert_int_equal(rmdir(dir), 0);
}

/* A file that is named has to exist; one that is only looked for does not; what is no regular file
 * is not waited for. */
static void test_files(void **state)
{
	struct problems problems = {0};
	struct config *config;
	char dir[64], path[96];

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(path, sizeof path, "%s/watd.conf", dir);
	assert_int_equal(config_load(path, false, &problems, &config), 0);
	assert_false(problems_any(&problems));
	assert_int_equal(config->n_files, 0);
	config_free(config);
	assert_int_equal(config_load(path, true, &problems, &config), 0);
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.texts[0], "watd.conf: can't be read: No such file"));
	config_free(config);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(path, true, &problems, &config), 0);
	assert_int_equal(problems.n, 2);
	assert_non_null(strstr(problems.texts[1], "watd.conf: expected a regular file"));
	config_free(config);
	problems_deinit(&problems);
	remove_file(dir, "watd.conf");
	assert_int_equal(rmdir(dir), 0);
}

#define I(name) "[instance " name "]\nservice = s\n"

/* Each instance comes after those that its `after` names; what is free stays as it stands. */
static void test_order(void **state)
{
	struct config *config = parse_good(I("d") "after = c b\n" I("b") "after = a\n" I("x") I("a")
						   I("c") "after = a\n");
	static const char *const expected[] = {"a", "c", "b", "d", "x"};
	const struct config_section *order[8];

	(void)state;
	assert_int_equal(order_make(config, order), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(order[i]->name, expected[i]);
	config_free(config);
}

/* A circle is said once, with the names that go round in it and not those that lead to it. */
static void test_circle(void **state)
{
	struct problems problems = {0};

	(void)state;
	config_free(parse(I("in") "after = a\n" I("a") "after = b\n" I("b") "after = c\n" I(
				  "c") "after = a\n" I("free"),
			  &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.texts[0], "f:12: after goes round in a circle: a -> b -> c -> "
					       "a; expected an order");
	problems_deinit(&problems);
}

/* The units of a duration. */
static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {{"1s", 1}, {"5min", 300}, {"2h", 7200}, {"3650d", 315360000}, {"1w", 604800}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(value_is_valid(VALUE_DURATION, cases[i].text));
		assert_int_equal(value_number(VALUE_DURATION, cases[i].text), cases[i].seconds);
	}
	assert_false(value_is_valid(VALUE_DURATION, "1 s"));
	assert_false(value_is_valid(VALUE_DURATION, "-1s"));
	assert_false(value_is_valid(VALUE_DURATION, "1m"));
	assert_false(value_is_valid(VALUE_DURATION, "s"));
	assert_false(value_is_valid(VALUE_DURATION, "99999999999w"));
}

#define EIGHT_PLACES "[::1]:1 [::1]:2 [::1]:3 [::1]:4 [::1]:5 [::1]:6 [::1]:7 [::1]:8"

/* Where to listen: numeric places, each once and not too many; and the two words of a switch. */
static void test_places(void **state)
{
	static const char *const good[] = {"127.0.0.1:7117", "[::1]:0", "0.0.0.0:1  [::]:1",
					   EIGHT_PLACES};
	static const char *const bad[] = {"",
					  " ",
					  "localhost:1",
					  "127.0.0.1",
					  "::1:1",
					  "127.0.0.1:1,127.0.0.1:2",
					  "127.0.0.1:1 127.0.0.1:1",
					  "*:1",
					  EIGHT_PLACES " [::1]:9"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(value_is_valid(VALUE_LISTEN, good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (value_is_valid(VALUE_LISTEN, bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(value_is_valid(VALUE_SWITCH, "yes"));
	assert_true(value_is_valid(VALUE_SWITCH, "no"));
	assert_false(value_is_valid(VALUE_SWITCH, "true"));
	assert_false(value_is_valid(VALUE_SWITCH, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),      cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_socket_length), cmocka_unit_test(test_all),
		cmocka_unit_test(test_drop_ins),      cmocka_unit_test(test_files),
		cmocka_unit_test(test_order),         cmocka_unit_test(test_circle),
		cmocka_unit_test(test_durations),     cmocka_unit_test(test_places),
	};

	return test_run_cases(tests, NULL, NULL);
}
