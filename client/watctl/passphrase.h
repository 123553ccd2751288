/* passphrase.h - a password, from the terminal. */
#ifndef WAT_WATCTL_PASSPHRASE_H
#define WAT_WATCTL_PASSPHRASE_H

#include "proto/support/must_check.h"

/* Asks on the controlling terminal, which shows nothing of what is typed. -ENXIO: there is none;
 * -ECANCELED: it ended without a line. */
int passphrase_ask(const char *of, char **ret) WAT_MUST_CHECK;
/* Wipes it; takes NULL. */
void passphrase_free(char *passphrase);

#endif
