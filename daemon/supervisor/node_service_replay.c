/* node_service_replay.c - Replay of wat.node.Node: a state of before, out of a snapshot and a
 * journal, in a process made for that. Loop thread.
 *
 * The process gets descriptors that can only read, serves nobody, and is bounded in processor time
 * and memory: it runs a service's handlers, and what they do then is nobody's state. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <wat/node.service.h>

#include "daemon/base/sanitized.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/journal_files.h"
#include "daemon/supervisor/lifecycle_parts.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/parked_call.h"
#include "proto/carried.h"
#include "proto/check.h"
#include "proto/support/cleanup.h"

#define REPLAYS_MAX 4u         /* at the same time */
#define CPU_S 60u              /* of one */
#define MEMORY (1024ull << 20) /* bytes that are its own */
#define FILE_MAX (64ull << 20) /* bytes of a memfd with a state */
#define READ_WITHOUT_SYNC INSTANCE_CRASH

struct replay {
	struct parked_call parked; /* in node->replays until it is answered */
	bool waiting;              /* somebody does */
	struct host *host;         /* NULL: not there yet, or not any more */
	uint8_t id[16];
	uint64_t generation;
	char service[256];
	char *plugin;
};

static void finish(struct replay *replay,
		   wat_status status,
		   const Wat__Envelope__Failure *failure,
		   const char *text)
{
	if (!replay->waiting)
		return;
	replay->waiting = false;
	parked_call_fail_with(&replay->parked, status, failure, text);
}

static void answer(struct replay *replay, const Wat__Host__Snapshot *snapshot)
{
	Wat__Node__ReplayReply reply = WAT__NODE__REPLAY_REPLY__INIT;

	if (!replay->waiting)
		return;
	replay->waiting = false;
	reply.state = snapshot->state;
	reply.seq = snapshot->last_seq;
	reply.service = replay->service;
	reply.incarnation = (ProtobufCBinaryData){sizeof replay->id, replay->id};
	reply.generation = replay->generation;
	parked_call_reply(&replay->parked, &reply.base);
}

