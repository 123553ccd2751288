/* command_call.c - call: one method of an instance, as a User; JSON or fields in, JSON out. */
#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/message.h"
#include "client/watctl/method.h"
#include "client/watctl/problem.h"

static int find_method(const struct watctl *ctl,
		       const struct schema *schema,
		       const char *service,
		       struct method *ret)
{
	const method_service *proto = schema_service(schema, service);
	const char *name = watctl_argument(ctl, 1);
	char suggestion[1024];

	if (!proto)
		return problem(ctl, WAT_DATA_LOSS, "the schema does not declare %s", service);
	if (method_find(proto, name, ret))
		return 0;
	method_suggest(proto, name, suggestion, sizeof suggestion);
	return problem(ctl, WAT_UNIMPLEMENTED, "%s has no method \"%s\"; %s", service, name,
		       suggestion);
}

static int call(struct watctl *ctl,
		wat_capability *user,
		const struct schema *schema,
		const struct method *method)
{
	_cleanup_(freep) uint8_t *request = NULL;
	_cleanup_(wat_memory_freep) uint8_t *reply = NULL;
	size_t n_request, n_reply;
	int r = message_from_arguments(ctl, schema, method->input, "the request", 2, &request,
				       &n_request);

	if (r != 0)
		return r;
	r = wat_call_raw(user, method->number, method->flags, method->deadline_ms, request,
			 n_request, &reply, &n_reply);
	if (r != 0)
		return problem_call(ctl, watctl_argument(ctl, 0), r);
	return message_print(ctl, schema, method->output, reply, n_reply);
}

int command_call(struct watctl *ctl)
{
	_cleanup_(wat_capability_freep) wat_capability *user = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	struct method method;
	int r;

	if ((r = hold_open_user(ctl, watctl_argument(ctl, 0), &user)) != 0 ||
	    (r = hold_schema(ctl, user, &schema)) != 0 ||
	    (r = find_method(ctl, schema, wat_capability_service(user), &method)) != 0)
		return r;
	return call(ctl, user, schema, &method);
}
