/* command_wait.c - wait: until an instance is in a state. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"

static int check_state(const struct watctl *ctl, const char *state)
{
	static const char *const states[] = {"ready", "stopped", "failed", "quarantined"};

	for (size_t i = 0; state && i < sizeof states / sizeof states[0]; i++)
		if (strcmp(state, states[i]) == 0)
			return 0;
	return state ? problem_usage(ctl,
				     "--for is ready, stopped, failed or quarantined, not \"%s\"",
				     state)
		     : 0;
}

int command_wait(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0), *state = ctl->values[WATCTL_FOR];
	Wat__Node__WaitRequest request = WAT__NODE__WAIT_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	json_auto_t *view = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r == 0)
		r = check_state(ctl, state);
	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	if (state)
		request.state = (char *)(uintptr_t)state;
	if (ctl->timeout_ms == WATCTL_NO_TIMEOUT)
		ctl->timeout_ms = 0;
	r = connection_node_call(ctl, "Wait", name, &request.base, &reply);
	if (r != 0)
		return r;
	view = view_instance((Wat__Node__Instance *)reply);
	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("%s is %s\n", name, json_string_value(json_object_get(view, "state")));
	return 0;
}
