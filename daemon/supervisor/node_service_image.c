/* node_service_image.c - Export and Import of wat.node.Node: one instance as a file. Loop thread.
 * Export: [snapshot by the host -> commit ->] read and check -> answer. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/image.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "proto/support/cleanup.h"

struct export
{
	struct parked_call parked; /* in node->asking */
	struct node *node;
	struct origin origin;
	char name[64];
	bool gone; /* nobody waits; freed when the step that is under way is over */
};

/* Frees. */
static void refuse(struct export *export, wat_status status, const char *text)
{
	if (!export->gone)
		parked_call_fail_with(&export->parked, status, NULL, text);
	free(export);
}

static void fill_image(const struct node *node,
		       const struct instance *instance,
		       const struct store_snapshot *row,
		       Wat__Node__Image *image)
{
	image->service = (char *)row->service;
	if (row->has_interface)
		image->interface =
			(ProtobufCBinaryData){sizeof row->interface, (uint8_t *)row->interface};
	image->schema = (ProtobufCBinaryData){sizeof row->schema, (uint8_t *)row->schema};
	image->state = (ProtobufCBinaryData){row->state_len, (uint8_t *)row->state};
	image->name = (char *)row->name;
	image->node_id = (ProtobufCBinaryData){16, (uint8_t *)node_id(node)};
	image->incarnation = (ProtobufCBinaryData){16, (uint8_t *)row->instance_id};
	image->generation = row->generation;
	image->seq = row->seq;
	image->time_ms = row->at_ms;
	image->tier = instance->tier == INSTANCE_THREAD ? WAT__NODE__TIER__THREAD
							: WAT__NODE__TIER__PROCESS;
	image->durability = (uint32_t)instance->durability;
}

static void note_export(const struct export *export,
			const struct instance *instance,
			const struct store_snapshot *row)
{
	char detail[48];
	const struct audit exported = {
		.kind = AUDIT_EXPORT,
		.origin = &export->origin,
		.instance = instance,
		.detail = detail,
	};

	(void)snprintf(detail, sizeof detail, "snapshot %" PRIu64, row->seq);
	audit_record(export->node, &exported);
}

static void reply(struct export *export,
		  const struct instance *instance,
		  const struct store_snapshot *row)
{
	Wat__Node__Image image = WAT__NODE__IMAGE__INIT;
	Wat__Node__ExportReply out = WAT__NODE__EXPORT_REPLY__INIT;
	_cleanup_(freep) uint8_t *bytes = NULL;
	size_t n;

	fill_image(export->node, instance, row, &image);
	if (image_pack(&image, &bytes, &n) < 0) {
		refuse(export, WAT_OVERLOADED, "no memory");
		return;
	}
	out.file = (ProtobufCBinaryData){n, bytes};
	out.seq = row->seq;
	if (protobuf_c_message_get_packed_size(&out.base) > WAT_BODY_MAX) {
		refuse(export, WAT_RESOURCE_EXHAUSTED, "the state is too large for one answer");
		return;
	}
	note_export(export, instance, row);
	parked_call_reply(&export->parked, &out.base);
	free(export);
}

static void on_found(void *arg, int r, const struct store_snapshot_found *found)
{
	struct export *export = arg;
	const struct instance *instance =
		instance_table_by_name(&export->node->instances, export->name);
	char text[256];

	if (export->gone || (r < 0 && r != -ENOENT)) {
		refuse(export, WAT_UNAVAILABLE, "the database can't be read; see the log of watd");
	} else if (r == -ENOENT || !instance) {
		(void)snprintf(
			text, sizeof text,
			"there is no such snapshot of \"%s\" (watctl snapshots %s lists them)",
			export->name, export->name);
		refuse(export, WAT_NOT_FOUND, text);
	} else if (!found->intact) {
		(void)snprintf(text, sizeof text,
			       "snapshot %" PRIu64 " of %s is damaged (its digest is not that of "
			       "its bytes)",
			       found->row.seq, export->name);
		refuse(export, WAT_DATA_LOSS, text);
	} else {
		reply(export, instance, &found->row);
	}
}

static void find(struct export *export, uint64_t seq)
{
	if (store_find_snapshot(export->node->store, export->name, seq, on_found, export) < 0)
		refuse(export, WAT_OVERLOADED, "no memory");
}

/* It is the newest now. */
static void on_taken(void *arg,
		     wat_status status,
		     const Wat__Envelope__Failure *failure,
		     const char *text)
{
	struct export *export = arg;
	const struct instance *instance =
		instance_table_by_name(&export->node->instances, export->name);

	(void)failure;
	if (status == WAT_OK && instance && !export->gone)
		find(export, instance->snapshot);
	else
		refuse(export, status == WAT_OK ? WAT_UNAVAILABLE : status, text);
}

static void on_overdue(struct parked_call *parked)
{
	parked_call_fail_with(parked, WAT_DEADLINE_EXCEEDED, NULL,
			      "no state could be had within the time of the call");
	container_of(parked, struct export, parked)->gone = true;
}

static void on_gone(struct parked_call *parked)
{
	parked_call_drop(parked);
	container_of(parked, struct export, parked)->gone = true;
}

