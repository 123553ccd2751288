/* test_transcript.c - one client program, run on both tiers, sees the same to the byte: every
 * reply, every failure with its text and chain, everything that watctl prints. Only the word for
 * the tier is another one, and what is another one in every run. row 32 */
#include <fcntl.h>
#include <regex.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"

#define TRANSCRIPT_MAX (1024 * 1024)

/* What differs from run to run, on one tier too: a pattern (POSIX, extended), of which the first
 * group is kept, and what stands for the rest. This is all. */
static const struct varying {
	const char *pattern, *shown;
} varying[] = {
	{"()[0-9a-f]{32}", "<id of a node, an incarnation or a grant>"},
	{"(\"(userId|id)\":)\"[A-Za-z0-9+/]{22}==\"", "<id of a grant>"},
	{"(\"connection\":)\"[0-9]+\"", "<number of a channel>"},
	{"()wats1_[A-Za-z0-9_-]{40,}", "<token>"},
	{"(\"pid\":)[1-9][0-9]*", "<process>"},
	{"(pid +)[1-9][0-9]*", "<process>"},
	{"( ready +[0-9]+ +)[0-9]+", "<process>"}, /* in `ls` */
	{"(\"(timeMs|committedMs|startedMs|created|notAfter)\":)[0-9]+", "<time>"},
	{"(\"startNs\":)\"[0-9]+\"", "<time>"},
	{"()[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "<time>"},
	/* How many of the clients that have gone watd has not noticed yet. */
	{"(\"connections\":)[0-9]+", "<number>"},
	/* Who was in the pool that died is isolated then, which its clients don't see. */
	{"(\"isolated\":)(\"[^\"]*\"|[0-9]+)", "<who or why>"},
	{"( thread), isolated", ""},
	{"(\n)isolated +[^\n]*\n", ""},
	/* The columns of a table are as wide as what is in them. */
	{"( ) +", ""},
};
#define N_VARYING (sizeof varying / sizeof *varying)

struct transcript {
	char text[TRANSCRIPT_MAX];
	size_t n_replaced[N_VARYING];
};

static void record(const char *tier, struct test_daemon *daemon, const char *path)
{
	char *arguments[] = {(char *)"transcript", daemon->socket, daemon->admin_socket,
			     (char *)tier, NULL};
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, path,
							  O_WRONLY | O_CREAT | O_TRUNC, 0600),
			 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
	assert_int_equal(posix_spawn(&pid, WAT_BUILD_DIR "/bin/transcript", &actions, NULL,
				     arguments, environ),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void load(const char *path, struct transcript *ret)
{
	FILE *file = fopen(path, "re");
	size_t n;

	assert_non_null(file);
	n = fread(ret->text, 1, sizeof ret->text, file);
	fclose(file);
	assert_true(n > 0 && n < sizeof ret->text);
	ret->text[n] = '\0';
}

/* Appends as far as there is room. */
static void append(char *to, size_t *at, const char *from, size_t n)
{
	assert_true(*at + n < TRANSCRIPT_MAX);
	memcpy(to + *at, from, n);
	*at += n;
	to[*at] = '\0';
}

static size_t replace_all(char *text, const struct varying *what)
{
	char *out = malloc(TRANSCRIPT_MAX), *from = text;
	size_t n = 0, at = 0;
	regmatch_t found[2];
	regex_t regex;

	assert_non_null(out);
	assert_int_equal(regcomp(&regex, what->pattern, REG_EXTENDED), 0);
	out[0] = '\0';
	while (regexec(&regex, from, 2, found, 0) == 0) {
		append(out, &at, from, (size_t)found[1].rm_eo);
		append(out, &at, what->shown, strlen(what->shown));
		from += found[0].rm_eo;
		n++;
	}
	append(out, &at, from, strlen(from));
	regfree(&regex);
	memcpy(text, out, at + 1);
	free(out);
	return n;
}

/* The directory of the test and what the list says. */
static void normalize(struct transcript *transcript, const char *dir)
{
	char *at;

	while ((at = strstr(transcript->text, dir)))
		memset(at, '.', strlen(dir));
	for (size_t i = 0; i < N_VARYING; i++)
		transcript->n_replaced[i] = replace_all(transcript->text, &varying[i]);
}

/* A client of a fresh watd, with a keyring of its own. */
static struct transcript *run(const char *tier)
{
	struct transcript *transcript = calloc(1, sizeof *transcript);
	struct test_daemon daemon;
	char path[128];

	assert_non_null(transcript);
	test_daemon_init(&daemon, WAT_BUILD_DIR "/tests/plugins");
	test_daemon_start(&daemon);
	snprintf(path, sizeof path, "%s/keyring", daemon.dir);
	setenv("WAT_KEYRING", path, 1);
	snprintf(path, sizeof path, "%s/transcript", daemon.dir);
	record(tier, &daemon, path);
	load(path, transcript);
	normalize(transcript, daemon.dir);
	assert_int_equal(test_daemon_terminate(&daemon), 0);
	test_daemon_deinit(&daemon);
	return transcript;
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* Where they differ in more than the word; *ret_n_words: how often in the word. NULL: nowhere. */
static const char *difference(const char *left,
			      const char *right,
			      const char **ret_right,
			      size_t *ret_n_words)
{
	*ret_n_words = 0;
	while (*left || *right) {
		if (*left == *right) {
			left++;
			right++;
			continue;
		}
		*ret_right = right;
		if (!begins(left, "thread") || !begins(right, "process"))
			return left;
		left += strlen("thread");
		right += strlen("process");
		++*ret_n_words;
	}
	return NULL;
}

static int line_length(const char *text)
{
	return (int)strcspn(text, "\n");
}

/* The whole line in which a place is. */
static const char *line_of(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

static void test_both_tiers(void **state)
{
	struct transcript *thread = run("thread"), *process = run("process");
	const char *left, *right = NULL;
	size_t n_words;

	(void)state;
	left = difference(thread->text, process->text, &right, &n_words);
	if (left) {
		left = line_of(thread->text, left);
		right = line_of(process->text, right);
		fail_msg("they differ:\nthread:  %.*s\nprocess: %.*s", line_length(left), left,
			 line_length(right), right);
	}
	/* It was told, and it came to its end. */
	assert_true(n_words > 10);
	assert_non_null(strstr(thread->text, "\nend\n"));
	/* Nothing is on the list that does not occur. */
	for (size_t i = 0; i < N_VARYING; i++)
		if (thread->n_replaced[i] == 0)
			fail_msg("never found: %s", varying[i].pattern);
	free(thread);
	free(process);
}

/* The comparison notices one byte, and a word in the wrong place. */
static void test_difference(void **state)
{
	static const struct {
		const char *left, *right;
		bool same;
	} cases[] = {
		{"tier thread, value 1", "tier process, value 1", true},
		{"thread thread", "process process", true},
		{"a process of a thread", "a process of a process", true},
		{"tier process", "tier thread", false},
		{"tier thread, value 1", "tier process, value 2", false},
		{"tier thread", "tier process ", false},
		{"tier threads", "tier process", false},
		{"", "x", false},
	};
	const char *right;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(difference(cases[i].left, cases[i].right, &right, &n) == NULL,
				 cases[i].same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_both_tiers),
	};

	return test_run_cases(tests, NULL, NULL);
}
