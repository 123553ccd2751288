/* bind.c - connecting, binding and writing whatever waits for it. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/session.pb-c.h>

#include "client/private.h"

static uint64_t grow_pause(uint64_t pause)
{
	if (pause == 0)
		return PAUSE_MIN_MS;
	return pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
}

static bool wants_binding(const wat_capability *capability)
{
	return capability->binding == UNBOUND && !list_empty(&capability->calls);
}

/* The time for trying again is over. */
static bool given_up(const wat *w, uint64_t lost_ms)
{
	return lost_ms && now_ms() - lost_ms >= w->reconnect_ms;
}

static void fail_waiting(wat *w, int status, const char *text)
{
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (!wants_binding(capability))
			continue;
		list_for_each_safe (j, &capability->calls) {
			struct call *call = container_of(j, struct call, link);

			call_complete(call,
				      call->maybe_ran && !call->resend ? WAT_DISCONNECTED : status,
				      NULL, text);
		}
	}
}

static void try_connect(wat *w)
{
	uint64_t now = now_ms();
	int r;

	if (now < w->retry_at_ms)
		return;
	r = connection_open(w);
	if (r == 0) {
		w->retry_at_ms = 0;
		return;
	}
	if (!w->lost_ms)
		w->lost_ms = now;
	if (r == -EPERM || r == -EACCES) {
		fail_waiting(w, WAT_UNAVAILABLE,
			     "the process at watd's socket is not watd, or does not let us in");
		return;
	}
	if (given_up(w, w->lost_ms)) {
		fail_waiting(w, WAT_UNAVAILABLE, "watd is not reachable");
		return;
	}
	w->pause_ms = grow_pause(w->pause_ms);
	w->retry_at_ms = now + w->pause_ms;
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

static void prove(const wat *w,
		  const wat_capability *capability,
		  uint64_t slot,
		  uint8_t proof[TOKEN_PROOF_SIZE])
{
	uint8_t binding[32], pk[32], sk[64];
	struct token_bind bind = {.chan_bind = binding,
				  .challenge = w->challenge,
				  .node_id = w->node_id,
				  .slot = slot};

	token_unix_binding(binding);
	crypto_sign_seed_keypair(pk, sk, capability->token.seed);
	token_prove(&capability->token, &bind, sk, proof);
	sodium_memzero(sk, sizeof sk);
}

static void fill_token(wat *w,
		       wat_capability *capability,
		       Wat__Envelope__Bind *bind,
		       uint8_t token[TOKEN_SIZE],
		       uint8_t proof[TOKEN_PROOF_SIZE])
{
	token_encode(&capability->token, token);
	prove(w, capability, w->last_slot, proof);
	bind->token = (ProtobufCBinaryData){TOKEN_SIZE, token};
	bind->proof = (ProtobufCBinaryData){TOKEN_PROOF_SIZE, proof};
	if (capability->role == TOKEN_USER) {
		if (!capability->resume)
			randombytes_buf(capability->lane, sizeof capability->lane);
		bind->lane = (ProtobufCBinaryData){sizeof capability->lane, capability->lane};
	}
}

static void send_bind(wat *w, wat_capability *capability)
{
	Wat__Envelope__Bind bind = WAT__ENVELOPE__BIND__INIT;
	struct frame frame = {
		.type = FRAME_BIND, .id = ++w->last_slot, .budget = budget_of(capability)};
	uint8_t token[TOKEN_SIZE], proof[TOKEN_PROOF_SIZE], body[512];

	bind.role = (Wat__Envelope__Role)capability->role;
	bind.lane_mode = capability->resume ? WAT__ENVELOPE__LANE_MODE__RESUME
					    : WAT__ENVELOPE__LANE_MODE__NEW;
	if (capability->role != TOKEN_NODE)
		fill_token(w, capability, &bind, token, proof);
	capability->slot = frame.id;
	capability->binding = BINDING;
	if (stream_queue(&w->control, &frame, body, wat__envelope__bind__pack(&bind, body), -1) < 0)
		connection_lost(w);
	else
		connection_write(w);
}

void bind_failed(wat_capability *capability,
		 wat_status status,
		 const Wat__Envelope__Failure *failure)
{
	capability->binding = UNBOUND;
	/* A lane that was refused is no lane to go on with; an Admin's answers may still be
	 * fetched. */
	if (capability->role == TOKEN_USER)
		capability->resume = false;
	calls_fail(capability, (int)status, failure, NULL);
	list_for_each (i, &capability->calls) {
		container_of(i, struct call, link)->maybe_ran = false;
	}
}

/* Of those that the network decides: another try is worth it. */
static void bind_pause(wat_capability *capability)
{
	capability->pause_ms = grow_pause(capability->pause_ms);
	capability->retry_at_ms = now_ms() + capability->pause_ms;
}

void bind_done(wat_capability *capability)
{
	capability->binding = BOUND;
	capability->lost_ms = capability->pause_ms = capability->retry_at_ms = 0;
	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);

		if (call->kind == CALL_OPEN)
			call_complete(call, 0, NULL, NULL);
	}
	capability_send_calls(capability);
}

