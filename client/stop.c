/* stop.c - the end of an instance by its Admin, and who was left then. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.pb-c.h>

#include "client/private.h"
#include "proto/frame.h"

/* Number in admin.proto. */
#define ADMIN_STOP 2

static bool is_written(const struct call *call)
{
	return call->sent &&
	       call->capability->channel.out_position >= call->at + FRAME_HEADER_SIZE + call->n;
}

/* Of the calls submitted before `until`: those that come later can't hold up the stop. */
static bool has_unwritten(const wat_capability *user, uint64_t until)
{
	list_for_each (i, &user->calls) {
		const struct call *call = container_of(i, struct call, link);

		if (call->kind == CALL_METHOD && call->submitted < until && !is_written(call))
			return true;
	}
	return false;
}

static bool instance_has_unwritten(const wat_capability *admin, uint64_t until)
{
	list_for_each (i, &admin->owner->capabilities) {
		const wat_capability *user = container_of(i, wat_capability, link);

		if (user->role == TOKEN_USER &&
		    memcmp(user->token.instance_id, admin->token.instance_id, 16) == 0 &&
		    has_unwritten(user, until))
			return true;
	}
	return false;
}

/* Everything sent before a Stop is in the host's socket before the Stop leaves: it will be served.
 */
static int flush_users(wat_capability *admin)
{
	wat *w = admin->owner;
	uint64_t deadline_ms = deadline_after(w->timeout_ms), until;
	int r = 0;

	(void)pthread_mutex_lock(&w->lock);
	until = w->n_submitted;
	while (r == 0 && instance_has_unwritten(admin, until)) {
		loop_due(w, deadline_ms);
		r = now_ms() < deadline_ms ? loop_wait(w) : WAT_DEADLINE_EXCEEDED;
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (r > 0)
		return failure_set(r, NULL,
				   "calls that were sent before the stop could not be written in "
				   "time; the instance was not stopped");
	return r < 0 ? failure_set_errno(r, "writing the calls sent before the stop") : 0;
}

/* Takes the reply. Without memory for the list it says that nobody was left; the log of watd knows.
 */
static void keep_users_left(wat_capability *admin, Wat__Admin__StopReply *reply)
{
	struct wat_user_left *users = calloc(reply->n_users + 1, sizeof *users);

	for (size_t i = 0; users && i < reply->n_users; i++) {
		users[i].name = reply->users[i]->name;
		users[i].grant_id =
			reply->users[i]->grant_id.len == 16 ? reply->users[i]->grant_id.data : NULL;
		users[i].channels = reply->users[i]->channels;
	}
	stopped_free(&admin->stopped);
	admin->stopped.users = users;
	admin->stopped.reply = &reply->base;
	admin->stopped.n_users = users ? reply->n_users : 0;
	admin->stopped.n_left = reply->n_left;
}

void stopped_free(struct stopped *stopped)
{
	free(stopped->users);
	if (stopped->reply)
		protobuf_c_message_free_unpacked(stopped->reply, NULL);
	*stopped = (struct stopped){0};
}

size_t wat_users_left(const wat_capability *admin, const struct wat_user_left **ret, size_t *ret_n)
{
	*ret = admin->stopped.n_users > 0 ? admin->stopped.users : NULL;
	*ret_n = admin->stopped.n_users;
	return admin->stopped.n_left;
}

int wat_stop_raw(wat_capability *admin, uint8_t **ret_state, size_t *ret_n)
{
	Wat__Admin__StopRequest request = WAT__ADMIN__STOP_REQUEST__INIT;
	ProtobufCMessage *message;
	const Wat__Admin__StopReply *reply;
	uint8_t id[16], *copy;
	int r = flush_users(admin);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	r = call_message(admin, ADMIN_STOP, &request.base, &wat__admin__stop_reply__descriptor,
			 &message);
	if (r != 0)
		return r;
	reply = (const Wat__Admin__StopReply *)message;
	copy = malloc(reply->state.len + 1);
	if (copy) {
		if (reply->state.len > 0)
			memcpy(copy, reply->state.data, reply->state.len);
		*ret_state = copy;
		*ret_n = reply->state.len;
	}
	keep_users_left(admin, (Wat__Admin__StopReply *)message);
	return copy ? 0 : failure_set_errno(-ENOMEM, "a final state");
}
