/* verify.h - is a presented token good? Pure but for libsodium: everything it asks comes in as an
 * argument. */
#ifndef WAT_CAPS_VERIFY_H
#define WAT_CAPS_VERIFY_H

#include "daemon/caps/grants.h"
#include "daemon/caps/keyring.h"
#include "proto/status.h"

enum verify_instance { VERIFY_INSTANCE_UNKNOWN, VERIFY_INSTANCE_EARLIER, VERIFY_INSTANCE_FOUND };

struct verify {
	const struct keyring *keyring;
	const struct grant_table *grants;
	const uint8_t *node_id; /* 16 */
	uint64_t now;           /* Unix seconds, never backward */
	enum verify_instance (*find_instance)(void *arg,
					      const uint8_t id[16],
					      uint32_t *ret_epoch,
					      uint64_t *ret_interface_hash);
	void *arg;
};

struct verify_request {
	const uint8_t *token;
	size_t token_len;
	const uint8_t *proof;
	size_t proof_len;
	int role; /* that BIND names: enum token_role */
	const uint8_t *chan_bind, *challenge;
	uint64_t slot;
};

/* WAT_OK with the token, what it is good for after its attenuations, and its grant; else the status
 * for the peer and a constant sentence. The steps and their order: PROTOCOL.md, "Tokens". */
wat_status verify_bind(const struct verify *verify,
		       const struct verify_request *request,
		       struct token *ret_token,
		       struct token_terms *ret_terms,
		       struct grant **ret_grant,
		       const char **ret_why) WAT_MUST_CHECK;

#endif
