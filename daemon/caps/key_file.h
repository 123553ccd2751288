/* key_file.h - a secret of 32 bytes in a file of its own. Main thread. */
#ifndef WAT_CAPS_KEY_FILE_H
#define WAT_CAPS_KEY_FILE_H

#include <stdint.h>

#include "proto/support/must_check.h"

#define KEY_FILE_SIZE 32u

/* Reads the file of that name: credentials_dir's, if it has one (NULL: no directory); else
 * state_dir's (0600, ours), which is made of random bytes if it is not there. *ret_dir is the
 * directory in question, also on failure. -EPERM: it belongs to another, or others may read it;
 * -EBADMSG: not a key. */
int key_file_read(const char *name,
		  const char *state_dir,
		  const char *credentials_dir,
		  const char **ret_dir,
		  uint8_t ret_secret[static KEY_FILE_SIZE]) WAT_MUST_CHECK;

/* A file of random bytes, 0600, where there is none. -EEXIST. */
int key_file_make(const char *path) WAT_MUST_CHECK;
/* A new one in its place, whole or not at all; -EEXIST never: what was there is gone. */
int key_file_replace(const char *name,
		     const char *state_dir,
		     const uint8_t secret[static KEY_FILE_SIZE]) WAT_MUST_CHECK;

#endif
