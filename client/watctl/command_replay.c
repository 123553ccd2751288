/* command_replay.c - replay: a state of before, out of a journal of calls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/describe.h"
#include "client/watctl/hold.h"
#include "client/watctl/message.h"
#include "client/watctl/problem.h"

static int read_to(const struct watctl *ctl, Wat__Node__ReplayRequest *request)
{
	const char *text = ctl->values[WATCTL_TO];
	char *end;

	request->to_end = !text;
	if (!text)
		return 0;
	errno = 0;
	request->to = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno != 0)
		return problem_usage(ctl, "--to \"%s\": expected the number of a record", text);
	return 0;
}

/* On stderr which record that is: the state alone goes to stdout. */
static int print(struct watctl *ctl, const char *name, const Wat__Node__ReplayReply *reply)
{
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	int r = describe_service(ctl, reply->service, &description, &schema);

	if (r != 0)
		return r;
	if (!schema_message(schema, description->state))
		return problem(ctl, WAT_DATA_LOSS, "the schema of %s names no state",
			       reply->service);
	if (!ctl->json)
		fprintf(stderr, "watctl: %s as of record %llu\n", name,
			(unsigned long long)reply->seq);
	return message_print(ctl, schema, description->state, reply->state.data, reply->state.len);
}

int command_replay(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__ReplayRequest request = WAT__NODE__REPLAY_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r == 0)
		r = read_to(ctl, &request);
	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Replay", name, &request.base, &reply);
	return r != 0 ? r : print(ctl, name, (Wat__Node__ReplayReply *)reply);
}
