/* remote.h - addresses of a watd on the network: wat://KEY@host:port, wat://host:port for a daemon
 * whose key is known here, wat+insecure://host:port on this machine. Pure but for the file of known
 * daemons. Any thread. */
#ifndef WAT_CLIENT_REMOTE_H
#define WAT_CLIENT_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/net_place.h"
#include "proto/noise.h"
#include "proto/support/must_check.h"

#define REMOTE_KEY_TEXT 43u /* characters of base64url, unpadded */

struct remote {
	bool plain;   /* no Noise; for loopback addresses only */
	bool has_key; /* else it is looked up, or there is none for a plain one */
	struct net_place place;
	uint8_t key[NOISE_KEY_SIZE]; /* the server's public one */
	char *known_at; /* "FILE:LINE" where the key stands; NULL: in the address itself */
};

/* Is it one, well formed or not? All others are paths. */
bool remote_is(const char *address);
/* NULL, or what is wrong with it. *ret has no known_at. */
const char *remote_parse(const char *address, struct remote *ret) WAT_MUST_CHECK;
/* Parses, and looks the key up in the file of known daemons. 0; or a status or negative errno that
 * is told in wat_failure: INVALID_ARGUMENT, FAILED_PRECONDITION (no key for it, or a line of
 * the file is none), -EKEYREJECTED (the
 * file knows it by another key), -ENOMEM. */
int remote_new(const char *address, struct remote **ret) WAT_MUST_CHECK;
struct remote *remote_free(struct remote *remote);

/* known.c: looks host and port up in the file of known daemons, and sets key, has_key and known_at
 * if they are there. Returns as remote_new. */
int known_find(struct remote *remote) WAT_MUST_CHECK;
/* The file's path: $WAT_KNOWN_DAEMONS, else known_daemons in $XDG_DATA_HOME/watctl or
 * ~/.local/share/watctl. Heap; NULL: no memory, or no home. */
char *known_path(void);

#endif
