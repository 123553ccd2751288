/* help.h - what watctl says of itself, made from the tables of commands and options. */
#ifndef WAT_WATCTL_HELP_H
#define WAT_WATCTL_HELP_H

#include <stdio.h>

#include "client/watctl/watctl.h"

void help_overview(FILE *out);
/* On stdout. */
void help_command(const struct command *command);

#endif
