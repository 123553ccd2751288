/* machine.c - processes as the kernel counts them. Reads /proc; owns nothing. */
#include "tests/bench/machine.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"
#include "tests/bench/bench.h"

#define TREE_MAX 256u

static FILE *__attribute__((format(printf, 1, 2))) open_proc(const char *format, ...)
{
	char path[128];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	return fopen(path, "re");
}

struct tree {
	pid_t pids[TREE_MAX];
	size_t n;
};

typedef void visit_thread(pid_t pid, pid_t tid, void *arg);

static void visit_threads(pid_t pid, visit_thread *visit, void *arg)
{
	char path[64];
	DIR *dir;
	const struct dirent *entry;

	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			visit(pid, (pid_t)strtol(entry->d_name, NULL, 10), arg);
	(void)closedir(dir);
}

static void add_children(pid_t pid, pid_t tid, void *arg)
{
	_cleanup_(file_closep) FILE *file =
		open_proc("/proc/%d/task/%d/children", (int)pid, (int)tid);
	struct tree *tree = arg;
	int child;

	while (file && fscanf(file, "%d", &child) == 1)
		if (tree->n < TREE_MAX)
			tree->pids[tree->n++] = (pid_t)child;
}

/* Breadth first: the list grows while it is walked. */
static struct tree tree_of(pid_t root)
{
	struct tree tree = {.pids = {root}, .n = 1};

	for (size_t i = 0; i < tree.n; i++)
		visit_threads(tree.pids[i], add_children, &tree);
	return tree;
}

/* schedstat counts nanoseconds; stat counts ticks of 10 ms. */
static void add_time(pid_t pid, pid_t tid, void *arg)
{
	_cleanup_(file_closep) FILE *file =
		open_proc("/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	unsigned long long ns;

	if (file && fscanf(file, "%llu", &ns) == 1)
		*(double *)arg += (double)ns / 1e9;
}

double tree_cpu_s(pid_t root)
{
	struct tree tree = tree_of(root);
	double seconds = 0;

	for (size_t i = 0; i < tree.n; i++)
		visit_threads(tree.pids[i], add_time, &seconds);
	return seconds;
}

static void pin_thread(pid_t pid, pid_t tid, void *arg)
{
	(void)pid;
	/* A thread that has just ended needs no core. */
	(void)sched_setaffinity(tid, sizeof(cpu_set_t), arg);
}

void tree_pin(pid_t root, const cpu_set_t *cores)
{
	struct tree tree = tree_of(root);
	cpu_set_t set = *cores;

	for (size_t i = 0; i < tree.n; i++)
		visit_threads(tree.pids[i], pin_thread, &set);
}

void process_pin(pid_t pid, const cpu_set_t *cores)
{
	cpu_set_t set = *cores;

	visit_threads(pid, pin_thread, &set);
}

/* The number after "NAME:", in bytes; 0 if there is none. */
static double kibibytes(FILE *file, const char *name)
{
	char line[256];
	size_t n = strlen(name);

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			return 1024.0 * strtod(line + n + 1, NULL);
	return 0;
}

struct memory process_memory(pid_t pid)
{
	_cleanup_(file_closep) FILE *status = open_proc("/proc/%d/status", (int)pid);
	_cleanup_(file_closep) FILE *rollup = open_proc("/proc/%d/smaps_rollup", (int)pid);

	return (struct memory){kibibytes(status, "VmRSS"), kibibytes(rollup, "Pss")};
}

struct memory tree_memory(pid_t root)
{
	struct tree tree = tree_of(root);
	struct memory all = {0};
	bool has_pss = true;

	for (size_t i = 0; i < tree.n; i++) {
		struct memory one = process_memory(tree.pids[i]);

		all.rss += one.rss;
		all.pss += one.pss;
		has_pss = has_pss && one.pss > 0;
	}
	if (!has_pss)
		all.pss = 0;
	return all;
}

double kernel_memory(void)
{
	_cleanup_(file_closep) FILE *file = open_proc("/proc/meminfo");

	return kibibytes(file, "Slab");
}

int cores_here(cpu_set_t *ret_all, cpu_set_t *ret_last)
{
	size_t last = 0;

	if (sched_getaffinity(0, sizeof *ret_all, ret_all) < 0)
		fatal("the cores of this process can't be asked for");
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, ret_all))
			last = i;
	CPU_ZERO(ret_last);
	CPU_SET(last, ret_last);
	return (int)last;
}

void processor_name(char *ret_name, size_t size)
{
	_cleanup_(file_closep) FILE *file = open_proc("/proc/cpuinfo");
	char line[256];

	(void)snprintf(ret_name, size, "a processor without a name");
	while (file && fgets(line, sizeof line, file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		(void)snprintf(ret_name, size, "%s", colon + 2);
		return;
	}
}
