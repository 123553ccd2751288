/* line_up.c - everybody who is measured. */
#include "tests/bench/line_up.h"

#include <stdio.h>
#include <sys/types.h>

#include "tests/bench/child.h"

static void start_echoes(struct line_up *line_up, const char *dir)
{
	struct contestant *all = line_up->contestants;

	echo_start(&line_up->echo, WAT_BUILD_DIR "/bin/bench-echo", dir);
	raw_start(&all[RAW], &line_up->echo);
	frames_start(&all[FRAMES], &line_up->echo, false);
	frames_start(&all[MESSAGES], &line_up->echo, true);
	echo_start_tcp(&line_up->echo_tcp, WAT_BUILD_DIR "/bin/bench-echo", dir);
	raw_start(&all[RAW_TCP], &line_up->echo_tcp);
}

static void start_services(struct line_up *line_up)
{
	struct contestant *all = line_up->contestants;
	struct node *node = &line_up->node;

	service_start(&all[THREAD], "thread, none", node, WAT_TIER_THREAD, WAT_DURABILITY_NONE);
	service_start(&all[PROCESS], "process, none", node, WAT_TIER_PROCESS, WAT_DURABILITY_NONE);
	service_start(&all[THREAD_CRASH], "thread, crash", node, WAT_TIER_THREAD,
		      WAT_DURABILITY_CRASH);
	service_start(&all[PROCESS_CRASH], "process, crash", node, WAT_TIER_PROCESS,
		      WAT_DURABILITY_CRASH);
	service_start(&all[THREAD_SYNC], "thread, sync", node, WAT_TIER_THREAD,
		      WAT_DURABILITY_SYNC);
	service_start(&all[PROCESS_SYNC], "process, sync", node, WAT_TIER_PROCESS,
		      WAT_DURABILITY_SYNC);
	service_start_tcp(&all[THREAD_TCP], "thread, none", node, WAT_TIER_THREAD,
			  WAT_DURABILITY_NONE);
	service_start_tcp(&all[PROCESS_TCP], "process, none", node, WAT_TIER_PROCESS,
			  WAT_DURABILITY_NONE);
	service_start_tcp(&all[PROCESS_CRASH_TCP], "process, crash", node, WAT_TIER_PROCESS,
			  WAT_DURABILITY_CRASH);
}

static void start_redis(struct line_up *line_up, const char *dir)
{
	struct contestant *all = line_up->contestants;

	if (!program_exists("redis-server") || !program_exists("redis-benchmark")) {
		fputs("wat-bench: redis-server and redis-benchmark are not there; going on without "
		      "them\n",
		      stderr);
		return;
	}
	redis_start(&all[REDIS], dir);
	redis_start_tcp(&all[REDIS_TCP], dir);
	redis_start_durable(&all[REDIS_ALWAYS], dir, "Redis, always", "always");
	redis_start_durable(&all[REDIS_EVERYSEC], dir, "Redis, everysec", "everysec");
	redis_version(line_up->redis_version, sizeof line_up->redis_version);
}

void line_up_start(struct line_up *ret, const char *dir)
{
	*ret = (struct line_up){0};
	start_echoes(ret, dir);
	node_start(&ret->node, dir);
	start_services(ret);
	start_redis(ret, dir);
	if (grpc_exists())
		grpc_start(&ret->contestants[GRPC], dir);
	else
		fputs("wat-bench: bench-grpc was not built (make bench does); going on without "
		      "it\n",
		      stderr);
	fdatasync_start(&ret->contestants[FDATASYNC], dir);
	sqlite_start(&ret->contestants[SQLITE], dir);
}

static bool is_service(const struct contestant *contestant, const struct node *node)
{
	return contestant->pid == node->pid;
}

void line_up_end(struct line_up *line_up)
{
	for (enum who who = 0; who < N_CONTESTANTS; who++) {
		struct contestant *contestant = &line_up->contestants[who];

		if (is_service(contestant, &line_up->node))
			service_end(contestant);
		else if (contestant->pid != line_up->echo.pid &&
			 contestant->pid != line_up->echo_tcp.pid)
			child_end(contestant->pid);
	}
	node_end(&line_up->node);
	child_end(line_up->echo.pid);
	child_end(line_up->echo_tcp.pid);
}
