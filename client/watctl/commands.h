/* commands.h - the commands of watctl and the tables of them, which help, dispatch and completion
 * read. */
#ifndef WAT_WATCTL_COMMANDS_H
#define WAT_WATCTL_COMMANDS_H

#include <stddef.h>

#include "client/watctl/watctl.h"

/* The tables, by group: commands_look.c and so on. */
extern const struct command commands_look[], commands_run[], commands_use[], commands_node[],
	commands_tool[];
extern const size_t n_commands_look, n_commands_run, n_commands_use, n_commands_node,
	n_commands_tool;

/* More than there are. */
#define COMMANDS_MAX 128u

/* All, in the order of help; NULL behind the last one. */
const struct command *command_at(size_t i);

/* By name or alias. NULL when there is none of that name. */
const struct command *command_find(const char *name);
/* Says that there is none, and which may be meant. WATCTL_USAGE. */
int commands_refuse(const struct watctl *ctl, const char *name);

/* The first word of a command line that completion asks about; the rest are the words behind
 * "watctl" up to the one at hand. Prints what that one may be, and ends with 0 in any case. */
#define COMMAND_COMPLETE "__complete"
int command_complete(char *const *words, int n);

int command_admin(struct watctl *ctl) WAT_MUST_CHECK;
int command_backup(struct watctl *ctl) WAT_MUST_CHECK;
int command_call(struct watctl *ctl) WAT_MUST_CHECK;
int command_completion(struct watctl *ctl) WAT_MUST_CHECK;
int command_deprovision(struct watctl *ctl) WAT_MUST_CHECK;
int command_describe(struct watctl *ctl) WAT_MUST_CHECK;
int command_events(struct watctl *ctl) WAT_MUST_CHECK;
int command_export(struct watctl *ctl) WAT_MUST_CHECK;
int command_help(struct watctl *ctl) WAT_MUST_CHECK;
int command_import(struct watctl *ctl) WAT_MUST_CHECK;
int command_keys(struct watctl *ctl) WAT_MUST_CHECK;
int command_kill(struct watctl *ctl) WAT_MUST_CHECK;
int command_log_level(struct watctl *ctl) WAT_MUST_CHECK;
int command_logs(struct watctl *ctl) WAT_MUST_CHECK;
int command_ls(struct watctl *ctl) WAT_MUST_CHECK;
int command_new(struct watctl *ctl) WAT_MUST_CHECK;
int command_plugins(struct watctl *ctl) WAT_MUST_CHECK;
int command_provision(struct watctl *ctl) WAT_MUST_CHECK;
int command_release(struct watctl *ctl) WAT_MUST_CHECK;
int command_reload(struct watctl *ctl) WAT_MUST_CHECK;
int command_replay(struct watctl *ctl) WAT_MUST_CHECK;
int command_restart(struct watctl *ctl) WAT_MUST_CHECK;
int command_reset_failed(struct watctl *ctl) WAT_MUST_CHECK;
int command_renew(struct watctl *ctl) WAT_MUST_CHECK;
int command_revoke_all(struct watctl *ctl) WAT_MUST_CHECK;
int command_revoke_key(struct watctl *ctl) WAT_MUST_CHECK;
int command_rotate_key(struct watctl *ctl) WAT_MUST_CHECK;
int command_rm(struct watctl *ctl) WAT_MUST_CHECK;
int command_show(struct watctl *ctl) WAT_MUST_CHECK;
int command_snapshot(struct watctl *ctl) WAT_MUST_CHECK;
int command_snapshots(struct watctl *ctl) WAT_MUST_CHECK;
int command_spawn(struct watctl *ctl) WAT_MUST_CHECK;
int command_start(struct watctl *ctl) WAT_MUST_CHECK;
int command_status(struct watctl *ctl) WAT_MUST_CHECK;
int command_stop(struct watctl *ctl) WAT_MUST_CHECK;
int command_plugin(struct watctl *ctl) WAT_MUST_CHECK;
int command_watch(struct watctl *ctl) WAT_MUST_CHECK;
int command_token(struct watctl *ctl) WAT_MUST_CHECK;
int command_users(struct watctl *ctl) WAT_MUST_CHECK;
int command_wait(struct watctl *ctl) WAT_MUST_CHECK;
int command_who_can(struct watctl *ctl) WAT_MUST_CHECK;

#endif
