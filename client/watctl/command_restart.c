/* command_restart.c - restart, reset-failed and release: an instance goes on as its next
 * generation. */
#include <sodium.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include <wat/node.pb-c.h>

static int print_restarted(const struct watctl *ctl,
			   const char *name,
			   const char *what,
			   const Wat__Node__RestartReply *reply)
{
	json_auto_t *view = json_pack("{s:s, s:o, s:I}", "name", name, "incarnation",
				      output_hex(reply->incarnation.data, reply->incarnation.len),
				      "generation", (json_int_t)reply->generation);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("%s %s, generation %llu\n", what, name,
		       (unsigned long long)reply->generation);
	return 0;
}

static int call(struct watctl *ctl, const char *method, const char *what)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__RestartRequest request = WAT__NODE__RESTART_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, method, name, &request.base, &reply);
	return r != 0 ? r
		      : print_restarted(ctl, name, what, (const Wat__Node__RestartReply *)reply);
}

int command_restart(struct watctl *ctl)
{
	return call(ctl, "Restart", "restarted");
}

int command_reset_failed(struct watctl *ctl)
{
	return call(ctl, "ResetFailed", "reset");
}

int command_release(struct watctl *ctl)
{
	return call(ctl, "Release", "released");
}
