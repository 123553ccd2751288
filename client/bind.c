/* bind.c - presenting a capability, and what comes of it. */
#include <sodium.h>
#include <string.h>

#include "client/private.h"
#include "proto/stream_secure.h"

bool bind_possible(wat_capability *capability)
{
	struct list *first;

	if (capability->role == TOKEN_NODE || capability->token.has_seed)
		return true;
	while ((first = list_first(&capability->calls)))
		call_complete(container_of(first, struct call, link), WAT_ACCESS_DENIED, NULL,
			      NO_SECRET);
	return false;
}

/* The longest that a call waits; 0: without limit. */
static uint32_t budget_of(const wat_capability *capability)
{
	uint64_t latest = 0, now = now_ms();

	list_for_each (i, &capability->calls) {
		uint64_t deadline = container_of(i, struct call, link)->deadline_ms;

		if (deadline == UINT64_MAX)
			return 0;
		if (deadline > latest)
			latest = deadline;
	}
	if (latest <= now)
		return 1;
	return latest - now > UINT32_MAX ? UINT32_MAX : (uint32_t)(latest - now);
}

/* What the proof is bound to: good on this connection only, where there is a handshake. */
static void bind_channel(const wat *w, uint8_t ret[static 32])
{
	const uint8_t *hash = stream_secure_hash(&w->control);

	if (hash)
		token_noise_binding(hash, ret);
	else if (w->remote)
		token_plain_binding(ret);
	else
		token_unix_binding(ret);
}

static void prove(const wat *w,
		  const wat_capability *capability,
		  uint64_t slot,
		  uint8_t proof[TOKEN_PROOF_SIZE])
{
	struct token_terms last = token_terms(&capability->token);
	uint8_t binding[32], sk[64];
	struct token_bind bind = {.chan_bind = binding,
				  .challenge = w->challenge,
				  .node_id = w->node_id,
				  .slot = slot};

	bind_channel(w, binding);
	/* libsodium's secret key is the seed and the public key, which need not be computed again.
	 * Were it another than the seed's, the proof would be wrong, and no more: the public key is
	 * in what is signed, so no two signatures share a nonce. */
	memcpy(sk, capability->token.seed, 32);
	memcpy(sk + 32, last.holder_pk, 32);
	token_prove(&capability->token, &bind, sk, proof);
	sodium_memzero(sk, sizeof sk);
}

static void fill_token(wat *w,
		       wat_capability *capability,
		       Wat__Envelope__Bind *bind,
		       uint8_t token[TOKEN_CHAIN_MAX],
		       uint8_t proof[TOKEN_PROOF_SIZE])
{
	token_encode(&capability->token, token);
	prove(w, capability, w->last_id, proof);
	bind->token = (ProtobufCBinaryData){token_length(&capability->token), token};
	bind->proof = (ProtobufCBinaryData){TOKEN_PROOF_SIZE, proof};
	if (capability->role == TOKEN_USER) {
		if (!capability->resume)
			randombytes_buf(capability->lane, sizeof capability->lane);
		bind->lane = (ProtobufCBinaryData){sizeof capability->lane, capability->lane};
	}
}

void bind_send(wat *w, wat_capability *capability)
{
	Wat__Envelope__Bind bind = WAT__ENVELOPE__BIND__INIT;
	struct frame frame = {
		.type = FRAME_BIND, .id = ++w->last_id, .budget = budget_of(capability)};
	uint8_t token[TOKEN_CHAIN_MAX], proof[TOKEN_PROOF_SIZE], body[TOKEN_CHAIN_MAX + 256];

	bind.role = (Wat__Envelope__Role)capability->role;
	bind.lane_mode = capability->resume ? WAT__ENVELOPE__LANE_MODE__RESUME
					    : WAT__ENVELOPE__LANE_MODE__NEW;
	if (capability->role != TOKEN_NODE)
		fill_token(w, capability, &bind, token, proof);
	/* No memory: it is tried again after a pause. */
	if (stream_queue(&w->control, &frame, body, wat__envelope__bind__pack(&bind, body), -1) < 0)
		return;
	capability->slot = frame.id;
	capability->binding = BINDING;
	connection_write(w);
}

/* "Not now" is no answer as long as there is time to ask again; "too much" is none to whoever had
 * its place already, and lost it only to a connection. */
static bool asks_again(wat_capability *capability, int status)
{
	wat *w = capability->owner;

	if (status == WAT_OVERLOADED ? !capability->resume : status != WAT_UNAVAILABLE)
		return false;
	if (w->reconnect_ms == 0)
		return false;
	if (!capability->lost_ms)
		capability->lost_ms = now_ms();
	if (drive_given_up(w, capability->lost_ms))
		return false;
	loop_due(w, capability->retry_at_ms);
	return true;
}

void bind_failed(wat_capability *capability, int status, const Wat__Envelope__Failure *failure)
{
	capability->binding = UNBOUND;
	if (asks_again(capability, status))
		return;
	/* A lane that was refused is no lane to go on with; an Admin's answers may still be
	 * fetched. */
	if (capability->role == TOKEN_USER)
		capability->resume = false;
	calls_refuse(capability, status, failure);
}

void bind_done(wat_capability *capability)
{
	capability->binding = BOUND;
	capability->lost_ms = 0;
	unwanted_send(capability);
	calls_send(capability);
}
