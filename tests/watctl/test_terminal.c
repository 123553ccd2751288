/* A table fits the terminal it goes to, and no other: cut with an ellipsis there, whole in a pipe;
 * colour only where there is a terminal that has it, and nobody said NO_COLOR. row 108 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <locale.h>
#include <unistd.h>

#include <jansson.h>

#include "client/watctl/output.h"
#include "client/watctl/terminal.h"
#include "tests/lib/cases.h"

static const struct output_column columns[] = {{"name", "NAME"},
					       {"state", "STATE"},
					       {"n", "N"},
					       {"text", "TEXT"}};

/* UTF-8 of four columns each; one too many for 40. */
#define LONG "\u00e4\u00f6\u00fc\u00df and so on, much longer than any terminal of forty columns"

static json_t *rows(void)
{
	return json_pack("[{s:s, s:s, s:i, s:s}, {s:s, s:s, s:i, s:s}]", "name", "c1", "state",
			 "ready", "n", 7, "text", LONG, "name", "counter-two", "state", "failed",
			 "n", 12345, "text", "short\x1b[31m");
}

static char text[65536];

/* What the table is on this descriptor; the child prints, so that its stdout is that. */
static void print_to(int to, int from)
{
	size_t n = 0;
	ssize_t r;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		json_t *table = rows();

		(void)dup2(to, STDOUT_FILENO);
		output_table(table, columns, 4);
		json_decref(table);
		_exit(fflush(stdout));
	}
	close(to);
	while ((r = read(from, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	close(from);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void print_to_terminal(unsigned short width)
{
	struct winsize size = {.ws_row = 24, .ws_col = width};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	print_to(slave, master);
}

static void print_to_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	print_to(ends[1], ends[0]);
}

static size_t longest_line(void)
{
	size_t longest = 0;

	for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"))
		if (terminal_width(line) > longest)
			longest = terminal_width(line);
	return longest;
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("COLUMNS");
	setenv("NO_COLOR", "1", 1);
	setenv("TERM", "xterm", 1);
	/* Every system has it. */
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	return 0;
}

/* The terminal's own width, $COLUMNS before it; the ellipsis is where something is missing. */
static void test_fits(void **state)
{
	(void)state;
	print_to_terminal(40);
	assert_non_null(strstr(text, "\u2026"));
	assert_non_null(strstr(text, "counter-two"));
	assert_non_null(strstr(text, "  12345"));
	assert_int_equal(longest_line(), 40);
	print_to_terminal(200);
	assert_null(strstr(text, "\u2026"));
	assert_non_null(strstr(text, LONG));
	setenv("COLUMNS", "50", 1);
	print_to_terminal(200);
	assert_int_equal(longest_line(), 50);
	setenv("COLUMNS", "nonsense", 1);
	print_to_terminal(60);
	assert_int_equal(longest_line(), 60);
	/* There is an end to it. */
	unsetenv("COLUMNS");
	print_to_terminal(5);
	assert_non_null(strstr(text, "STATE"));
}

/* What is piped is whole, whatever $COLUMNS says, and what a service wrote can't steer a terminal.
 */
static void test_pipe(void **state)
{
	(void)state;
	setenv("COLUMNS", "40", 1);
	unsetenv("NO_COLOR");
	print_to_pipe();
	assert_non_null(strstr(text, LONG));
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "short\\x1b[31m\n"));
	assert_non_null(strstr(text, "NAME         STATE       N  TEXT\n"));
}

/* Where the locale has no such character, three dots. */
static void test_plain_locale(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C"));
	print_to_terminal(40);
	assert_null(strstr(text, "\u2026"));
	assert_non_null(strstr(text, "...\r\n"));
}

static void test_colour(void **state)
{
	(void)state;
	unsetenv("NO_COLOR");
	print_to_terminal(100);
	assert_non_null(strstr(text, "\x1b[32mready\x1b[0m"));
	assert_non_null(strstr(text, "\x1b[1;31mfailed\x1b[0m"));
	setenv("NO_COLOR", "", 1);
	print_to_terminal(100);
	assert_non_null(strchr(text, '\x1b'));
	setenv("NO_COLOR", "1", 1);
	print_to_terminal(100);
	assert_null(strchr(text, '\x1b'));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	print_to_terminal(100);
	assert_null(strchr(text, '\x1b'));
}

/* Wide and combining characters, and bytes that are none. */
static void test_widths(void **state)
{
	(void)state;
	assert_int_equal(terminal_width(""), 0);
	assert_int_equal(terminal_width("a\u00e4"), 2);
	assert_int_equal(terminal_width("\u4e2d"), 2);
	assert_int_equal(terminal_width("e\u0301"), 1);
	assert_int_equal(terminal_width("\xff\xc3"), 2);
	assert_int_equal(terminal_fit("\u4e2d\u4e2d", 3), 3);
	assert_int_equal(terminal_fit("abc", 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),         cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_plain_locale), cmocka_unit_test(test_colour),
		cmocka_unit_test(test_widths),
	};

	return test_run_cases(tests, set_up, NULL);
}
