/* transport_key.h - the key that TCP clients know watd by: a Curve25519 secret in a file. It opens
 * connections, and no capability. Main thread. */
#ifndef WAT_CAPS_TRANSPORT_KEY_H
#define WAT_CAPS_TRANSPORT_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/noise.h"
#include "proto/support/must_check.h"

struct transport_key;

/* Reads transport.key (32 bytes): credentials_dir's, if it has one (NULL: no directory); else
 * state_dir's (0600, ours), which is made if it is not there. *ret_dir is the directory in
 * question, also on failure. -EPERM: it belongs to another, or others may read it; -EBADMSG: not a
 * key. */
int transport_key_open(const char *state_dir,
		       const char *credentials_dir,
		       const char **ret_dir,
		       struct transport_key **ret) WAT_MUST_CHECK;
struct transport_key *transport_key_free(struct transport_key *key);
const uint8_t *transport_key_secret(const struct transport_key *key);
/* As it stands in an address: 43 characters and NUL. */
void transport_key_text(const struct transport_key *key, char ret[static 44]);

#endif
