/* commands.c - the commands, one after the other. */
#include "client/watctl/commands.h"

#include <string.h>

#include "client/watctl/problem.h"
#include "client/watctl/suggest.h"

/* By group, as enum watctl_group and help have them. */
static const struct {
	const struct command *commands;
	const size_t *n;
} groups[] = {
	{commands_look, &n_commands_look}, {commands_run, &n_commands_run},
	{commands_use, &n_commands_use},   {commands_node, &n_commands_node},
	{commands_tool, &n_commands_tool},
};

const struct command *command_at(size_t i)
{
	for (size_t group = 0; group < sizeof groups / sizeof groups[0]; group++) {
		if (i < *groups[group].n)
			return &groups[group].commands[i];
		i -= *groups[group].n;
	}
	return NULL;
}

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++)
		if (strcmp(command->name, name) == 0 ||
		    (command->alias && strcmp(command->alias, name) == 0))
			return command;
	return NULL;
}

int commands_refuse(const struct watctl *ctl, const char *name)
{
	const char *names[COMMANDS_MAX], *guess;
	const struct command *command;
	size_t n = 0;

	while (n < COMMANDS_MAX && (command = command_at(n)))
		names[n++] = command->name;
	guess = suggest(name, names, n, sizeof names[0]);
	return guess ? problem_usage(ctl, "there is no command \"%s\"; did you mean %s?", name,
				     guess)
		     : problem_usage(ctl, "there is no command \"%s\"", name);
}
