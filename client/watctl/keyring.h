/* keyring.h - the tokens that this user holds, as files:
 *   $WAT_KEYRING/<node id>/<instance>/admin.token
 *   $WAT_KEYRING/<node id>/<instance>/users/<user>.token
 * Directories are 0700, files 0600. Names are checked before they become paths. */
#ifndef WAT_WATCTL_KEYRING_H
#define WAT_WATCTL_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/watctl/token_file.h"

struct keyring;

struct keyring_users {
	char **names; /* sorted */
	size_t n;
};

/* [a-z0-9][a-z0-9._-]{0,62}, as watd wants the names of instances and users. */
bool keyring_name_ok(const char *name) WAT_MUST_CHECK;

/* $WAT_KEYRING, else $XDG_DATA_HOME/watctl, else ~/.local/share/watctl; nothing is made yet.
 * -ENOENT when there is no home; -ENOMEM. */
int keyring_new(const uint8_t node_id[static 16], struct keyring **ret) WAT_MUST_CHECK;
struct keyring *keyring_free(struct keyring *keyring);
/* For messages. */
const char *keyring_path(const struct keyring *keyring);

/* user NULL: the Admin. -ENOENT when there is none. Free with token_text_free. */
int keyring_read(const struct keyring *keyring,
		 const char *instance,
		 const char *user,
		 char **ret_token) WAT_MUST_CHECK;
/* Makes the directories. */
int keyring_reserve(const struct keyring *keyring,
		    const char *instance,
		    const char *user,
		    struct token_file **ret) WAT_MUST_CHECK;
/* No error if there is none. */
int keyring_remove_user(const struct keyring *keyring, const char *instance, const char *user)
	WAT_MUST_CHECK;
/* The Users in the keyring; none is no error. */
int keyring_users(const struct keyring *keyring, const char *instance, struct keyring_users *ret)
	WAT_MUST_CHECK;
/* The instances of which there are tokens, in the same way. */
int keyring_instances(const struct keyring *keyring, struct keyring_users *ret) WAT_MUST_CHECK;
/* All tokens of an instance. No error if there are none. */
int keyring_remove(const struct keyring *keyring, const char *instance) WAT_MUST_CHECK;
void keyring_users_deinit(struct keyring_users *users);

static inline void keyring_freep(struct keyring **keyring)
{
	keyring_free(*keyring);
}

#endif
