/* command_reload.c - reload: watd reads its configuration again. */
#include <sodium.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"
#include <wat/node.pb-c.h>

static json_t *view_reload(const struct watctl *ctl, const Wat__Node__ReloadReply *reply)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "dryRun", watctl_given(ctl, WATCTL_DRY_RUN),
			 "changes", view_texts(reply->changes, reply->n_changes), "needsRestart",
			 view_texts(reply->needs_restart, reply->n_needs_restart), "errors",
			 view_texts(reply->errors, reply->n_errors), "troubles",
			 view_texts(reply->troubles, reply->n_troubles));
}

/* What is wrong goes to stderr. */
static void print_text(const struct watctl *ctl, const json_t *view)
{
	bool dry = watctl_given(ctl, WATCTL_DRY_RUN);
	const json_t *changes = json_object_get(view, "changes");
	const json_t *needs_restart = json_object_get(view, "needsRestart");
	const json_t *errors = json_object_get(view, "errors");

	output_lines(stderr, "", errors);
	output_lines(stdout, dry ? "would change  " : "changed  ", changes);
	output_lines(stdout, "needs a restart  ", needs_restart);
	output_lines(stderr, "trouble  ", json_object_get(view, "troubles"));
	if (json_array_size(errors) > 0)
		fputs("watctl: the configuration is not good, and nothing was changed\n", stderr);
	else if (json_array_size(changes) == 0 && json_array_size(needs_restart) == 0)
		puts("nothing is different");
}

static int print_reload(const struct watctl *ctl, const Wat__Node__ReloadReply *reply)
{
	json_auto_t *view = view_reload(ctl, reply);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		print_text(ctl, view);
	if (reply->n_errors > 0)
		return WATCTL_CONFIG;
	return reply->n_troubles > 0 ? WATCTL_FAILED : 0;
}

int command_reload(struct watctl *ctl)
{
	Wat__Node__ReloadRequest request = WAT__NODE__RELOAD_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r;

	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.dry_run = watctl_given(ctl, WATCTL_DRY_RUN);
	r = connection_node_call(ctl, "Reload", NULL, &request.base, &reply);
	return r != 0 ? r : print_reload(ctl, (Wat__Node__ReloadReply *)reply);
}
