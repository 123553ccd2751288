/* advice.h - what a user can do about a status. Pure. */
#ifndef WAT_WATCTL_ADVICE_H
#define WAT_WATCTL_ADVICE_H

#include <stddef.h>

#include "client/watctl/watctl.h"

/* Half a sentence; empty when there is nothing to say. instance may be NULL. */
void advice(int status, enum watctl_power power, const char *instance, char *ret_text, size_t size);

#endif