static void take_state(struct replay *replay, const struct host_answer *said)
{
	Wat__Host__Snapshot *snapshot = NULL;
	ProtobufCMessage *message;
	int r = check_unpack(&wat__host__start_reply__descriptor, NULL, said->body, said->n,
			     &message, NULL);

	if (r == 0) {
		r = carried_open(((const Wat__Host__StartReply *)message)->snapshot, said->fd,
				 &snapshot);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	if (r < 0) {
		finish(replay, WAT_INTERNAL, NULL, "what the replaying process said can't be read");
		return;
	}
	answer(replay, snapshot);
	wat__host__snapshot__free_unpacked(snapshot, NULL);
}

static void say_death(struct replay *replay, const struct host_death *death)
{
	char text[256];

	if (death && death->signal == SIGXCPU)
		(void)snprintf(text, sizeof text,
			       "the replaying process was ended after %u s of processor time; "
			       "a record nearer to the checkpoint takes less",
			       CPU_S);
	else if (death && death->signal)
		(void)snprintf(text, sizeof text,
			       "the replaying process was killed by signal %d (%s)", death->signal,
			       strsignal(death->signal));
	else
		(void)snprintf(text, sizeof text, "the replaying process ended");
	finish(replay, WAT_SERVER_DIED, NULL, text);
}

static void on_replayed(void *arg, const struct host_answer *said)
{
	struct replay *replay = arg;

	if (said->died)
		say_death(replay, said->death);
	else if (said->status != WAT_OK)
		finish(replay, said->status, said->failure,
		       said->failure ? said->failure->text : "the replaying process refused");
	else
		take_state(replay, said);
	if (!said->died)
		host_end(replay->host);
	free(replay->plugin);
	free(replay);
}

/* Its host ends, and with that its request is answered, to nobody. */
static void give_up(struct replay *replay)
{
	replay->waiting = false;
	host_kill(replay->host);
}

static void on_overdue(struct parked_call *parked)
{
	struct replay *replay = container_of(parked, struct replay, parked);

	finish(replay, WAT_DEADLINE_EXCEEDED, NULL,
	       "the calls could not be run within the time of the call (--timeout)");
	give_up(replay);
}

static void on_gone(struct parked_call *parked)
{
	parked_call_drop(parked);
	give_up(container_of(parked, struct replay, parked));
}

static int bound(const struct host *host)
{
	const struct rlimit processor = {CPU_S, CPU_S + 10};
	int r;

	if (prlimit(host->pid, RLIMIT_CPU, &processor, NULL) < 0)
		return -errno;
	if ((r = host_limit(host, RLIMIT_CORE, 0)) < 0 ||
	    (r = host_limit(host, RLIMIT_FSIZE, FILE_MAX)) < 0)
		return r;
	return WAT_SANITIZED ? 0 : host_limit(host, RLIMIT_DATA, MEMORY);
}

static int send_segment(struct replay *replay, const struct instance *instance, uint64_t number)
{
	Wat__Host__SegmentRequest request = WAT__HOST__SEGMENT_REQUEST__INIT;
	int fd, r = journal_files_open_to_read(instance->node->journal_dir, instance->id, number,
					       &fd);

	if (r < 0)
		return r;
	request.instance_id = (ProtobufCBinaryData){16, replay->id};
	request.number = number;
	return host_request(replay->host, HOST_SEGMENT, &request.base, fd, NULL, NULL);
}

static int send_segments(struct replay *replay, const struct instance *instance)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	size_t n = 0;
	int r = journal_files_list(instance->node->journal_dir, instance->id, &numbers, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = send_segment(replay, instance, numbers[i]);
	return r;
}

/* The state and the files are those of one moment: watd replaces both in one step. */
static int send_start(struct replay *replay,
		      const struct instance *instance,
		      const node_replay_request *in)
{
	Wat__Host__StartRequest request = WAT__HOST__START_REQUEST__INIT;
	Wat__Host__Snapshot snapshot = instance_snapshot(instance);
	Wat__Host__Carried from = WAT__HOST__CARRIED__INIT;
	int fd, r;

	snapshot.lanes = (ProtobufCBinaryData){0};
	r = carried_put(&snapshot, &from, &fd);
	if (r < 0)
		return r;
	request.instance_id = (ProtobufCBinaryData){16, replay->id};
	request.instance = (char *)instance->name;
	request.service = (char *)instance->service;
	request.plugin = replay->plugin;
	request.generation = instance->generation;
	request.interface_hash = instance->interface_hash;
	request.from = &from;
	request.durability = READ_WITHOUT_SYNC;
	request.recover_only = request.replay = true;
	request.replay_to = in->to;
	request.replay_to_end = in->to_end;
	return host_request(replay->host, HOST_START, &request.base, fd, on_replayed, replay);
}

static int begin(struct replay *replay,
		 const struct instance *instance,
		 const node_replay_request *in)
{
	struct confinement confinement;
	int r = confinement_of(instance, &confinement);

	/* A service whose calls can be run again needs nothing for that. */
	*confinement.needs = '\0';
	if (r == 0)
		r = host_new(instance->node, false, &confinement, &replay->host);
	confinement_deinit(&confinement);
	if (r < 0)
		return r;
	r = bound(replay->host);
	if (r == 0)
		r = send_segments(replay, instance);
	if (r == 0)
		r = send_start(replay, instance, in);
	/* Nobody has asked it for anything that is waited for. */
	if (r < 0)
		host_kill(replay->host);
	return r;
}

static void note(struct node *node,
		 const struct instance *instance,
		 const struct control_call *call,
		 const node_replay_request *in)
{
	char detail[64];
	const struct audit asked = {.kind = AUDIT_REPLAY,
				    .origin = &call->origin,
				    .instance = instance,
				    .detail = detail};

	if (in->to_end)
		(void)snprintf(detail, sizeof detail, "as of its last record");
	else
		(void)snprintf(detail, sizeof detail, "as of record %llu",
			       (unsigned long long)in->to);
	audit_record(node, &asked);
}

static wat_status check(struct wat_call *call, const struct instance *instance)
{
	const struct node *node = instance->node;
	size_t n = 0;

	list_for_each (i, &node->replays)
		n++;
	if (node->suspending)
		return call->api->fail(call, WAT_UNAVAILABLE, "watd is going down; try again");
	if (instance->beginning || instance->state == INSTANCE_REMOVING)
		return call->api->fail(call, WAT_FAILED_PRECONDITION, "\"%s\" is %s",
				       instance->name, instance_state_name(instance->state));
	if (!instance_has_journal(instance))
		return call->api->fail(call, WAT_FAILED_PRECONDITION,
				       "\"%s\" has the durability none: it keeps no journal",
				       instance->name);
	if (!instance->committed)
		return call->api->fail(call, WAT_DATA_LOSS,
				       "\"%s\" has no committed state that can be read",
				       instance->name);
	if (n >= REPLAYS_MAX)
		return call->api->fail(call, WAT_OVERLOADED,
				       "%u states of before are being made already; try again",
				       REPLAYS_MAX);
	return WAT_OK;
}

static struct replay *replay_for(const struct instance *instance)
{
	struct replay *replay = calloc(1, sizeof *replay);

	if (!replay)
		return NULL;
	replay->plugin = strdup(instance->plugin_copy);
	if (!replay->plugin) {
		free(replay);
		return NULL;
	}
	replay->generation = instance->generation;
	replay->parked.overdue = on_overdue;
	replay->parked.gone = on_gone;
	memcpy(replay->id, instance->id, sizeof replay->id);
	(void)snprintf(replay->service, sizeof replay->service, "%s", instance->service);
	return replay;
}

wat_status node_on_replay(struct node_replay_call *c,
			  wat_empty *state,
			  const node_replay_request *in)
{
	struct control_call *call = control_call_of(&c->base);
	struct instance *instance = NULL;
	struct replay *replay;
	wat_status status = node_find_instance(&c->base, in->name, &instance);
	char text[PLUGIN_COPY_TEXT_MAX];
	int r;

	(void)state;
	if (status == WAT_OK)
		status = check(&c->base, instance);
	if (status != WAT_OK)
		return status;
	if (lifecycle_provide_plugin(instance, text) < 0)
		return wat_fail(c, WAT_FAILED_PRECONDITION, "%s", text);
	note(call->node, instance, call, in);
	replay = replay_for(instance);
	if (!replay)
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	r = begin(replay, instance, in);
	if (r < 0) {
		free(replay->plugin);
		free(replay);
		return wat_fail(c, WAT_RESOURCE_EXHAUSTED, "no process to run the calls in: %s",
				strerror(-r));
	}
	if (parked_call_init(&replay->parked, &c->base, &call->node->replays) < 0) {
		give_up(replay);
		return wat_fail(c, WAT_OVERLOADED, "no memory");
	}
	replay->waiting = true;
	return WAT_OK;
}

void node_replays_end(struct node *node)
{
	list_for_each_safe (i, &node->replays) {
		struct replay *replay = container_of(container_of(i, struct parked_call, link),
						     struct replay, parked);

		finish(replay, WAT_UNAVAILABLE, NULL, "watd is going down; try again");
		give_up(replay);
	}
}
