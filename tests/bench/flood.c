/* flood.c - what a client waits while another makes trouble. */
#include "tests/bench/flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/bench/child.h"
#include "tests/bench/machine.h"

#define CALLS_MAX 200000u

const char *const flood_names[N_FLOODS] = {
	[FLOOD_CONNECTS] = "connects",     [FLOOD_GARBAGE] = "garbage",     [FLOOD_CALLS] = "calls",
	[FLOOD_HANDSHAKES] = "handshakes", [FLOOD_ELSEWHERE] = "elsewhere",
};

struct scene {
	struct node node;
	struct node beside; /* another watd, with a gate of its own in the same place */
	bool tcp;
	wat *w;
	counter_user *innocent;
	char *token; /* the flooder's, for a counter in a process of its own */
	char *token_beside;
	cpu_set_t own, other;
	double *times;
	double calm_us; /* the best 99th percentile so far, alone */
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of as many round trips as there is time for. */
static double percentile_99(struct scene *scene, double seconds)
{
	double until = now_s() + seconds;
	size_t n = 0;

	while (n < CALLS_MAX && (n == 0 || now_s() < until)) {
		double start = now_s();

		if (counter_increment_with(scene->innocent, 1, NULL) != 0)
			fatal("the innocent: %s", wat_failure()->text);
		scene->times[n++] = (now_s() - start) * 1e6;
	}
	qsort(scene->times, n, sizeof *scene->times, compare);
	return scene->times[n * 99 / 100];
}

/* What the last flooder left behind is done with, or that takes too long. */
static void await_calm(struct scene *scene, double seconds)
{
	double until = now_s() + 20 * seconds;

	while (scene->calm_us > 0 && now_s() < until &&
	       percentile_99(scene, 0.05) > 2 * scene->calm_us)
		;
}

static double percentile_alone(struct scene *scene, double seconds)
{
	double us;

	await_calm(scene, seconds);
	us = percentile_99(scene, seconds);
	if (scene->calm_us <= 0 || us < scene->calm_us)
		scene->calm_us = us;
	return us;
}

static pid_t start_flooder(const struct scene *scene,
			   const char *dir,
			   enum flood flood,
			   bool beside)
{
	const struct node *node = beside ? &scene->beside : &scene->node;
	const char *port = strrchr(node->remote, ':') + 1;
	const char *place = scene->tcp ? port : node->socket;
	char log[160];
	char *arguments[] = {(char *)WAT_BUILD_DIR "/bin/bench-flood", (char *)flood_names[flood],
			     (char *)place, NULL, NULL};
	pid_t pid;

	if (flood == FLOOD_ELSEWHERE) {
		arguments[1] = (char *)flood_names[FLOOD_HANDSHAKES];
		arguments[3] = (char *)"127.0.0.2";
	}
	if (flood == FLOOD_CALLS) {
		arguments[2] = (char *)(scene->tcp ? node->remote : node->socket);
		arguments[3] = beside ? scene->token_beside : scene->token;
	}
	(void)snprintf(log, sizeof log, "%s/flooder.log", dir);
	pid = child_start(arguments, log, NULL);
	tree_pin(pid, &scene->other);
	return pid;
}

static double percentile_flooded(struct scene *scene,
				 const char *dir,
				 enum flood flood,
				 bool beside,
				 double seconds)
{
	pid_t pid = start_flooder(scene, dir, flood, beside);
	double us;

	/* It begins. */
	(void)percentile_99(scene, 0.05);
	us = percentile_99(scene, seconds);
	child_end(pid);
	return us;
}

static void measure(struct scene *scene,
		    const char *dir,
		    enum flood flood,
		    double seconds,
		    struct flooded *ret)
{
	series_add(&ret->alone_us, percentile_alone(scene, seconds));
	series_add(&ret->flooded_us, percentile_flooded(scene, dir, flood, false, seconds));
	await_calm(scene, seconds);
	series_add(&ret->beside_us, percentile_flooded(scene, dir, flood, true, seconds));
}

/* What is started from here on shares the flooder's core. */
static void place(struct scene *scene)
{
	cpu_set_t all;
	int last = cores_here(&all, &scene->own);

	scene->other = all;
	if (CPU_COUNT(&all) > 1)
		CPU_CLR((size_t)last, &scene->other);
	tree_pin(scene->node.pid, &scene->own);
	process_pin(scene->node.pid, &scene->other);
	tree_pin(scene->beside.pid, &scene->own);
	process_pin(scene->beside.pid, &scene->other);
	process_pin(getpid(), &scene->own);
}

static char *make_user(struct node *node, const char *name)
{
	counter_admin *admin = node_spawn(node, name, WAT_TIER_PROCESS, WAT_DURABILITY_NONE);
	counter_user *user = node_user(admin, "u");
	char *token = NULL;

	if (counter_user_token(user, &token) != 0)
		fatal("%s: %s", name, wat_failure()->text);
	counter_user_free(user);
	counter_admin_free(admin);
	return token;
}

static void begin(struct scene *scene, const char *dir)
{
	char *token;

	char beside[160];

	(void)snprintf(beside, sizeof beside, "%s/beside", dir);
	if (mkdir(beside, 0700) < 0)
		fatal("%s", beside);
	node_start(&scene->node, dir);
	node_start(&scene->beside, beside);
	token = make_user(&scene->node, "quiet");
	if (wat_connect(scene->tcp ? scene->node.remote : scene->node.socket, &scene->w) != 0 ||
	    counter_user_open(scene->w, token, &scene->innocent) != 0)
		fatal("the innocent: %s", wat_failure()->text);
	wat_memory_free(token);
	place(scene);
	scene->token = make_user(&scene->node, "loud");
	scene->token_beside = make_user(&scene->beside, "loud");
}

void flood_measure(const char *dir,
		   bool tcp,
		   size_t n_rounds,
		   double seconds,
		   struct flooded ret[static N_FLOODS])
{
	struct scene scene = {.tcp = tcp, .times = calloc(CALLS_MAX, sizeof *scene.times)};
	cpu_set_t before;
	char own[128];

	(void)snprintf(own, sizeof own, "%s/flood-%s", dir, tcp ? "tcp" : "unix");
	if (!scene.times || mkdir(own, 0700) < 0 ||
	    sched_getaffinity(0, sizeof before, &before) < 0)
		fatal("%s", own);
	begin(&scene, own);
	for (size_t round = 0; round < n_rounds; round++)
		for (enum flood flood = 0; flood < (tcp ? N_FLOODS : FLOOD_HANDSHAKES); flood++)
			measure(&scene, own, flood, seconds, &ret[flood]);
	process_pin(getpid(), &before);
	counter_user_free(scene.innocent);
	wat_free(scene.w);
	wat_memory_free(scene.token);
	wat_memory_free(scene.token_beside);
	free(scene.times);
	node_end(&scene.beside);
	node_end(&scene.node);
}
