/* main.c - program watctl: reads the command line, runs one command, ends. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/problem.h"
#include "client/watctl/suggest.h"

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"host", required_argument, NULL, 'H'},
	{"json", no_argument, NULL, 'j'},
	{"tier", required_argument, NULL, 't'},
	{"state", required_argument, NULL, 'i'},
	{"out", required_argument, NULL, 'o'},
	{"as", required_argument, NULL, 'a'},
	{"token", required_argument, NULL, 'k'},
	{"session", no_argument, NULL, 'n'},
	{"only", no_argument, NULL, 'O'},
	{"dry-run", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

enum parsed { PARSED_COMMAND = -1, PARSED_HELP = -2, PARSED_VERSION = -3 };

static void give(struct watctl *ctl, const char **field, enum watctl_option option)
{
	*field = optarg;
	ctl->given |= option;
}

/* One option: PARSED_COMMAND to go on. */
static int take_option(struct watctl *ctl, int letter)
{
	switch (letter) {
	case 's':
	case 'H':
		ctl->socket = optarg;
		return PARSED_COMMAND;
	case 'j':
		ctl->json = true;
		return PARSED_COMMAND;
	case 't':
		give(ctl, &ctl->tier, WATCTL_TIER);
		return PARSED_COMMAND;
	case 'i':
		give(ctl, &ctl->state, WATCTL_STATE);
		return PARSED_COMMAND;
	case 'o':
		give(ctl, &ctl->out, WATCTL_OUT);
		return PARSED_COMMAND;
	case 'a':
		give(ctl, &ctl->as, WATCTL_AS);
		return PARSED_COMMAND;
	case 'k':
		give(ctl, &ctl->token, WATCTL_TOKEN);
		return PARSED_COMMAND;
	case 'n':
		ctl->given |= WATCTL_SESSION;
		return PARSED_COMMAND;
	case 'O':
		ctl->given |= WATCTL_ONLY;
		return PARSED_COMMAND;
	case 'd':
		ctl->given |= WATCTL_DRY_RUN;
		return PARSED_COMMAND;
	case 'h':
		return PARSED_HELP;
	case 'V':
		return PARSED_VERSION;
	default:
		fputs("watctl: see watctl --help\n", stderr);
		return WATCTL_USAGE;
	}
}

static int parse(struct watctl *ctl, int argc, char **argv)
{
	int letter, r = PARSED_COMMAND;

	while (r == PARSED_COMMAND &&
	       (letter = getopt_long(argc, argv, "s:H:jhV", long_options, NULL)) >= 0)
		r = take_option(ctl, letter);
	ctl->arguments = argv + optind;
	ctl->n_arguments = argc - optind;
	return r;
}

/* The first argument becomes the command. */
static int choose(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0), *guess;

	if (!name) {
		commands_print_usage(stderr);
		return WATCTL_USAGE;
	}
	ctl->command = command_find(name);
	if (!ctl->command) {
		guess = suggest(name, &commands[0].name, n_commands, sizeof commands[0]);
		return guess ? problem_usage(ctl, "there is no command \"%s\"; did you mean %s?",
					     name, guess)
			     : problem_usage(ctl, "there is no command \"%s\"", name);
	}
	ctl->arguments++;
	ctl->n_arguments--;
	if (ctl->n_arguments < ctl->command->n_min)
		return problem_usage(ctl, "an argument of %s is missing", name);
	if (ctl->n_arguments > ctl->command->n_max)
		return problem_usage(ctl, "%s takes no argument \"%s\"", name,
				     ctl->arguments[ctl->command->n_max]);
	if (ctl->given & ~ctl->command->options)
		return problem_usage(ctl, "an option was given that %s does not have", name);
	return 0;
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
	int r = parse(&ctl, argc, argv);

	if (r == PARSED_HELP) {
		commands_print_usage(stdout);
		return finish(0);
	}
	if (r == PARSED_VERSION) {
		puts("watctl " WAT_VERSION);
		return finish(0);
	}
	if (r == PARSED_COMMAND)
		r = choose(&ctl);
	if (r == 0)
		r = ctl.command->run(&ctl);
	watctl_deinit(&ctl);
	return finish(r);
}
