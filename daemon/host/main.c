/* main.c - program watd-host: where services run. Started by watd and by nobody else; what it is to
 * do comes over its control socket, so its arguments are empty, and there is no environment.
 *
 * Threads: the main one (control.c), one that waits for the end of watd (lifeline.c), and one for
 * each instance (service_loop.c). There is but the main one until the process is confined, which is
 * what watd asks of it first (confine.c). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/title.h"
#include "daemon/host/control.h"
#include "daemon/host/fault.h"
#include "daemon/host/lifeline.h"
#include "daemon/host/modules.h"

/* What watd hands down, by number; 0 is /dev/null, 1 and 2 are pipes. */
enum inherited { FD_CONTROL = 3, FD_LIFELINE = 4, FD_ATTRIBUTION = 5, FD_END = 6 };

#define EXIT_USAGE 64

/* By hand there is nothing that a host could do. */
static bool was_started_by_watd(void)
{
	struct stat control, lifeline, page;

	return fstat(FD_CONTROL, &control) == 0 && S_ISSOCK(control.st_mode) &&
	       fstat(FD_LIFELINE, &lifeline) == 0 && S_ISFIFO(lifeline.st_mode) &&
	       fstat(FD_ATTRIBUTION, &page) == 0 &&
	       page.st_size >= (off_t)sizeof(struct attribution);
}

/* watd decides when a host ends, also when a terminal signals all of them at once. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		(void)sigaction(ignored[i], &action, NULL);
}

static struct attribution *map_attribution(void)
{
	void *page = mmap(NULL, sizeof(struct attribution), PROT_READ | PROT_WRITE, MAP_SHARED,
			  FD_ATTRIBUTION, 0);

	(void)close(FD_ATTRIBUTION);
	return page == MAP_FAILED ? NULL : page;
}

static int give_up(const char *what, int r)
{
	log_error(what, "error", strerror(-r));
	_exit(1);
}

int main(int argc, char **argv)
{
	struct attribution *attribution;
	struct control control;
	int r;

	log_setup(LOG_FORMAT_CHILD, LOG_LEVEL_DEBUG);
	if (!was_started_by_watd()) {
		static const char usage[] = "watd-host is started by watd; there is nothing to do "
					    "with it by hand\n";

		return write(STDERR_FILENO, usage, sizeof usage - 1) < 0 ? 1 : EXIT_USAGE;
	}
	title_init(argc, argv);
	title_set("watd: host");
	ignore_signals();
	attribution = map_attribution();
	if (!attribution)
		return give_up("a host can't begin", -EIO);
	fault_watch(attribution);
	for (int fd = FD_CONTROL; fd < FD_END; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	r = lifeline_hold(FD_LIFELINE);
	if (r < 0)
		return give_up("a host can't watch over its watd", r);
	if (sodium_init() < 0)
		return give_up("a host can't begin", -EIO);
	modules_note(attribution);
	r = control_init(&control, FD_CONTROL, FD_LIFELINE, attribution);
	if (r == 0)
		r = control_run(&control);
	/* Instances may be running: nothing is taken apart under them. */
	if (r < 0)
		return give_up("a host ends without order", r);
	control_deinit(&control);
	return 0;
}
