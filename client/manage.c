/* manage.c - grants as whoever manages them sees them: renewed, listed, taken back all at once. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/admin.pb-c.h>
#include <wat/node.pb-c.h>

#include "client/private.h"
#include "proto/support/cleanup.h"

enum { ADMIN_RENEW = 4, NODE_USERS = 5, NODE_REVOKE_ALL = 27 };

int wat_renew_raw(wat_capability *admin, const char *user, uint64_t not_after, char **ret_token)
{
	Wat__Admin__RenewRequest request = WAT__ADMIN__RENEW_REQUEST__INIT;
	uint8_t id[16];
	ProtobufCMessage *reply;
	struct token token;
	int r;

	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.user = (char *)(uintptr_t)user;
	request.not_after = not_after;
	r = call_message(admin, ADMIN_RENEW, &request.base,
			 &wat__admin__provision_reply__descriptor, &reply);
	if (r == 0) {
		const ProtobufCBinaryData *bytes = &((Wat__Admin__ProvisionReply *)reply)->token;

		r = token_decode(bytes->data, bytes->len, &token) == TOKEN_OK
			    ? token_give(&token, ret_token)
			    : failure_set(WAT_INTERNAL, NULL, "watd's token can't be read");
		protobuf_c_message_free_unpacked(reply, NULL);
	}
	return r;
}

int wat_revoke_all_raw(wat_node *node, const char *name, uint32_t *ret_ended)
{
	Wat__Node__RestartRequest request = WAT__NODE__RESTART_REQUEST__INIT;
	const Wat__Node__RevokeAllReply *reply;
	ProtobufCMessage *message;
	uint8_t id[16];
	int r;

	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)(uintptr_t)name;
	r = call_message(&node->capability, NODE_REVOKE_ALL, &request.base,
			 &wat__node__revoke_all_reply__descriptor, &message);
	if (r != 0)
		return r;
	reply = (const Wat__Node__RevokeAllReply *)message;
	if (ret_ended)
		*ret_ended = reply->users + reply->admins;
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}

static bool is_meant(const Wat__Node__User *user, uint64_t methods)
{
	return user->grant_id.len == 16 && (methods == 0 || (user->method_mask & methods));
}

/* What an entry points to. */
static size_t room_of(const Wat__Node__User *user)
{
	return user->grant_id.len + strlen(user->name) + 1;
}

static void fill(struct wat_user_info *info, const Wat__Node__User *user, uint8_t **room)
{
	*info = (struct wat_user_info){
		.size = sizeof *info,
		.channels = user->channels,
		.grant_id = memcpy(*room, user->grant_id.data, user->grant_id.len),
		.name = strcpy((char *)*room + user->grant_id.len, user->name),
		.methods = user->method_mask,
		.created = user->created,
		.not_after = user->not_after,
		.last_used = user->last_used,
		.rate = user->rate,
		.in_flight = user->in_flight,
		.flags =
			(user->session ? WAT_USER_SESSION : 0u) | (user->soon ? WAT_USER_SOON : 0u),
	};
	*room += room_of(user);
}

/* One block: the entries, then the bytes that they point to. */
static int give_users(const Wat__Node__UserList *list,
		      uint64_t methods,
		      struct wat_user_info **ret,
		      size_t *ret_n)
{
	size_t size = 0, n = 0;
	struct wat_user_info *infos;
	uint8_t *room;

	for (size_t i = 0; i < list->n_users; i++) {
		if (!is_meant(list->users[i], methods))
			continue;
		size += sizeof *infos + room_of(list->users[i]);
		n++;
	}
	infos = n > 0 ? malloc(size) : NULL;
	if (n > 0 && !infos)
		return failure_set_errno(-ENOMEM, "a list of Users");
	room = (uint8_t *)(infos + n);
	*ret = infos;
	*ret_n = n;
	for (size_t i = 0; i < list->n_users; i++)
		if (is_meant(list->users[i], methods))
			fill(infos++, list->users[i], &room);
	return 0;
}

int wat_users_raw(wat_node *node,
		  const char *name,
		  uint64_t methods,
		  struct wat_user_info **ret,
		  size_t *ret_n)
{
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	ProtobufCMessage *reply;
	int r;

	request.name = (char *)(uintptr_t)name;
	r = call_message(&node->capability, NODE_USERS, &request.base,
			 &wat__node__user_list__descriptor, &reply);
	if (r != 0)
		return r;
	r = give_users((const Wat__Node__UserList *)reply, methods, ret, ret_n);
	protobuf_c_message_free_unpacked(reply, NULL);
	return r;
}
