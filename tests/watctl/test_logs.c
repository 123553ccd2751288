/* logs: what instances wrote, whoever wrote it and however; the newest of it, page by page or as it
 * comes; and nothing of it is lost for the log of watd. rows 73, 108 */
#include <unistd.h>

#include "tests/watctl/ctl.h"

#define WRITTEN 10486 /* lines of 1000 bytes: 10 MiB */

static void spawn(const char *name, const char *tier)
{
	WATCTL("spawn", "probe.Probe", name, "--tier", tier);
	assert_int_equal(out.code, 0);
	WATCTL("provision", name, "u");
	assert_int_equal(out.code, 0);
}

/* To its standard output (1) or error (2). */
static void print(const char *name, const char *fd, const char *text)
{
	char n[16], note[256];

	snprintf(n, sizeof n, "n=%s", fd);
	snprintf(note, sizeof note, "note=%s", text);
	WATCTL("call", name, "Print", n, note);
	assert_int_equal(out.code, 0);
}

static void log_note(const char *name, const char *text)
{
	char note[256];

	snprintf(note, sizeof note, "note=%s", text);
	WATCTL("call", name, "Log", note);
	assert_int_equal(out.code, 0);
}

/* The lines of an instance, or of all. The caller's to free. */
static json_t *lines_of(const char *name)
{
	json_t *view, *lines;

	WATCTL("-j", "logs", name);
	assert_int_equal(out.code, 0);
	view = document();
	lines = json_incref(json_object_get(view, "lines"));
	assert_true(json_is_array(lines));
	json_decref(view);
	return lines;
}

static void assert_line(const json_t *line, const char *name, const char *stream, const char *text)
{
	assert_string(line, "name", name);
	assert_string(line, "stream", stream);
	assert_string(line, "text", text);
	assert_true(json_integer_value(json_object_get(line, "timeMs")) > 0);
	assert_true(json_integer_value(json_object_get(line, "pid")) > 1);
}

/* A process of its own is all the instance's; what was written before the question is in the
 * answer, with its stream, level and generation, also after the process has died. */
static void test_process(void **state)
{
	json_t *lines;

	(void)state;
	spawn("p1", "process");
	print("p1", "1", "to out");
	print("p1", "2", "to err");
	log_note("p1", "to the log");
	lines = lines_of("p1");
	assert_int_equal(json_array_size(lines), 3);
	for (size_t i = 0; i < 3; i++)
		assert_number(json_array_get(lines, i), "generation", 1);
	json_decref(lines);
	WATCTL("kill", "p1");
	print("p1", "1", "again");
	lines = lines_of("p1");
	assert_int_equal(json_array_size(lines), 4);
	assert_line(json_array_get(lines, 3), "p1", "stdout", "again");
	assert_number(json_array_get(lines, 3), "generation", 2);
	json_decref(lines);
	WATCTL("logs", "p1", "-n", "1");
	assert_prints(" p1[");
	assert_prints("] stdout: again\n");
}

/* In the pool wat_log says whose line it is; what is written to its streams is the process's. A
 * line that looks like one of the host's is believed for instances that are in it, and not else. */
static void test_thread(void **state)
{
	json_t *lines;

	(void)state;
	spawn("t1", "thread");
	spawn("t2", "thread");
	log_note("t1", "of one");
	log_note("t2", "of two");
	print("t1", "1", "of nobody");
	print("t1", "2", "<3 p1>forged");
	lines = lines_of("t1");
	assert_int_equal(json_array_size(lines), 1);
	assert_line(json_array_get(lines, 0), "t1", "log", "of one");
	assert_string(json_array_get(lines, 0), "level", "warning");
	json_decref(lines);
	WATCTL("-j", "logs");
	lines = document();
	assert_non_null(strstr(out.out, "of two"));
	assert_non_null(strstr(out.out, "of nobody"));
	assert_non_null(strstr(out.out, "<3 p1>forged"));
	json_decref(lines);
	assert_true(test_daemon_logged(&the_daemon, "warning: of one instance=t1 host="));
	assert_true(test_daemon_logged(&the_daemon, "info: of nobody host="));
}

/* Whatever bytes a line holds, it is one line of text, and it pretends to be nobody else's. */
static void test_any_bytes(void **state)
{
	json_t *lines;

	(void)state;
	spawn("p1", "process");
	print("p1", "2", "<3 p2>\033[31mred\a");
	lines = lines_of("p1");
	assert_line(json_array_get(lines, 0), "p1", "stderr", "<3 p2>\033[31mred\a");
	json_decref(lines);
	WATCTL("logs", "p1");
	assert_prints("stderr: <3 p2>\\x1b[31mred\\x07\n");
	assert_false(test_daemon_logged(&the_daemon, "\033"));
}

