/* host_service.c - handlers of wat.host.Host: who is meant, is the request in form, then on to the
 * instance's thread. Main thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.service.h>

#include "daemon/host/control.h"
#include "daemon/host/control_call.h"
#include "daemon/host/disk.h"
#include "daemon/host/fault.h"
#include "daemon/host/instance.h"
#include "daemon/host/journal.h"
#include "daemon/host/label.h"
#include "daemon/host/modules.h"
#include "proto/failure.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

static struct instance *find_instance(const struct control *control, const ProtobufCBinaryData *id)
{
	if (id->len != WAT_ID_SIZE)
		return NULL;
	list_for_each (i, &control->instances) {
		struct instance *instance = container_of(i, struct instance, link);

		if (memcmp(instance->id, id->data, WAT_ID_SIZE) == 0)
			return instance;
	}
	return NULL;
}

/* The call is answered when the instance gives the request back. */
static wat_status post(struct control_call *call,
		       struct instance *instance,
		       enum request_kind kind,
		       const ProtobufCMessage *in)
{
	call->instance = instance;
	call->request.kind = kind;
	call->request.in = in;
	instance_post(instance, &call->request);
	return call->base.base.api->take(&call->base.base);
}

static wat_status post_to(struct wat_call *base,
			  const ProtobufCBinaryData *id,
			  enum request_kind kind,
			  const ProtobufCMessage *in)
{
	struct control_call *call = control_call_of(base);
	struct instance *instance = find_instance(call->control, id);

	if (!instance)
		return base->api->fail(base, WAT_NOT_FOUND, "this host has no such instance");
	return post(call, instance, kind, in);
}

static wat_status check_start(struct control_call *call, const Wat__Host__StartRequest *in)
{
	const struct control *control = call->control;
	struct wat_call *base = &call->base.base;

	if (in->instance_id.len != WAT_ID_SIZE || !*in->instance ||
	    strlen(in->instance) > WAT_NAME_MAX || in->slot >= ATTRIBUTION_SLOTS ||
	    in->durability < DURABILITY_NONE || in->durability > DURABILITY_SYNC)
		return base->api->fail(base, WAT_INVALID_ARGUMENT,
				       "the request's id, name, slot or durability is out of form");
	if (find_instance(control, &in->instance_id))
		return base->api->fail(base, WAT_ALREADY_EXISTS, "%s runs here already",
				       in->instance);
	if (in->pool != control->pool)
		return base->api->fail(base, WAT_FAILED_PRECONDITION,
				       "this host was confined for the other tier");
	if (!list_empty(&control->instances) && (control->single || !in->pool))
		return base->api->fail(base, WAT_FAILED_PRECONDITION,
				       "this host serves another instance and no more");
	return WAT_OK;
}

/* The files that came for it. */
static void take_segments(struct control_call *call, const ProtobufCBinaryData *id)
{
	list_for_each_safe (i, &call->control->segments) {
		struct segment *segment = container_of(i, struct segment, link);

		if (id->len != WAT_ID_SIZE ||
		    memcmp(segment->instance_id, id->data, WAT_ID_SIZE) != 0)
			continue;
		list_remove(i);
		list_append(&call->request.segments, i);
	}
}

/* What can't even be begun; the chain says of whom that is. */
static wat_status refuse_start(struct control_call *call,
			       const Wat__Host__StartRequest *in,
			       const char *text)
{
	struct failure_cause cause = {
		.kind = WAT__ENVELOPE__CAUSE_KIND__REFUSED,
		.service = in->service,
		.instance = in->instance,
		.generation = in->generation,
		.text = text,
	};

	call->request.failure = failure_new("%s", text);
	if (call->request.failure && failure_add_cause(call->request.failure, &cause) < 0)
		call->request.failure = failure_free(call->request.failure);
	return call->base.base.api->fail(&call->base.base, WAT_START_FAILED, "%s", text);
}

/* Its constructors run, on this thread. */
static int find_service(struct control *control,
			const Wat__Host__StartRequest *in,
			struct instance_identity *identity,
			char *text)
{
	int r;

	atomic_store(&identity->slot->faulted, 0);
	atomic_store(&identity->slot->call_id, 0);
	atomic_fetch_add(&identity->slot->begun, 1);
	atomic_store(&identity->slot->method_plus_1, ATTRIBUTION_LOAD);
	fault_act_for(identity->slot);
	r = plugin_find_service(&control->plugins, in->plugin, in->service, in->interface_hash,
				&identity->service, text);
	fault_act_for(NULL);
	modules_note(control->attribution);
	atomic_store(&identity->slot->method_plus_1, 0);
	return r;
}

wat_status host_on_start(struct host_start_call *c,
			 Wat__Empty *state,
			 const Wat__Host__StartRequest *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct control *control = call->control;
	struct instance_identity identity = {
		.id = in->instance_id.data, .name = in->instance, .generation = in->generation};
	char text[PLUGIN_TEXT_MAX];
	struct instance *instance;
	wat_status status;
	int r;

	(void)state;
	/* Whatever comes of it: a file that stays would stay locked. */
	take_segments(call, &in->instance_id);
	disk_set_full(in->disk_full);
	if (!control->confined)
		return refuse_start(call, in, control->unconfined);
	status = check_start(call, in);
	if (status != WAT_OK)
		return status;
	if (!in->pool)
		label_single(in);
	identity.slot = &control->attribution->slots[in->slot];
	if (find_service(control, in, &identity, text) < 0)
		return refuse_start(call, in, text);
	if (!in->pool && sandbox_close(&control->sandbox, text) < 0)
		return refuse_start(call, in, text);
	r = instance_new(&identity, &control->inbox, &instance);
	if (r < 0) {
		(void)snprintf(text, sizeof text, "no thread for %.63s: %s", in->instance,
			       strerror(-r));
		return refuse_start(call, in, text);
	}
	control->single = !in->pool;
	list_append(&control->instances, &instance->link);
	label_pool(control);
	return post(call, instance, REQUEST_START, &in->base);
}

