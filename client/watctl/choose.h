/* choose.h - which User a call is made as. */
#ifndef WAT_WATCTL_CHOOSE_H
#define WAT_WATCTL_CHOOSE_H

#include "client/watctl/watctl.h"

/* --token FILE, --as USER, $WAT_TOKEN_FILE, or the only User of the instance in the keyring, in
 * this order; connects if the keyring is needed. Free with token_text_free. */
int choose_user_token(struct watctl *ctl, const char *instance, char **ret_token) WAT_MUST_CHECK;

#endif
