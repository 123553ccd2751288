/* remote.c - addresses of a watd on the network. Any thread. */
#include "client/remote.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/private.h"
#include "proto/support/cleanup.h"

#define SECURE "wat://"
#define PLAIN "wat+insecure://"
#define BASE64_URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

bool remote_is(const char *address)
{
	return strncmp(address, SECURE, strlen(SECURE)) == 0 ||
	       strncmp(address, PLAIN, strlen(PLAIN)) == 0;
}

static bool parse_key(const char *text, size_t n, uint8_t key[static NOISE_KEY_SIZE])
{
	size_t n_key;

	return n == REMOTE_KEY_TEXT && strspn(text, BASE64_URL) >= n &&
	       sodium_base642bin(key, NOISE_KEY_SIZE, text, n, NULL, &n_key, NULL,
				 sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	       n_key == NOISE_KEY_SIZE;
}

const char *remote_parse(const char *address, struct remote *ret)
{
	struct remote remote = {.plain = strncmp(address, PLAIN, strlen(PLAIN)) == 0};
	const char *place = address + strlen(remote.plain ? PLAIN : SECURE), *at;

	at = strchr(place, '@');
	if (at && remote.plain)
		return "without encryption there is no key; expected wat+insecure://HOST:PORT";
	if (at && !parse_key(place, (size_t)(at - place), remote.key))
		return "the key in front of @ is none; expected 43 characters of base64url, as "
		       "watd --print-address prints them";
	if (!net_place_parse(at ? at + 1 : place, &remote.place) ||
	    strtol(remote.place.port, NULL, 10) == 0)
		return "expected HOST:PORT, with an IPv6 address in [brackets], and nothing after "
		       "it";
	remote.has_key = at != NULL;
	*ret = remote;
	return NULL;
}

/* The key stands in the address, or in the file, and not another one there. */
static int settle_key(struct remote *remote)
{
	struct remote known = *remote;
	int r;

	if (remote->plain)
		return 0;
	r = known_find(&known);
	if (r != 0 || !known.known_at) {
		if (r == 0 && !remote->has_key)
			return failure_set(WAT_FAILED_PRECONDITION, NULL,
					   "the key of %s:%s is not known here; use the address "
					   "that watd --print-address prints there, or put it on a "
					   "line of known_daemons",
					   remote->place.host, remote->place.port);
		return r;
	}
	if (remote->has_key && memcmp(remote->key, known.key, NOISE_KEY_SIZE) != 0) {
		failure_set(-EKEYREJECTED, NULL,
			    "%s has another key for %s:%s than this address; if the daemon's key "
			    "was changed on purpose, correct that line",
			    known.known_at, remote->place.host, remote->place.port);
		free(known.known_at);
		return -EKEYREJECTED;
	}
	*remote = known;
	return 0;
}

int remote_new(const char *address, struct remote **ret)
{
	_cleanup_(freep) struct remote *remote = calloc(1, sizeof *remote);
	const char *wrong;
	int r;

	if (!remote)
		return failure_set_errno(-ENOMEM, "an address");
	wrong = remote_parse(address, remote);
	if (wrong)
		return failure_set(WAT_INVALID_ARGUMENT, NULL, "the address %s: %s", address,
				   wrong);
	r = settle_key(remote);
	if (r == 0)
		*ret = TAKE(remote);
	return r;
}

struct remote *remote_free(struct remote *remote)
{
	if (!remote)
		return NULL;
	free(remote->known_at);
	free(remote);
	return NULL;
}
