/* main.c - watd: reads its options, opens the node, serves until it is suspended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/check_config.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/restore.h"

/* A descriptor missing among 0, 1, 2 would be given to the first file that is opened, and then be
 * written to as a log. */
static int open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

static int exit_code(int r)
{
	switch (r) {
	case OPTIONS_EXIT_OK:
		return EXIT_SUCCESS;
	case OPTIONS_EXIT_USAGE:
		return EX_USAGE;
	default:
		fprintf(stderr, "watd: options can't be read: %s\n", strerror(-r));
		return EX_OSERR;
	}
}

static int serve(struct options *options)
{
	struct node node;
	int r = node_init(&node, options);

	if (r == 0)
		r = node_run(&node);
	node_deinit(&node);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct options *options, struct problems *problems)
{
	if (options->check)
		return check_config(options, problems);
	if (problems_any(problems)) {
		problems_print(problems, stderr);
		return EX_CONFIG;
	}
	if (options->print_address)
		return gate_print_addresses(options);
	log_setup(options->format, options->level);
	return options->restore ? restore(options) : serve(options);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct problems problems = {0};
	int r;

	if (open_standard_descriptors() < 0 || sodium_init() < 0)
		return EX_OSERR;
	/* The issuing key is in this process. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* Files of the state directory are ours alone. */
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	r = options_read(&options, argc, argv, &problems);
	r = r == OPTIONS_RUN ? run(&options, &problems) : exit_code(r);
	problems_deinit(&problems);
	options_deinit(&options);
	return r;
}
