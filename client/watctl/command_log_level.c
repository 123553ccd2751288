/* command_log_level.c - log-level: how much watd logs, asked and set. */
#include <stdio.h>

#include <jansson.h>
#include <wat/types.pb-c.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include <wat/node.pb-c.h>

static int get(struct watctl *ctl, ProtobufCMessage **ret_reply)
{
	Wat__Empty request = WAT__EMPTY__INIT;

	return connection_node_call(ctl, "GetLogLevel", NULL, &request.base, ret_reply);
}

static int set(struct watctl *ctl, const char *level, ProtobufCMessage **ret_reply)
{
	Wat__Node__SetLogLevelRequest request = WAT__NODE__SET_LOG_LEVEL_REQUEST__INIT;

	request.level = (char *)(uintptr_t)level;
	return connection_node_call(ctl, "SetLogLevel", NULL, &request.base, ret_reply);
}

int command_log_level(struct watctl *ctl)
{
	const char *level = watctl_argument(ctl, 0);
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	json_auto_t *view = NULL;
	const Wat__Node__LogLevel *is;
	int r = level ? set(ctl, level, &reply) : get(ctl, &reply);

	if (r != 0)
		return r;
	is = (const Wat__Node__LogLevel *)reply;
	view = json_pack("{s:s}", "level", is->level);
	if (!view)
		return problem_memory(ctl);
	if (*is->previous)
		(void)json_object_set_new(view, "previous", json_string(is->previous));
	if (ctl->json)
		output_json(view);
	else if (!level)
		puts(is->level);
	else
		printf("%s, was %s\n", is->level, is->previous);
	return 0;
}
