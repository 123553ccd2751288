/* options.c - the command line. Twice through it: first for the command, since an option's letter
 * is the command's, then for the options. */
#include "client/watctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/problem.h"
#include "client/watctl/suggest.h"
#include "client/watctl/when.h"

const struct option_row option_rows[WATCTL_N_OPTIONS] = {
#define WATCTL_OPTION_ROW(name, letter, text, value, word, help) \
	[WATCTL_##name] = {letter, text, value, WORD_##word, help},
	WATCTL_OPTIONS(WATCTL_OPTION_ROW)
#undef WATCTL_OPTION_ROW
};

#define LONG_BASE 256 /* getopt's value of the first long option */

bool command_has(const struct command *command, enum watctl_option option)
{
	return !command || (command->options | WATCTL_HAS_ALWAYS) & UINT64_C(1) << option;
}

/* Where no command was named yet every option is known, so a letter's first one: they take a value
 * all or none. */
int option_of_letter(const struct command *command, char letter)
{
	int other = -1;

	for (int i = 0; i < WATCTL_N_OPTIONS; i++) {
		if (option_rows[i].letter != letter)
			continue;
		if (command_has(command, (enum watctl_option)i))
			return i;
		other = i;
	}
	return other;
}

int option_of_name(const char *name, size_t n)
{
	int found = -1;

	for (int i = 0; i < WATCTL_N_OPTIONS; i++) {
		if (strncmp(option_rows[i].name, name, n) != 0)
			continue;
		if (strlen(option_rows[i].name) == n)
			return i;
		found = found < 0 ? i : -2;
	}
	return found < 0 ? -1 : found;
}

struct getopt_tables {
	struct option longs[WATCTL_N_OPTIONS + 1];
	char shorts[3 * WATCTL_N_OPTIONS + 2];
};

/* A leading colon: a missing value is told apart. */
static void make_tables(struct getopt_tables *tables)
{
	char *at = tables->shorts;

	memset(tables, 0, sizeof *tables);
	*at++ = ':';
	for (int i = 0; i < WATCTL_N_OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];

		tables->longs[i] =
			(struct option){row->name, row->value ? required_argument : no_argument,
					NULL, LONG_BASE + i};
		if (!row->letter || strchr(tables->shorts, row->letter))
			continue;
		*at++ = row->letter;
		if (row->value)
			*at++ = ':';
	}
}

static const char *guess_option(const char *name)
{
	return suggest(name, &option_rows[0].name, WATCTL_N_OPTIONS, sizeof option_rows[0]);
}

static int refuse_unknown(const struct watctl *ctl, const char *typed)
{
	const char *name = strncmp(typed, "--", 2) == 0 ? typed + 2 : NULL;
	int n = name ? (int)strcspn(name, "=") : 0;
	char word[64];
	const char *guess;

	if (!name)
		return problem_usage(ctl, "there is no option -%c", optopt);
	(void)snprintf(word, sizeof word, "%.*s", n, name);
	guess = guess_option(word);
	return guess ? problem_usage(ctl, "there is no option --%s; did you mean --%s?", word,
				     guess)
		     : problem_usage(ctl, "there is no option --%s", word);
}

/* What getopt said is none, or lacks its value, or has one too many. */
static int refuse(const struct watctl *ctl, int said, const char *typed)
{
	int i = optopt >= LONG_BASE ? optopt - LONG_BASE
				    : option_of_letter(ctl->command, (char)optopt);

	if (said == ':' && i >= 0)
		return problem_usage(ctl, "--%s needs a value: %s", option_rows[i].name,
				     option_rows[i].value);
	if (optopt >= LONG_BASE)
		return problem_usage(ctl, "--%s takes no value", option_rows[i].name);
	return refuse_unknown(ctl, typed);
}

static int take(struct watctl *ctl, int said)
{
	int i = said >= LONG_BASE ? said - LONG_BASE : option_of_letter(ctl->command, (char)said);

	if (!command_has(ctl->command, (enum watctl_option)i) && said < LONG_BASE)
		return problem_usage(ctl, "%s has no option -%c", ctl->command->name, said);
	if (!command_has(ctl->command, (enum watctl_option)i))
		return problem_usage(ctl, "%s has no option --%s", ctl->command->name,
				     option_rows[i].name);
	ctl->given |= UINT64_C(1) << i;
	if (optarg)
		ctl->values[i] = optarg;
	return 0;
}

/* take_them false: only finds out where the arguments begin. */
static int read_options(struct watctl *ctl, int argc, char **argv, bool take_them)
{
	struct getopt_tables tables;
	int said, r = 0;

	make_tables(&tables);
	optind = 0;
	opterr = 0;
	while (r == 0 && (said = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) >= 0) {
		if (said == '?' || said == ':')
			r = refuse(ctl, said, argv[optind - 1]);
		else if (take_them)
			r = take(ctl, said);
	}
	ctl->arguments = argv + optind;
	ctl->n_arguments = argc - optind;
	return r;
}

static int choose_command(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);

	ctl->command = name ? command_find(name) : NULL;
	return name && !ctl->command ? commands_refuse(ctl, name) : 0;
}

/* -H ADDRESS. */
static int read_host(struct watctl *ctl, const char *address)
{
	if (strncmp(address, "unix:", 5) == 0)
		address += 5;
	else if (!strchr(address, '/'))
		return problem_usage(ctl,
				     "%s: an address is wat://KEY@HOST:PORT, as watd "
				     "--print-address prints it there, a path or unix:PATH",
				     address);
	ctl->socket = address;
	return 0;
}

static int read_common(struct watctl *ctl)
{
	const char *host = ctl->values[WATCTL_HOST], *timeout = ctl->values[WATCTL_TIMEOUT];

	ctl->json = watctl_given(ctl, WATCTL_JSON);
	ctl->socket = ctl->values[WATCTL_SOCKET];
	ctl->timeout_ms = WATCTL_NO_TIMEOUT;
	if (timeout && !when_duration(timeout, &ctl->timeout_ms))
		return problem_usage(
			ctl, "--timeout \"%s\": expected a time such as 500ms, 10s or 2m", timeout);
	if (host && ctl->socket)
		return problem_usage(ctl, "--host and --socket were both given");
	return host ? read_host(ctl, host) : 0;
}

int options_parse(struct watctl *ctl, int argc, char **argv)
{
	int r = read_options(ctl, argc, argv, false);

	if (r == 0)
		r = choose_command(ctl);
	if (r == 0)
		r = read_options(ctl, argc, argv, true);
	if (r == 0)
		r = read_common(ctl);
	if (r == 0 && ctl->command) {
		ctl->arguments++;
		ctl->n_arguments--;
	}
	return r;
}
