/* leaks.c - what a process holds, read from /proc. */
#include "tests/lib/leaks.h"

#include <sched.h>
#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 4096

struct leaks {
	bool open[DESCRIPTORS_MAX];
};

bool leaks_hold_children(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
	       prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

static void for_each_number(const char *dir, void (*each)(long number, void *arg), void *arg)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;

	if (!entries) {
		perror(dir);
		exit(2);
	}
	while ((entry = readdir(entries)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') {
			long number = atol(entry->d_name);

			if (number != dirfd(entries))
				each(number, arg);
		}
	closedir(entries);
}

static void note_open(long fd, void *arg)
{
	struct leaks *leaks = arg;

	if (fd < DESCRIPTORS_MAX)
		leaks->open[fd] = true;
}

struct leaks *leaks_note(void)
{
	struct leaks *leaks = calloc(1, sizeof *leaks);

	if (!leaks) {
		perror("calloc");
		exit(2);
	}
	for_each_number("/proc/self/fd", note_open, leaks);
	return leaks;
}

struct leaks *leaks_free(struct leaks *leaks)
{
	free(leaks);
	return NULL;
}

struct comparison {
	const struct leaks *before;
	size_t n;
};

static void compare_open(long fd, void *arg)
{
	struct comparison *comparison = arg;
	char path[64], target[256];
	ssize_t n;

	if (fd < DESCRIPTORS_MAX && comparison->before->open[fd])
		return;
	snprintf(path, sizeof path, "/proc/self/fd/%ld", fd);
	n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	printf("leaked descriptor %ld: %s\n", fd, target);
	comparison->n++;
}

/* Its name and parent; false if there is no such process any more. */
static bool read_stat(long pid, char name[static 32], char *ret_state, long *ret_parent)
{
	char path[64], line[512];
	_cleanup_(file_closep) FILE *file = NULL;
	const char *start, *end;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof line, file))
		return false;
	start = strchr(line, '(');
	end = strrchr(line, ')');
	if (!start || !end || sscanf(end + 1, " %c %ld", ret_state, ret_parent) != 2)
		return false;
	snprintf(name, 32, "%.*s", (int)(end - start - 1), start + 1);
	return true;
}

static void compare_child(long pid, void *arg)
{
	struct comparison *comparison = arg;
	char name[32], state = '?';
	long parent = 0;

	/* One that watd had forked when it was killed is a host or a gate in a moment, or has
	 * ended. */
	do
		if (!read_stat(pid, name, &state, &parent) || parent != (long)getpid())
			return;
	while (strcmp(name, "watd") == 0 && (state == 'R' || state == 'D') && sched_yield() == 0);
	if (strcmp(name, "watd-host") == 0 || strcmp(name, "watd-gate") == 0 ||
	    (strcmp(name, "watd") == 0 && state == 'Z')) {
		(void)waitpid((pid_t)pid, NULL, 0);
		return;
	}
	printf("leaked child %ld: %s (state %c)\n", pid, name, state);
	comparison->n++;
}

size_t leaks_compare(const struct leaks *before)
{
	struct comparison comparison = {.before = before};

	for_each_number("/proc/self/fd", compare_open, &comparison);
	for_each_number("/proc", compare_child, &comparison);
	fflush(stdout);
	return comparison.n;
}

static int print_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	if (ftw->level > 0)
		printf("       %s\n", path);
	return 0;
}

void leaks_print_files(const char *dir)
{
	nftw(dir, print_entry, 16, FTW_PHYS);
}
