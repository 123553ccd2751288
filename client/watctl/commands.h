/* commands.h - the commands of watctl and the table of them. */
#ifndef WAT_WATCTL_COMMANDS_H
#define WAT_WATCTL_COMMANDS_H

#include <stddef.h>
#include <stdio.h>

#include "client/watctl/watctl.h"

extern const struct command commands[];
extern const size_t n_commands;

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);
/* The whole usage text. */
void commands_print_usage(FILE *out);

int command_status(struct watctl *ctl) WAT_MUST_CHECK;
int command_plugins(struct watctl *ctl) WAT_MUST_CHECK;
int command_describe(struct watctl *ctl) WAT_MUST_CHECK;
int command_ls(struct watctl *ctl) WAT_MUST_CHECK;
int command_show(struct watctl *ctl) WAT_MUST_CHECK;
int command_users(struct watctl *ctl) WAT_MUST_CHECK;
int command_spawn(struct watctl *ctl) WAT_MUST_CHECK;
int command_start(struct watctl *ctl) WAT_MUST_CHECK;
int command_provision(struct watctl *ctl) WAT_MUST_CHECK;
int command_deprovision(struct watctl *ctl) WAT_MUST_CHECK;
int command_call(struct watctl *ctl) WAT_MUST_CHECK;
int command_stop(struct watctl *ctl) WAT_MUST_CHECK;
int command_kill(struct watctl *ctl) WAT_MUST_CHECK;
int command_reload(struct watctl *ctl) WAT_MUST_CHECK;
int command_admin(struct watctl *ctl) WAT_MUST_CHECK;

#endif
