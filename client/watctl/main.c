/* main.c - program watctl: reads the command line, runs one command, ends. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/help.h"
#include "client/watctl/options.h"
#include "client/watctl/problem.h"

/* --help and --version come before everything that a command wants. */
static bool is_asked_about(const struct watctl *ctl)
{
	if (watctl_given(ctl, WATCTL_HELP) && ctl->command)
		help_command(ctl->command);
	else if (watctl_given(ctl, WATCTL_HELP))
		help_overview(stdout);
	else if (watctl_given(ctl, WATCTL_VERSION))
		puts("watctl " WAT_VERSION);
	else
		return false;
	return true;
}

static int run(struct watctl *ctl)
{
	const struct command *command = ctl->command;

	if (!command) {
		help_overview(stderr);
		return WATCTL_USAGE;
	}
	if (ctl->n_arguments < command->n_min)
		return problem_usage(ctl, "an argument of %s is missing", command->name);
	if (command->n_max >= 0 && ctl->n_arguments > command->n_max)
		return problem_usage(ctl, "%s takes no argument \"%s\"", command->name,
				     ctl->arguments[command->n_max]);
	return command->run(ctl);
}

/* What was printed and never arrived must not look like success. */
static int finish(int r)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	fprintf(stderr, "watctl: DATA_LOSS: the output could not be written: %s\n",
		strerror(errno));
	return r == 0 ? WATCTL_FAILED : r;
}

int main(int argc, char **argv)
{
	struct watctl ctl = {0};
	int r;

	(void)setlocale(LC_CTYPE, "");
	/* What completion asks about is a command line itself. */
	if (argc > 1 && strcmp(argv[1], COMMAND_COMPLETE) == 0)
		return finish(command_complete(argv + 2, argc - 2));
	r = options_parse(&ctl, argc, argv);
	if (r == 0 && !is_asked_about(&ctl))
		r = run(&ctl);
	watctl_deinit(&ctl);
	return finish(r);
}
