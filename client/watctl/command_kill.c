/* command_kill.c - kill: the host of an instance is ended, whatever it is doing. */
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include <wat/node.pb-c.h>

static int print_killed(const struct watctl *ctl,
			const char *name,
			const Wat__Node__KillReply *reply)
{
	json_auto_t *view = json_pack("{s:s, s:I, s:I}", "name", name, "pid",
				      (json_int_t)reply->pid, "others", (json_int_t)reply->others);

	if (!ctl->json)
		printf("killed process %u of %s\n", reply->pid, name);
	if (!ctl->json && reply->others > 0)
		printf("%u other instances ran in it and are started again\n", reply->others);
	if (ctl->json && view)
		output_json(view);
	return view ? 0 : problem_memory(ctl);
}

int command_kill(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Kill", name, &request.base, &reply);
	return r != 0 ? r : print_killed(ctl, name, (Wat__Node__KillReply *)reply);
}
