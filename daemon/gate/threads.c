/* threads.c - the two threads of the gate. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/log.h"
#include "daemon/gate/gate.h"

#define PATIENCE 10 /* so much nicer is the patient thread */

struct beginning {
	struct gate *gate;
	int (*enter)(void);
	pthread_mutex_t lock;
	pthread_cond_t entered;
	bool is_over;
	int r; /* what enter said */
};

static bool enter(struct beginning *beginning)
{
	int r = beginning->enter();

	(void)pthread_mutex_lock(&beginning->lock);
	beginning->is_over = true;
	beginning->r = r;
	(void)pthread_cond_signal(&beginning->entered);
	(void)pthread_mutex_unlock(&beginning->lock);
	return r >= 0;
}

static void *run_prompt(void *arg)
{
	struct beginning *beginning = arg;
	struct loop *loop = &beginning->gate->prompt;

	/* The beginning is over for the other thread, too, from there on. */
	if (enter(beginning))
		(void)!loop_run(loop);
	return NULL;
}

static int await(struct beginning *beginning)
{
	(void)pthread_mutex_lock(&beginning->lock);
	while (!beginning->is_over)
		(void)pthread_cond_wait(&beginning->entered, &beginning->lock);
	(void)pthread_mutex_unlock(&beginning->lock);
	return beginning->r < 0 ? beginning->r : 0;
}

static int start_thread(struct beginning *beginning)
{
	struct gate *gate = beginning->gate;
	sigset_t all, before;
	int r;

	/* Signals are for the main thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&gate->prompt_thread, NULL, run_prompt, beginning);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	gate->has_prompt_thread = true;
	(void)pthread_setname_np(gate->prompt_thread, "watd-gate prompt");
	return await(beginning);
}

/* Of the calling thread only: that is what Linux takes a process of the number 0 for. */
static int lower_priority(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (nice == -1 && errno != 0)
		return -errno;
	return setpriority(PRIO_PROCESS, 0, nice + PATIENCE) < 0 ? -errno : 0;
}

/* A system service may not touch priorities. */
static void give_way(struct loop *loop)
{
	int r = lower_priority();

	loop->yields = r < 0;
	if (r < 0)
		log_info("the gate may not lower its priority for peers that have proved nothing, "
			 "and yields to others instead",
			 "error", strerror(-r));
}

int gate_start(struct gate *gate, int (*enter_sandbox)(void))
{
	/* The other thread may still be on its way out of the lock when this returns. */
	static struct beginning beginning = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.entered = PTHREAD_COND_INITIALIZER,
	};
	int r;

	beginning.gate = gate;
	beginning.enter = enter_sandbox;
	r = start_thread(&beginning);

	if (r < 0)
		return r;
	give_way(&gate->patient);
	r = enter_sandbox();
	return r < 0 ? r : 0;
}