static uint32_t call_budget(const struct call *call)
{
	uint64_t now = now_ms();

	if (call->deadline_ms == UINT64_MAX)
		return 0;
	if (call->deadline_ms <= now)
		return 1;
	return call->deadline_ms - now > UINT32_MAX ? UINT32_MAX
						    : (uint32_t)(call->deadline_ms - now);
}

static int queue_call(struct stream *stream, struct call *call, struct frame frame)
{
	frame.type = FRAME_CALL;
	frame.method = call->method;
	frame.id = call->id;
	frame.budget = call_budget(call);
	call->at = stream->out_position + stream_pending(stream);
	call->sent = true;
	return stream_queue(stream, &frame, call->request, call->n, -1);
}

static int queue_schema(wat *w, struct call *call)
{
	Wat__Session__GetInterfaceRequest request = WAT__SESSION__GET_INTERFACE_REQUEST__INIT;
	struct frame frame = {.type = FRAME_CALL, .id = call->id, .budget = call_budget(call)};
	uint8_t body[16];

	request.handle = call->capability->handle;
	call->at = w->control.out_position + stream_pending(&w->control);
	call->sent = true;
	return stream_queue(&w->control, &frame, body,
			    wat__session__get_interface_request__pack(&request, body), -1);
}

static uint64_t lowest_id(const wat_capability *capability, uint64_t fallback)
{
	list_for_each (i, &capability->calls) {
		const struct call *call = container_of(i, struct call, link);

		if (call->kind == CALL_METHOD && call->sent)
			return call->id;
	}
	return fallback;
}

/* A call of a resumed lane keeps its number, so that the host knows it. */
static int send_on_channel(wat_capability *capability, struct call *call)
{
	uint64_t window;

	if (!call->maybe_ran)
		call->id = capability->next_id++;
	window = call->id - lowest_id(capability, call->id);
	call->maybe_ran = false;
	return queue_call(&capability->channel, call, (struct frame){.window = (uint32_t)window});
}

static int send_on_control(wat *w, wat_capability *capability, struct call *call)
{
	call->id = ++w->last_id;
	if (call->kind == CALL_SCHEMA)
		return queue_schema(w, call);
	return queue_call(&w->control, call, (struct frame){.handle = capability->handle});
}

static bool goes_over_control(const wat_capability *capability, const struct call *call)
{
	return call->kind == CALL_SCHEMA || capability->role != TOKEN_USER;
}

void capability_send_calls(wat_capability *capability)
{
	wat *w = capability->owner;

	list_for_each_safe (i, &capability->calls) {
		struct call *call = container_of(i, struct call, link);
		bool control = goes_over_control(capability, call);
		int r = 0;

		if (call->kind == CALL_OPEN) {
			call_complete(call, 0, NULL, NULL);
			continue;
		}
		if (call->sent)
			continue;
		if (control && capability->handle == 0) {
			call_complete(call, WAT_UNAVAILABLE, NULL,
				      "the connection to watd was lost; try again");
			continue;
		}
		r = control ? send_on_control(w, capability, call)
			    : send_on_channel(capability, call);
		if (r < 0)
			call_complete(call, WAT_RESOURCE_EXHAUSTED, NULL, "no memory for the call");
	}
	if (w->connected && stream_pending(&w->control) > 0)
		connection_write(w);
	if (capability->channel.fd >= 0 && stream_pending(&capability->channel) > 0)
		channel_write(capability);
}

static void drive_capability(wat *w, wat_capability *capability)
{
	uint64_t now = now_ms();

	if (now < capability->retry_at_ms)
		return;
	if (capability->lost_ms && given_up(w, capability->lost_ms)) {
		list_for_each_safe (i, &capability->calls) {
			struct call *call = container_of(i, struct call, link);

			call_complete(call,
				      call->maybe_ran && !call->resend ? WAT_DISCONNECTED
								       : WAT_UNAVAILABLE,
				      NULL, "the service could not be reached again");
		}
		/* The next call tries anew. */
		capability->lost_ms = 0;
		return;
	}
	/* A host that dies right after the binding would be asked again at once, without end. */
	bind_pause(capability);
	send_bind(w, capability);
}

void drive(wat *w)
{
	bool wanted = false;

	list_for_each (i, &w->capabilities) {
		wanted = wanted || wants_binding(container_of(i, wat_capability, link));
	}
	if (wanted && !w->connected)
		try_connect(w);
	if (!w->connected || !w->greeted)
		return;
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (w->connected && wants_binding(capability))
			drive_capability(w, capability);
	}
}
