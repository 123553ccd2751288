/* test_descriptors.c - the descriptors of watd's processes, as /proc shows them after spawns of
 * both tiers. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/confinement/thieves.h"

#define PROCESSES 3u

/* What a descriptor is, and whether it writes. */
struct held {
	char is[256];
	bool writes;
};

static bool look(pid_t pid, const char *name, struct held *ret)
{
	char path[96], line[128];
	unsigned flags = 0;
	FILE *file;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, name);
	n = readlink(path, ret->is, sizeof ret->is - 1);
	if (n <= 0)
		return false;
	ret->is[n] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	(void)fclose(file);
	ret->writes = (flags & 3) != 0;
	return true;
}

/* Calls for each descriptor of the process. */
static void each(pid_t pid, void (*seen)(const struct held *, void *), void *arg)
{
	char path[64];
	struct dirent *entry;
	struct held held;
	DIR *dir;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && look(pid, entry->d_name, &held))
			seen(&held, arg);
	(void)closedir(dir);
}

struct list_check {
	const char *journals;
	size_t n_sockets, n_pipes, n_files;
};

static void check_named(const struct held *held, void *arg)
{
	struct list_check *check = arg;
	bool socket = strncmp(held->is, "socket:", 7) == 0;
	bool pipe = strncmp(held->is, "pipe:", 5) == 0;
	bool file = strncmp(held->is, check->journals, strlen(check->journals)) == 0;

	check->n_sockets += socket;
	check->n_pipes += pipe;
	check->n_files += file;
	if (!socket && !pipe && !file && strcmp(held->is, "/dev/null") != 0 &&
	    strcmp(held->is, "anon_inode:[eventpoll]") != 0 &&
	    strcmp(held->is, "anon_inode:[eventfd]") != 0)
		fail_msg("a host holds %s", held->is);
}

/* Nothing is held beyond what has a name: /dev/null, two pipes for output, the lifeline, the
 * control socket, the one channel, the one segment, and the loops' own. */
static void assert_named(const struct thieves *t, pid_t host)
{
	char journals[128];
	struct list_check check = {.journals = journals};

	(void)snprintf(journals, sizeof journals, "%s/state/journal/", t->c->daemon.dir);
	each(host, check_named, &check);
	assert_int_equal(check.n_sockets, 2);
	assert_int_equal(check.n_files, 1);
	assert_true(check.n_pipes >= 3);
}

struct count {
	const char *is;
	size_t n_writers;
};

static void count_writer(const struct held *held, void *arg)
{
	struct count *count = arg;

	count->n_writers += held->writes && strcmp(held->is, count->is) == 0;
}

/* Of all of watd's processes. */
static size_t writers_of(const pid_t *processes, const char *is)
{
	struct count count = {.is = is};

	for (size_t i = 0; i < PROCESSES; i++)
		each(processes[i], count_writer, &count);
	return count.n_writers;
}

static void assert_one_writer(const pid_t *processes, pid_t host, const char *number)
{
	struct held held;

	assert_true(look(host, number, &held));
	assert_memory_equal(held.is, "pipe:", 5);
	assert_int_equal(writers_of(processes, held.is), 1);
}

/* A host holds what is on the list and no more, none of it both ends of something, and each of the
 * pipes between it and watd has one writer: the host of its output, watd of the lifeline
 * (row 75). */
static void test_after_spawns(void **state)
{
	struct thieves *t = *state;
	burglar_user *users[2];
	pid_t processes[PROCESSES];
	struct held held;

	thieves_start(t, "");
	assert_int_equal(thieves_spawn(t, "p", WAT_TIER_PROCESS, &users[0]), 0);
	assert_int_equal(thieves_spawn(t, "t", WAT_TIER_THREAD, &users[1]), 0);
	processes[0] = t->c->daemon.pid;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(burglar_count_with(users[i], &(uint64_t){0}), 0);
		processes[1 + i] = thieves_host(t, i == 0 ? "p" : "t");
	}
	for (size_t i = 1; i < PROCESSES; i++) {
		assert_named(t, processes[i]);
		assert_one_writer(processes, processes[i], "1");
		assert_one_writer(processes, processes[i], "2");
		assert_one_writer(processes, processes[i], "4");
		assert_true(look(processes[i], "4", &held));
		assert_false(held.writes);
	}
	burglar_user_free(users[0]);
	burglar_user_free(users[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {THIEVES_CASE(test_after_spawns)};

	return test_run_cases(tests, NULL, NULL);
}
