/* command_snapshots.c - snapshots and snapshot: what is kept of an instance's states, and one more.
 */
#include <sodium.h>
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"
#include <wat/node.pb-c.h>

static const struct output_column columns[] = {
	{"seq", "SEQ"},     {"time", "TIME"},       {"generation", "GEN"}, {"kind", "KIND"},
	{"bytes", "BYTES"}, {"service", "SERVICE"}, {"digest", "DIGEST"},  {"mark", ""},
};

static void print_text(json_t *document)
{
	json_t *rows = json_object_get(document, "snapshots"), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		(void)json_object_set_new(row, "digest",
					  json_string(json_is_true(json_object_get(row, "intact"))
							      ? "ok"
							      : "damaged"));
		(void)json_object_set_new(
			row, "mark",
			json_string(json_is_true(json_object_get(row, "current")) ? "*" : ""));
	}
	output_table(rows, columns, sizeof columns / sizeof columns[0]);
}

int command_snapshots(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	json_auto_t *view = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Snapshots", name, &request.base, &reply);
	if (r != 0)
		return r;
	view = view_snapshots((Wat__Node__SnapshotList *)reply);
	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		print_text(view);
	return 0;
}

static int print_made(const struct watctl *ctl,
		      const char *name,
		      const Wat__Node__SnapshotReply *reply)
{
	json_auto_t *view = json_pack("{s:s, s:I, s:I, s:I}", "name", name, "seq",
				      (json_int_t)reply->seq, "bytes", (json_int_t)reply->bytes,
				      "generation", (json_int_t)reply->generation);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("snapshot %llu of %s, %llu bytes\n", (unsigned long long)reply->seq, name,
		       (unsigned long long)reply->bytes);
	return 0;
}

int command_snapshot(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__SnapshotRequest request = WAT__NODE__SNAPSHOT_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Snapshot", name, &request.base, &reply);
	return r != 0 ? r : print_made(ctl, name, (Wat__Node__SnapshotReply *)reply);
}
