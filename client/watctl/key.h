/* key.h - keys of holders: the seed in a file of 32 bytes, the public key as 43 characters of
 * base64url. Seeds are never arguments, and the caller wipes them. */
#ifndef WAT_WATCTL_KEY_H
#define WAT_WATCTL_KEY_H

#include "client/watctl/watctl.h"

#include <wat/token.h>

#define KEY_TEXT_SIZE 44 /* with its NUL */

void key_to_text(const uint8_t pk[static WAT_KEY_SIZE], char ret_text[static KEY_TEXT_SIZE]);
/* --holder: *ret is its key, or NULL without the option. */
int key_of_holder(const struct watctl *ctl, uint8_t room[static WAT_KEY_SIZE], const uint8_t **ret)
	WAT_MUST_CHECK;
/* Not over a file that is there. */
int key_write(const struct watctl *ctl, const char *path, const uint8_t seed[static WAT_KEY_SIZE])
	WAT_MUST_CHECK;
/* The token (token_text_free) with the seed of --key; without the option it stays as it is. path:
 * where it was read, for messages. */
int key_complete(const struct watctl *ctl, const char *path, char **token) WAT_MUST_CHECK;

#endif
