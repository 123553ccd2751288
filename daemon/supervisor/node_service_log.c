/* node_service_log.c - SetLogLevel and GetLogLevel of wat.node.Node. Loop thread. */
#include <stdio.h>
#include <wat/node.service.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/node.h"

wat_status node_on_get_log_level(struct node_get_log_level_call *call,
				 wat_empty *state,
				 const wat_empty *in,
				 node_log_level *out)
{
	(void)call;
	(void)state;
	(void)in;
	out->level = (char *)(uintptr_t)log_level_name(log_level());
	return WAT_OK;
}

wat_status node_on_set_log_level(struct node_set_log_level_call *c,
				 wat_empty *state,
				 const node_set_log_level_request *in,
				 node_log_level *out)
{
	struct control_call *call = control_call_of(&c->base);
	int level = log_level_from_name(in->level);
	char detail[64];
	const struct audit set = {
		.kind = AUDIT_LOG_LEVEL, .origin = &call->origin, .detail = detail};

	(void)state;
	if (level < 0)
		return wat_fail(c, WAT_INVALID_ARGUMENT,
				"level: expected error, warning, info or debug, got \"%.32s\"",
				in->level);
	out->previous = (char *)(uintptr_t)log_level_name(log_level());
	out->level = (char *)(uintptr_t)log_level_name(level);
	(void)snprintf(detail, sizeof detail, "from %s to %s", out->previous, out->level);
	log_set_level(level);
	audit_record(call->node, &set);
	return WAT_OK;
}