wat_status host_on_attach(struct host_attach_call *c,
			  Wat__Empty *state,
			  const Wat__Host__AttachRequest *in)
{
	struct control_call *call = control_call_of(&c->base);

	(void)state;
	if (in->grant_id.len != WAT_ID_SIZE || in->lane.len != WAT_ID_SIZE ||
	    strlen(in->user) > WAT_NAME_MAX || call->request.fd < 0)
		return c->base.api->fail(&c->base, WAT_INVALID_ARGUMENT,
					 "grant_id, lane: 16 bytes each; a name; and a descriptor");
	return post_to(&c->base, &in->instance_id, REQUEST_ATTACH, &in->base);
}

wat_status host_on_detach(struct host_detach_call *c,
			  Wat__Empty *state,
			  const Wat__Host__DetachRequest *in)
{
	(void)state;
	if (in->grant_id.len != WAT_ID_SIZE)
		return c->base.api->fail(&c->base, WAT_INVALID_ARGUMENT, "grant_id: 16 bytes");
	return post_to(&c->base, &in->instance_id, REQUEST_DETACH, &in->base);
}

wat_status host_on_drain(struct host_drain_call *c,
			 Wat__Empty *state,
			 const Wat__Host__DrainRequest *in)
{
	(void)state;
	return post_to(&c->base, &in->instance_id, REQUEST_DRAIN, &in->base);
}

wat_status host_on_finish(struct host_finish_call *c,
			  Wat__Empty *state,
			  const Wat__Host__FinishRequest *in)
{
	(void)state;
	return post_to(&c->base, &in->instance_id, REQUEST_FINISH, &in->base);
}

wat_status host_on_provision(struct host_provision_call *c,
			     Wat__Empty *state,
			     const Wat__Host__ProvisionRequest *in)
{
	(void)state;
	if (in->grant_id.len != WAT_ID_SIZE || strlen(in->user) > WAT_NAME_MAX)
		return c->base.api->fail(&c->base, WAT_INVALID_ARGUMENT,
					 "grant_id: 16 bytes; and a name");
	return post_to(&c->base, &in->instance_id, REQUEST_PROVISION, &in->base);
}

wat_status host_on_deprovision(struct host_deprovision_call *c,
			       Wat__Empty *state,
			       const Wat__Host__DeprovisionRequest *in)
{
	(void)state;
	if (in->grant_id.len != WAT_ID_SIZE || strlen(in->user) > WAT_NAME_MAX)
		return c->base.api->fail(&c->base, WAT_INVALID_ARGUMENT,
					 "grant_id: 16 bytes; and a name");
	return post_to(&c->base, &in->instance_id, REQUEST_DEPROVISION, &in->base);
}

wat_status host_on_snapshot(struct host_snapshot_call *c,
			    Wat__Empty *state,
			    const Wat__Host__SnapshotRequest *in)
{
	(void)state;
	return post_to(&c->base, &in->instance_id, REQUEST_SNAPSHOT, &in->base);
}

wat_status host_on_space(struct host_space_call *c,
			 Wat__Empty *state,
			 const Wat__Host__SpaceRequest *in,
			 Wat__Empty *out)
{
	(void)c;
	(void)state;
	(void)out;
	disk_set_full(in->full);
	return WAT_OK;
}

/* Before its instance is there: for the Start that follows. */
static wat_status keep_segment(struct host_segment_call *c, const Wat__Host__SegmentRequest *in)
{
	static const Wat__Host__SegmentReply reply = WAT__HOST__SEGMENT_REPLY__INIT;
	struct control_call *call = control_call_of(&c->base);
	struct segment *segment = calloc(1, sizeof *segment);

	if (!segment)
		return c->base.api->fail(&c->base, WAT_RESOURCE_EXHAUSTED, "no memory");
	memcpy(segment->instance_id, in->instance_id.data, WAT_ID_SIZE);
	segment->number = in->number;
	segment->fresh = in->fresh;
	segment->fd = fd_take(&call->request.fd);
	list_append(&call->control->segments, &segment->link);
	return host_segment_reply(c, &reply);
}

wat_status host_on_segment(struct host_segment_call *c,
			   Wat__Empty *state,
			   const Wat__Host__SegmentRequest *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct instance *instance;

	(void)state;
	if (in->instance_id.len != WAT_ID_SIZE || call->request.fd < 0)
		return c->base.api->fail(&c->base, WAT_INVALID_ARGUMENT,
					 "instance_id: 16 bytes; and a descriptor");
	instance = find_instance(call->control, &in->instance_id);
	return instance ? post(call, instance, REQUEST_SEGMENT, &in->base) : keep_segment(c, in);
}
