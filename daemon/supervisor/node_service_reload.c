/* node_service_reload.c - Reload of wat.node.Node. Loop thread. */
#include <wat/node.service.h>

#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/reload.h"

/* Nothing was changed, so there is nothing to wait for. */
static wat_status answer_now(struct node_reload_call *call, const struct reload_report *report)
{
	Wat__Node__ReloadReply reply = WAT__NODE__RELOAD_REPLY__INIT;

	reply.changes = report->changes.texts;
	reply.n_changes = report->changes.n;
	reply.needs_restart = report->needs_restart.texts;
	reply.n_needs_restart = report->needs_restart.n;
	reply.errors = report->errors.texts;
	reply.n_errors = report->errors.n;
	return node_reload_reply(call, &reply);
}

wat_status node_on_reload(struct node_reload_call *c,
			  wat_empty *state,
			  const node_reload_request *in)
{
	struct node *node = control_call_of(&c->base)->node;
	struct operation *operation;
	struct reload_report report = {0};
	wat_status status = WAT_OK;

	(void)state;
	if (node->suspending)
		return wat_fail(c, WAT_UNAVAILABLE, "watd is going down; try again");
	operation =
		operation_begin(&c->base, ANSWER_OF_NODE(NODE_RELOAD), &in->request_id, &status);
	if (!operation)
		return status;
	if (in->dry_run)
		reload_look(node, &report);
	if (in->dry_run || !reload_run(node, operation, &report)) {
		operation_forget(operation);
		status = answer_now(c, &report);
	}
	reload_report_deinit(&report);
	return status;
}
