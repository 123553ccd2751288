/* ctl.c - watctl against a real watd. */
#include "tests/watctl/ctl.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 24

struct test_daemon the_daemon;
struct test_output out;

static int start(const char *plugin_dir)
{
	unsetenv("WAT_TOKEN_FILE");
	test_daemon_init(&the_daemon, plugin_dir);
	test_daemon_start(&the_daemon);
	return 0;
}

int ctl_start(void **state)
{
	(void)state;
	return start(NULL);
}

int ctl_start_with_test_plugins(void **state)
{
	(void)state;
	return start(WAT_BUILD_DIR "/tests/plugins");
}

int ctl_start_with_drift(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	unsetenv("WAT_TOKEN_FILE");
	test_daemon_init(&the_daemon, NULL);
	(void)snprintf(path, sizeof path, "%s/conf", the_daemon.dir);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/conf/watd.conf", the_daemon.dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs("[plugin drift]\nfile = " WAT_BUILD_DIR "/tests/plugins/drift.so\n"
			  "[plugin probe]\nfile = " WAT_BUILD_DIR "/tests/plugins/probe.so\n",
			  file) >= 0);
	assert_int_equal(fclose(file), 0);
	test_daemon_start(&the_daemon);
	return 0;
}

int ctl_end(void **state)
{
	(void)state;
	test_daemon_deinit(&the_daemon);
	return 0;
}

void assert_ends(int code, const char *said)
{
	if (out.code != code || !strstr(out.err, said))
		fail_msg("expected %d and \"%s\", got %d: %s", code, said, out.code, out.err);
}

void assert_prints(const char *text)
{
	if (out.code != 0 || !strstr(out.out, text))
		fail_msg("expected \"%s\", got %d: %s%s", text, out.code, out.out, out.err);
}

json_t *document(void)
{
	json_error_t error;
	json_t *parsed = json_loads(out.out, 0, &error);

	if (!parsed)
		fail_msg("no JSON: %s: %s", error.text, out.out);
	return parsed;
}

void assert_string(const json_t *object, const char *key, const char *expected)
{
	const char *got = json_string_value(json_object_get(object, key));

	assert_non_null(got);
	assert_string_equal(got, expected);
}

void assert_number(const json_t *object, const char *key, json_int_t expected)
{
	const json_t *got = json_object_get(object, key);

	assert_true(json_is_integer(got));
	assert_int_equal(json_integer_value(got), expected);
}

static void __attribute__((noreturn))
become_watctl(const char *const *arguments, int to, pid_t parent)
{
	const char *all[ARGUMENTS_MAX] = {"watctl", "-s", the_daemon.socket};
	char keyring[96];
	size_t n = 3;

	while (*arguments && n < ARGUMENTS_MAX - 1)
		all[n++] = *arguments++;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(to, 1) < 0)
		_exit(126);
	snprintf(keyring, sizeof keyring, "%s/keyring", the_daemon.dir);
	setenv("WAT_KEYRING", keyring, 1);
	execv(WAT_BUILD_DIR "/bin/watctl", (char *const *)(uintptr_t)all);
	_exit(127);
}

void ctl_run(struct ctl_running *running, const char *const *arguments)
{
	pid_t parent = getpid();
	int pipe_[2];

	assert_int_equal(pipe2(pipe_, O_CLOEXEC), 0);
	running->pid = fork();
	assert_true(running->pid >= 0);
	if (running->pid == 0)
		become_watctl(arguments, pipe_[1], parent);
	close(pipe_[1]);
	running->lines = fdopen(pipe_[0], "r");
	assert_non_null(running->lines);
}

json_t *ctl_next(struct ctl_running *running)
{
	char line[8192];
	json_t *parsed;

	if (!fgets(line, sizeof line, running->lines))
		return NULL;
	parsed = json_loads(line, 0, NULL);
	if (!parsed)
		fail_msg("no JSON: %s", line);
	return parsed;
}

int ctl_finish(struct ctl_running *running, bool kill_it)
{
	int status;

	if (kill_it)
		kill(running->pid, SIGKILL);
	fclose(running->lines);
	assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
