/* main.c - wat-bench: what a call costs, against a bare echo, Redis and gRPC, in one run.
 *
 *   wat-bench [--seconds S] [--rounds N] [--json FILE] [--only PART] [--smoke]
 *
 * The client is this process; the servers are its children. See docs/bench.md. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/child.h"
#include "tests/bench/line_up.h"
#include "tests/bench/machine.h"
#include "tests/bench/report.h"

struct bench {
	double seconds; /* of load, for each figure */
	size_t n_rounds;
	const char *json;
	bool smoke;
	const char *part; /* alone; NULL: all, and everything else */
	cpu_set_t all, one;
	struct line_up line_up;
	struct report report;
};

void fatal(const char *format, ...)
{
	va_list arguments;

	fputs("wat-bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static double clock_s(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

double own_cpu_s(void)
{
	return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void measure(struct contestant *contestant,
		    enum load load,
		    double seconds,
		    struct figures *figures)
{
	struct run run = {0};
	const pid_t pid = contestant->pid;
	double own = own_cpu_s(), server = pid > 0 ? tree_cpu_s(pid) : 0;

	contestant->run(contestant, load, seconds, &run);
	run.cpu_s += (pid > 0 ? tree_cpu_s(pid) : 0) - server + own_cpu_s() - own;
	series_add(&figures->wall_us, run.wall_s / run.n_calls * 1e6);
	series_add(&figures->cpu_us, run.cpu_s / run.n_calls * 1e6);
}

static bool takes_part(const struct bench *bench, enum who who)
{
	return bench->line_up.contestants[who].run != NULL;
}

static void place(struct bench *bench, enum placement placement)
{
	const cpu_set_t *cores = placement == PINNED ? &bench->one : &bench->all;

	tree_pin(getpid(), cores);
}

/* A B C A B C ...; the first round, in which caches and buffers fill, is not kept. */
static void measure_load(struct bench *bench,
			 const struct group *group,
			 enum placement placement,
			 enum load load)
{
	struct figures unused;
	double seconds = bench->report.seconds;

	for (size_t round = 0; round <= bench->n_rounds; round++)
		for (enum who who = group->first; who <= group->last; who++) {
			struct figures *kept = &bench->report.figures[placement][load][who];

			unused.wall_us.n = unused.cpu_us.n = 0;
			if (takes_part(bench, who))
				measure(&bench->line_up.contestants[who], load, seconds,
					round == 0 ? &unused : kept);
		}
}

static void measure_group(struct bench *bench, const struct group *group)
{
	for (enum placement placement = 0; placement < N_PLACEMENTS; placement++) {
		if (!group->placements[placement])
			continue;
		place(bench, placement);
		for (enum load load = 0; load < N_LOADS; load++)
			measure_load(bench, group, placement, load);
	}
}

static void measure_lives(struct bench *bench)
{
	struct report *report = &bench->report;

	report->has_life = true;
	life_measure(&bench->line_up.node, WAT_TIER_THREAD, &report->life_size,
		     &report->life[THREAD]);
	life_measure(&bench->line_up.node, WAT_TIER_PROCESS, &report->life_size,
		     &report->life[PROCESS]);
	if (takes_part(bench, REDIS))
		life_connections(bench->line_up.contestants[REDIS].pid,
				 redis_socket(&bench->line_up.contestants[REDIS]),
				 report->life_size.n_connections, &report->life[REDIS].connection);
}

static void measure_crowds(struct bench *bench, const char *dir)
{
	struct report *report = &bench->report;

	place(bench, UNPINNED);
	for (enum crowd_kind kind = 0; kind < N_CROWDS; kind++)
		crowd_measure(dir, kind, report->n_crowd, &report->crowds[kind]);
}

static void measure_recoveries(struct bench *bench, const char *dir)
{
	struct report *report = &bench->report;

	place(bench, UNPINNED);
	recovery_measure(dir, WAT_TIER_THREAD, bench->smoke ? 3 : 1000, &report->recoveries[0]);
	recovery_measure(dir, WAT_TIER_PROCESS, bench->smoke ? 3 : 200, &report->recoveries[1]);
	recovery_measure_calls(dir, bench->smoke ? 1000 : 1000000, &report->replayed);
}

static void measure_floods(struct bench *bench, const char *dir)
{
	struct report *report = &bench->report;
	size_t n_rounds = bench->smoke ? 1 : bench->n_rounds;

	place(bench, UNPINNED);
	flood_measure(dir, false, n_rounds, report->seconds, report->floods[0]);
	flood_measure(dir, true, n_rounds, report->seconds, report->floods[1]);
}

/* Descriptors for idle connections, in the gate up to three for each; or as many as may be. */
static void raise_files(size_t n_wanted)
{
	struct rlimit more = {3 * n_wanted + 1000, 3 * n_wanted + 1000};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fatal("getrlimit: %s", strerror(errno));
	if (limit.rlim_max < more.rlim_max && setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void describe(struct bench *bench)
{
	struct report *report = &bench->report;
	struct utsname system;

	processor_name(report->processor, sizeof report->processor);
	if (uname(&system) == 0)
		(void)snprintf(report->kernel, sizeof report->kernel, "%s", system.release);
	(void)getloadavg(&report->load, 1);
	report->core = cores_here(&bench->all, &bench->one);
	report->n_cores = CPU_COUNT(&bench->all);
	report->n_rounds = bench->n_rounds;
	report->seconds = bench->seconds / (double)bench->n_rounds;
	report->life_size =
		bench->smoke ? (struct life_size){1, 1, 8} : (struct life_size){20, 20, 1000};
	report->n_crowd = bench->smoke ? 8 : 10000;
	raise_files(report->n_crowd);
}

static void start(struct bench *bench, const char *dir)
{
	struct report *report = &bench->report;

	line_up_start(&bench->line_up, dir);
	(void)snprintf(report->redis, sizeof report->redis, "%s", bench->line_up.redis_version);
	for (enum who who = 0; who < N_CONTESTANTS; who++)
		report->names[who] = bench->line_up.contestants[who].name;
}

static bool is_wanted(const struct bench *bench, const char *part)
{
	return !bench->part || strcmp(bench->part, part) == 0;
}

static bool is_part(const char *name)
{
	static const char *const parts[] = {"unix",  "tcp",      "disk", "life",
					    "crowd", "recovery", "flood"};

	for (size_t i = 0; name && i < sizeof parts / sizeof *parts; i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	return !name;
}

static void parse(struct bench *bench, int argc, char **argv)
{
	static const struct option table[] = {
		{"seconds", required_argument, NULL, 's'}, {"rounds", required_argument, NULL, 'r'},
		{"json", required_argument, NULL, 'j'},    {"smoke", no_argument, NULL, 'k'},
		{"only", required_argument, NULL, 'o'},    {0}};
	int which;

	while ((which = getopt_long(argc, argv, "", table, NULL)) >= 0)
		if (which == 's')
			bench->seconds = strtod(optarg, NULL);
		else if (which == 'r')
			bench->n_rounds = strtoul(optarg, NULL, 10);
		else if (which == 'j')
			bench->json = optarg;
		else if (which == 'k')
			*bench = (struct bench){.seconds = 0.01, .n_rounds = 1, .smoke = true};
		else if (which == 'o')
			bench->part = optarg;
		else
			exit(64);
	if (!is_part(bench->part) || !(bench->seconds > 0) || bench->n_rounds == 0 ||
	    bench->n_rounds > ROUNDS_MAX || optind < argc)
		fatal("usage: wat-bench [--seconds S] [--rounds N (at most %u)] [--json FILE] "
		      "[--only PART] [--smoke]",
		      ROUNDS_MAX);
}

int main(int argc, char **argv)
{
	static struct bench bench = {.seconds = 3, .n_rounds = 7};
	const char *dir = getenv("TMPDIR");

	parse(&bench, argc, argv);
	if (!dir)
		fatal("$TMPDIR names no directory of its own; start it by tests/bench/run.sh");
	describe(&bench);
	start(&bench, dir);
	for (size_t i = 0; i < N_GROUPS; i++)
		if (is_wanted(&bench, groups[i].key))
			measure_group(&bench, &groups[i]);
	if (is_wanted(&bench, "life"))
		measure_lives(&bench);
	if (is_wanted(&bench, "crowd"))
		measure_crowds(&bench, dir);
	if (is_wanted(&bench, "flood"))
		measure_floods(&bench, dir);
	if (is_wanted(&bench, "recovery"))
		measure_recoveries(&bench, dir);
	line_up_end(&bench.line_up);
	page_print(&bench.report, stdout);
	if (bench.json && json_write(&bench.report, bench.json) < 0)
		fatal("%s can't be written", bench.json);
	return 0;
}
