/* starter.c - a plugin that imports what starts threads, processes and programs. It is never
 * loaded. */
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "starter.service.h"

static void *run(void *arg)
{
	return arg;
}

wat_status starter_on_go(struct starter_go_call *call,
			 starter_state *state,
			 const wat_empty *in,
			 starter_state *out)
{
	static char *const arguments[] = {(char *)"true", NULL};
	pthread_t thread;
	pid_t pid = fork();

	(void)in;
	(void)execv("/bin/true", arguments);
	(void)posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, NULL);
	(void)pclose(popen("true", "r"));
	if (system("true") != 0 || pthread_create(&thread, NULL, run, NULL) != 0)
		return wat_fail(call, WAT_INTERNAL, "no");
	out->n = ++state->n;
	return WAT_OK;
}
