/* problem.h - what went wrong, said once: one sentence on stderr with the status's name and what
 * to do, with --json also a document on stdout; and the exit status that belongs to it. */
#ifndef WAT_WATCTL_PROBLEM_H
#define WAT_WATCTL_PROBLEM_H

#include "client/watctl/watctl.h"

/* "watctl: STATUS: sentence". The exit status follows from the status. */
int problem(const struct watctl *ctl, int status, const char *format, ...) WAT_PRINTF(3, 4);
/* The same with another exit status. */
int problem_exit(const struct watctl *ctl,
		 enum watctl_exit code,
		 int status,
		 const char *format,
		 ...) WAT_PRINTF(4, 5);
/* The command line makes no sense: shows how the command is used. WATCTL_USAGE. */
int problem_usage(const struct watctl *ctl, const char *format, ...) WAT_PRINTF(2, 3);
/* A failure of this machine (negative errno) with a file or directory: WATCTL_CONFIG. */
int problem_file(const struct watctl *ctl, const char *what, const char *path, int error);
int problem_memory(const struct watctl *ctl);

/* A function of libwat failed with r: its sentence, its nearest cause, and advice. instance: what
 * the call was about, or NULL. */
int problem_call(const struct watctl *ctl, const char *instance, int r);

#endif
