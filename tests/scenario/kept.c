/* kept.c - a watd that is started again whenever it dies. */
#include "tests/scenario/kept.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 60000u

/* Its children end with this thread. */
static void *keep(void *arg)
{
	struct kept *kept = arg;

	do {
		while (!test_daemon_try_start(&kept->desk.daemon))
			;
		kept->watd = kept->desk.daemon.pid;
		/* Whoever ended it may have meant the one before. */
		if (kept->over)
			(void)kill(kept->watd, SIGTERM);
		(void)test_daemon_wait(&kept->desk.daemon);
	} while (!kept->over);
	return NULL;
}

static void connect_to(const char *socket, wat **ret)
{
	while (wat_connect(socket, ret) != 0)
		(void)sched_yield();
	wat_set_timeout(*ret, PATIENCE_MS);
	wat_set_reconnect(*ret, PATIENCE_MS);
}

static void flag_of(const struct kept *kept, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/died", kept->desk.daemon.dir);
}

/* Where the file is already nobody dies. */
static void disarm(const char *flag)
{
	FILE *file = fopen(flag, "we");

	assert_non_null(file);
	(void)fclose(file);
}

void kept_arm(const struct kept *kept)
{
	char flag[96];

	flag_of(kept, flag, sizeof flag);
	assert_int_equal(unlink(flag), 0);
}

void kept_begin(struct kept *kept, const char *point, bool armed)
{
	char flag[96];

	test_daemon_init(&kept->desk.daemon, WAT_BUILD_DIR "/tests/plugins");
	flag_of(kept, flag, sizeof flag);
	if (!armed)
		disarm(flag);
	(void)setenv("WAT_CRASH_AT", point, 1);
	(void)setenv("WAT_CRASH_FLAG", flag, 1);
	/* A host that died says nothing to the sanitizer. */
	assert_int_equal(pthread_create(&kept->keeper, NULL, keep, kept), 0);
	while (kept->watd == 0)
		(void)sched_yield();
	connect_to(kept->desk.daemon.admin_socket, &kept->desk.admin_side);
	connect_to(kept->desk.daemon.socket, &kept->desk.user_side);
	assert_int_equal(wat_node_open(kept->desk.admin_side, &kept->desk.node), 0);
}

void kept_end(struct kept *kept)
{
	desk_disconnect(&kept->desk);
	kept->over = true;
	(void)kill(kept->watd, SIGTERM);
	assert_int_equal(pthread_join(kept->keeper, NULL), 0);
	test_daemon_deinit(&kept->desk.daemon);
}

bool kept_came(const struct kept *kept)
{
	char flag[96];

	flag_of(kept, flag, sizeof flag);
	return access(flag, F_OK) == 0;
}
