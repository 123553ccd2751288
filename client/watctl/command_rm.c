/* command_rm.c - rm: an instance is forgotten, and its tokens in the keyring with it. */
#include <sodium.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include <wat/node.pb-c.h>

static int print_removed(const struct watctl *ctl,
			 const char *name,
			 const Wat__Node__RemoveReply *reply)
{
	json_auto_t *view =
		json_pack("{s:s, s:o, s:I, s:I}", "name", name, "incarnation",
			  output_hex(reply->incarnation.data, reply->incarnation.len), "generation",
			  (json_int_t)reply->generation, "users", (json_int_t)reply->users);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else if (reply->users > 0)
		printf("removed %s and its %u User%s\n", name, reply->users,
		       reply->users == 1 ? "" : "s");
	else
		printf("removed %s\n", name);
	return 0;
}

/* What is left of it in the keyring opens nothing any more. */
static int forget_tokens(struct watctl *ctl, const char *name)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	int r = hold_keyring(ctl, &keyring);

	if (r != 0)
		return r;
	r = keyring_remove(keyring, name);
	return r < 0 ? problem_file(ctl, "the instance is gone, but not its tokens in the keyring",
				    keyring_path(keyring), r)
		     : 0;
}

int command_rm(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__RemoveRequest request = WAT__NODE__REMOVE_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)(uintptr_t)name;
	request.force = watctl_given(ctl, WATCTL_FORCE);
	r = connection_node_call(ctl, "Remove", name, &request.base, &reply);
	if (r == 0)
		r = forget_tokens(ctl, name);
	return r != 0 ? r : print_removed(ctl, name, (Wat__Node__RemoveReply *)reply);
}
