/* options.h - the options of watctl: the table that help, parsing and completion read, and the
 * parsing. */
#ifndef WAT_WATCTL_OPTIONS_H
#define WAT_WATCTL_OPTIONS_H

#include "client/watctl/watctl.h"

struct option_row {
	char letter; /* 0: none */
	const char *name;
	const char *value; /* what stands for it in the usage; NULL: it takes none */
	enum watctl_word word;
	const char *help;
};

extern const struct option_row option_rows[WATCTL_N_OPTIONS];

/* Finds the command, then gives its options their values: 0, or WATCTL_USAGE after it was said
 * why. ctl->command is NULL where no command was named; then --help or --version may be given. */
int options_parse(struct watctl *ctl, int argc, char **argv) WAT_MUST_CHECK;

/* What a letter or a long name means to a command (NULL: any); -1: nothing. A long name may be
 * cut as far as it is unique. */
int option_of_letter(const struct command *command, char letter);
int option_of_name(const char *name, size_t n);
bool command_has(const struct command *command, enum watctl_option option);

#endif