/* Without a number: of one whose last state is known. */
static wat_status check_state(struct wat_call *call, const struct instance *instance, uint64_t from)
{
	if (from || instance->state == INSTANCE_READY || instance->state == INSTANCE_STOPPED)
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "\"%s\" is %s, and its journal may have more than its newest "
			       "snapshot; stop it first (watctl stop %s), or name a snapshot "
			       "(watctl snapshots %s)",
			       instance->name, instance_state_name(instance->state), instance->name,
			       instance->name);
}

static void begin(struct export *export, struct instance *instance, uint64_t from)
{
	const struct lifecycle_take take = {
		.kind = STORE_SNAPSHOT_CHECKPOINT, .done = on_taken, .arg = export};

	if (from || instance->state == INSTANCE_STOPPED)
		find(export, from ? from : instance->snapshot);
	else if (lifecycle_take(instance, &take) < 0)
		refuse(export, WAT_OVERLOADED, "no memory");
}

wat_status node_on_export(struct node_export_call *c,
			  wat_empty *state,
			  const node_export_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	_cleanup_(freep) struct export *export = calloc(1, sizeof *export);
	struct instance *instance = NULL;
	wat_status status = node_find_instance(&c->base, in->name, &instance);

	(void)state;
	if (status == WAT_OK)
		status = check_state(&c->base, instance, in->from);
	if (status != WAT_OK)
		return status;
	if (!export)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	export->node = call->node;
	export->origin = call->origin;
	export->parked.overdue = on_overdue;
	export->parked.gone = on_gone;
	memcpy(export->name, instance->name, sizeof export->name);
	if (parked_call_init(&export->parked, &c->base, &call->node->asking) < 0)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	begin(TAKE(export), instance, in->from < INT64_MAX ? in->from : INT64_MAX);
	return WAT_OK;
}

/* Import. */

static wat_status open_file(struct wat_call *call,
			    const ProtobufCBinaryData *file,
			    Wat__Node__Image **ret)
{
	switch (image_open(file->data, file->len, ret)) {
	case 0:
		return WAT_OK;
	case -ENODATA:
		return call->api->fail(call, WAT_INVALID_ARGUMENT,
				       "file: expected an exported instance (watctl export)");
	case -ENOMEM:
		return call->api->fail(call, WAT_OVERLOADED, "no memory");
	default:
		return call->api->fail(call, WAT_DATA_LOSS,
				       "file: it is damaged: its digest is not that of its bytes");
	}
}

/* The plugin that is here has to be of the same interface. */
static wat_status check_interface(struct wat_call *call,
				  const Wat__Node__Image *image,
				  const struct lifecycle_begin *begin)
{
	uint8_t interface[INTERFACE_HASH_SIZE];

	interface_hash(begin->service->name, begin->service->version, interface);
	if (image->interface.len == 0 ||
	    (image->interface.len == sizeof interface &&
	     memcmp(image->interface.data, interface, sizeof interface) == 0))
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "file: it is of another interface of %s than %s has", image->service,
			       begin->file->path);
}

static wat_status check_image(struct wat_call *call,
			      const node_import_request *in,
			      const Wat__Node__Image *image,
			      struct lifecycle_begin *begin)
{
	struct node *node = control_call_of(call)->node;
	wat_status status;

	begin->name = *in->name ? in->name : image->name;
	if (!name_is_valid(begin->name))
		return call->api->fail(call, WAT_INVALID_ARGUMENT, "name \"%.80s\": " NAME_RULE,
				       begin->name);
	begin->previous = instance_table_by_name(&node->instances, begin->name);
	status = node_check_free(call, begin->previous);
	if (status == WAT_OK)
		status = node_find_service(call, image->service, &begin->file, &begin->service);
	if (status == WAT_OK)
		status = check_interface(call, image, begin);
	return status == WAT_OK ? node_check_state(call, &image->state, begin->service) : status;
}

static void describe(const Wat__Node__Image *image, char *text, size_t size)
{
	char node[33] = "";

	if (image->node_id.len == 16)
		(void)sodium_bin2hex(node, sizeof node, image->node_id.data, 16);
	(void)snprintf(text, size, "from snapshot %" PRIu64 " of %.63s of the node %s", image->seq,
		       image->name, node);
}

wat_status node_on_import(struct node_import_call *c,
			  wat_empty *state,
			  const node_import_request *in)
{
	struct wat_call *call = &c->base;
	wat_status status = node_check_begin(call, &in->holder_pk, in->tier, in->durability);
	struct lifecycle_begin begin = {.holder_pk = in->holder_pk.data};
	Wat__Node__Image *image = NULL;
	struct operation *operation;
	char note[160];

	(void)state;
	if (status != WAT_OK)
		return status;
	operation = operation_begin(call, ANSWER_OF_NODE(NODE_IMPORT), &in->request_id, &status);
	if (!operation)
		return status;
	status = open_file(call, &in->file, &image);
	if (status == WAT_OK)
		status = check_image(call, in, image, &begin);
	if (status != WAT_OK) {
		operation_forget(operation);
	} else {
		describe(image, note, sizeof note);
		begin.note = note;
		begin.state = image->state.data;
		begin.state_len = image->state.len;
		begin.tier = node_tier_of(in->tier, node_tier_of(image->tier, INSTANCE_PROCESS));
		begin.durability = instance_durability(
			in->durability
				? in->durability
				: (image->durability <= INSTANCE_SYNC ? image->durability : 0),
			begin.service);
		lifecycle_begin(operation, &begin);
	}
	if (image)
		wat__node__image__free_unpacked(image, NULL);
	return status;
}
