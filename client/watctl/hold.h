/* hold.h - the capabilities that a user holds: from the keyring, a token file or the environment to
 * a handle of libwat. */
#ifndef WAT_WATCTL_HOLD_H
#define WAT_WATCTL_HOLD_H

#include "client/watctl/keyring.h"
#include "client/watctl/watctl.h"
#include "proto/schema.h"

/* The keyring of the node that ctl is connected to; connects if it is not. */
int hold_keyring(struct watctl *ctl, struct keyring **ret) WAT_MUST_CHECK;
/* Refuses what can't be a name: INVALID_ARGUMENT. what: "instance", "user". */
int hold_check_name(const struct watctl *ctl, const char *what, const char *name) WAT_MUST_CHECK;

/* A place in the keyring for a token that is about to be made. user NULL: the Admin. */
int hold_reserve(const struct watctl *ctl,
		 const struct keyring *keyring,
		 const char *instance,
		 const char *user,
		 struct token_file **ret) WAT_MUST_CHECK;
/* The file that --out names; *ret stays NULL without it. */
int hold_reserve_out(const struct watctl *ctl, struct token_file **ret) WAT_MUST_CHECK;
int hold_commit(const struct watctl *ctl,
		const char *what,
		struct token_file *file,
		const char *token) WAT_MUST_CHECK;

/* Binds the Admin of the instance from the keyring. */
int hold_open_admin(struct watctl *ctl,
		    const struct keyring *keyring,
		    const char *instance,
		    wat_capability **ret) WAT_MUST_CHECK;
/* Binds the User that --token, --as, $WAT_TOKEN_FILE or else the keyring says. */
int hold_open_user(struct watctl *ctl, const char *instance, wat_capability **ret) WAT_MUST_CHECK;
/* The interface of what the capability is for. */
int hold_schema(struct watctl *ctl, wat_capability *capability, struct schema **ret) WAT_MUST_CHECK;

#endif