/* A line that is too long is several, and none of them ends inside a character. */
static void test_long(void **state)
{
	char text[4096] = "";
	size_t n = 0;
	json_t *lines;

	(void)state;
	spawn("p1", "process");
	strcpy(text, "note=x");
	for (size_t i = strlen(text); i + 4 < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	WATCTL("call", "p1", "Print", "n=1", text);
	assert_int_equal(out.code, 0);
	lines = lines_of("p1");
	assert_int_equal(json_array_size(lines), 4);
	for (size_t i = 0; i < 4; i++) {
		const char *part =
			json_string_value(json_object_get(json_array_get(lines, i), "text"));

		assert_int_equal(strncmp(part, text + strlen("note=") + n, strlen(part)), 0);
		n += strlen(part);
	}
	assert_int_equal(n, strlen(text) - strlen("note="));
	json_decref(lines);
}

/* A follower reads each line as it is written, in order, also of the next process; --timeout ends
 * it. */
static void test_follow(void **state)
{
	const char *arguments[] = {"-j", "logs", "p1", "--follow", "-n", "all", NULL};
	struct ctl_running follower;
	json_t *line;
	char text[16];

	(void)state;
	spawn("p1", "process");
	print("p1", "1", "before");
	ctl_run(&follower, arguments);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "line %d", i);
		print("p1", i % 2 ? "1" : "2", text);
		if (i == 10)
			WATCTL("kill", "p1");
	}
	line = ctl_next(&follower);
	assert_line(line, "p1", "stdout", "before");
	while (strcmp(json_string_value(json_object_get(line, "text")), "line 19") != 0) {
		json_int_t seq = json_integer_value(json_object_get(line, "seq"));

		json_decref(line);
		line = ctl_next(&follower);
		assert_non_null(line);
		assert_true(json_integer_value(json_object_get(line, "seq")) > seq);
	}
	json_decref(line);
	assert_int_equal(ctl_finish(&follower, true), -9);
	WATCTL("--timeout", "1ms", "logs", "p1", "-f", "-n", "0");
	assert_int_equal(out.code, 0);
	assert_string_equal(out.out, "");
}

static void count_lines(const char *path, const char *marker, uint64_t *ret)
{
	static char line[8192];
	FILE *log = fopen(path, "r");
	uint64_t next = 0;

	assert_non_null(log);
	while (fgets(line, sizeof line, log)) {
		const char *at = strstr(line, marker);

		if (!at)
			continue;
		assert_true(strtoull(at + strlen(marker), NULL, 10) == next);
		next++;
	}
	fclose(log);
	*ret = next;
}

/* 10 MiB to each stream, and the end: the stop returns, and every line is in the log of watd, in
 * order; of the instance the newest 64 KiB are kept. row 73 */
static void written(const char *tier)
{
	char n[24], path[128];
	uint64_t seen;
	json_t *lines;

	spawn("w1", tier);
	snprintf(n, sizeof n, "n=%d", WRITTEN);
	WATCTL("call", "w1", "Write", n);
	assert_int_equal(out.code, 0);
	if (strcmp(tier, "process") == 0) {
		const char *last;
		size_t kept;

		lines = lines_of("w1");
		kept = json_array_size(lines);
		assert_true(kept > 50 && kept <= 65);
		last = json_string_value(json_object_get(json_array_get(lines, kept - 1), "text"));
		assert_int_equal(strncmp(last, "err-", 4), 0);
		assert_int_equal(strtoul(last + 4, NULL, 10), WRITTEN - 1);
		json_decref(lines);
	}
	WATCTL("stop", "w1");
	assert_int_equal(out.code, 0);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(path, sizeof path, "%s/log", the_daemon.dir);
	count_lines(path, "out-", &seen);
	assert_int_equal(seen, WRITTEN);
	count_lines(path, "err-", &seen);
	assert_int_equal(seen, WRITTEN);
}

static void test_written_process(void **state)
{
	(void)state;
	written("process");
}

static void test_written_thread(void **state)
{
	(void)state;
	written("thread");
}

/* What a stopped, and even a removed, instance wrote is still there; a wrong name is refused. */
static void test_afterwards(void **state)
{
	json_t *lines;

	(void)state;
	spawn("p1", "process");
	print("p1", "2", "last words");
	WATCTL("stop", "p1");
	WATCTL("rm", "p1");
	assert_int_equal(out.code, 0);
	lines = lines_of("p1");
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	WATCTL("logs", "Not a name");
	assert_ends(1, "Not a name");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, ctl_start_with_test_plugins, ctl_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_process),         CASE(test_thread),
		CASE(test_any_bytes),       CASE(test_follow),
		CASE(test_written_process), CASE(test_written_thread),
		CASE(test_afterwards),      CASE(test_long),
	};

	return test_run_cases(tests, NULL, NULL);
}
