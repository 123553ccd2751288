/* command_help.c - help. */
#include <stdio.h>

#include "client/watctl/commands.h"
#include "client/watctl/help.h"

int command_help(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	const struct command *command = name ? command_find(name) : NULL;

	if (name && !command)
		return commands_refuse(ctl, name);
	if (command)
		help_command(command);
	else
		help_overview(stdout);
	return 0;
}
