/* view.c - what watd says about instances and itself, as JSON. Numbers are JSON numbers, times Unix
 * milliseconds or seconds as in wat/node.proto, ids hexadecimal. Pure. */
#include "client/watctl/view.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <wat/wat.h>

#include "client/watctl/output.h"

const char *view_tier(Wat__Node__Tier tier)
{
	return tier == WAT__NODE__TIER__THREAD ? "thread" : "process";
}

const char *view_cause_kind(int kind)
{
	static const char *const names[] = {
		[WAT_CAUSE_UNKNOWN] = "unknown",   [WAT_CAUSE_FAILURE] = "failure",
		[WAT_CAUSE_PANIC] = "panic",       [WAT_CAUSE_SIGNAL] = "signal",
		[WAT_CAUSE_EXIT] = "exit",         [WAT_CAUSE_REFUSED] = "refused",
		[WAT_CAUSE_DIVERGED] = "diverged", [WAT_CAUSE_GROUP] = "group",
	};
	bool known = kind >= 0 && (size_t)kind < sizeof names / sizeof names[0];

	return names[known ? kind : WAT_CAUSE_UNKNOWN];
}

static json_t *view_cause(const Wat__Envelope__Cause *cause)
{
	json_t *frames = json_array();
	char address[24];

	for (size_t i = 0; i < cause->n_frames; i++)
		(void)json_array_append_new(frames, json_string(cause->frames[i]));
	(void)snprintf(address, sizeof address, "0x%" PRIx64, cause->address);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:o, s:s, s:I}", "kind",
			 view_cause_kind((int)cause->kind), "service", cause->service, "instance",
			 cause->instance, "generation", (json_int_t)cause->generation, "method",
			 cause->method, "signal", (json_int_t)cause->signal, "address", address,
			 "frames", frames, "text", cause->text, "timeMs",
			 (json_int_t)cause->time_ms);
}

/* null where there was no failure. */
static json_t *view_failure(const Wat__Envelope__Failure *failure)
{
	json_t *chain;

	if (!failure)
		return json_null();
	chain = json_array();
	for (size_t i = 0; i < failure->n_chain; i++)
		(void)json_array_append_new(chain, view_cause(failure->chain[i]));
	return json_pack("{s:s, s:o}", "text", failure->text, "chain", chain);
}

static json_t *view_failures(Wat__Envelope__Failure *const *failures, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array, view_failure(failures[i]));
	return array;
}

json_t *view_instance(const Wat__Node__Instance *i)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:I, s:I, s:I, s:s, s:s, s:o, "
		"s:s, s:I, s:I, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:I}",
		"name", i->name, "service", i->service, "tier", view_tier(i->tier), "state",
		i->state, "incarnation", output_hex(i->incarnation.data, i->incarnation.len),
		"generation", (json_int_t)i->generation, "pid", (json_int_t)i->pid, "durability",
		i->durability, "users", (json_int_t)i->users, "deaths", (json_int_t)i->deaths,
		"committedMs", (json_int_t)i->committed_ms, "plugin", i->plugin, "note", i->note,
		"failure", view_failure(i->failure), "restart", i->restart, "restartMax",
		(json_int_t)i->restart_max, "restartWithinMs", (json_int_t)i->restart_within_ms,
		"isolated", i->isolated, "lastDeaths",
		view_failures(i->last_deaths, i->n_last_deaths), "group", i->group, "groupStrategy",
		i->group_strategy, "groupState", i->group_state, "stuck", i->stuck, "stuckMs",
		(json_int_t)i->stuck_ms, "ownerPid", (json_int_t)i->owner_pid);
}

json_t *view_instances(const Wat__Node__InstanceList *list)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < list->n_instances; i++)
		(void)json_array_append_new(rows, view_instance(list->instances[i]));
	return json_pack("{s:o}", "instances", rows);
}

json_t *view_user(const Wat__Node__User *user)
{
	char mask[32];

	(void)snprintf(mask, sizeof mask, "0x%" PRIx64, user->method_mask);
	return json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "name",
			 user->name, "grant", output_hex(user->grant_id.data, user->grant_id.len),
			 "methods", mask, "created", (json_int_t)user->created, "notAfter",
			 (json_int_t)user->not_after, "channels", (json_int_t)user->channels,
			 "rate", (json_int_t)user->rate, "inFlight", (json_int_t)user->in_flight,
			 "lastUsed", (json_int_t)user->last_used, "pid", (json_int_t)user->pid,
			 "session", user->session, "soon", user->soon);
}

static json_t *view_snapshot(const Wat__Node__Snapshot *s)
{
	return json_pack("{s:I, s:o, s:I, s:I, s:s, s:I, s:s, s:b, s:b, s:o, s:I, s:o, s:o}", "seq",
			 (json_int_t)s->seq, "time", output_time_ms(s->time_ms), "timeMs",
			 (json_int_t)s->time_ms, "generation", (json_int_t)s->generation, "kind",
			 s->kind, "bytes", (json_int_t)s->bytes, "service", s->service, "intact",
			 s->intact, "current", s->current, "incarnation",
			 output_hex(s->incarnation.data, s->incarnation.len), "laneBytes",
			 (json_int_t)s->lane_bytes, "schema",
			 output_hex(s->schema.data, s->schema.len), "interface",
			 output_hex(s->interface.data, s->interface.len));
}

json_t *view_snapshots(const Wat__Node__SnapshotList *list)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < list->n_snapshots; i++)
		(void)json_array_append_new(rows, view_snapshot(list->snapshots[i]));
	return json_pack("{s:o}", "snapshots", rows);
}

static json_t *view_plugin(const Wat__Node__PluginFile *file)
{
	json_t *services = json_array();

	for (size_t i = 0; i < file->n_services; i++)
		(void)json_array_append_new(services,
					    json_pack("{s:s, s:s}", "name", file->services[i]->name,
						      "prefix", file->services[i]->prefix));
	return json_pack("{s:s, s:o, s:s, s:s}", "file", file->file, "services", services, "error",
			 file->error, "warning", file->warning);
}

json_t *view_plugins(const Wat__Node__PluginList *list)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < list->n_files; i++)
		(void)json_array_append_new(rows, view_plugin(list->files[i]));
	return json_pack("{s:o}", "plugins", rows);
}

json_t *view_texts(char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(array, json_string(texts[i]));
	return array;
}

/* A number that there may not be. */
static json_t *number_if(bool there, json_int_t number)
{
	return there ? json_integer(number) : json_null();
}

json_t *view_event(const Wat__Envelope__Event *e)
{
	char invocation[24];

	(void)snprintf(invocation, sizeof invocation, "%016" PRIx64, e->invocation);
	return json_pack("{s:I, s:o, s:I, s:s, s:s, s:o, s:I, s:s, s:o, s:o, s:s, s:s, s:o, s:s, "
			 "s:I, s:s}",
			 "seq", (json_int_t)e->seq, "time", output_time_ms(e->time_ms), "timeMs",
			 (json_int_t)e->time_ms, "kind", e->kind, "name", e->instance,
			 "incarnation", output_hex(e->incarnation.data, e->incarnation.len),
			 "generation", (json_int_t)e->generation, "invocation",
			 e->invocation ? invocation : "", "uid", number_if(e->has_peer, e->uid),
			 "pid", number_if(e->has_peer, e->pid), "address", e->address, "user",
			 e->user, "grant", output_hex(e->grant_id.data, e->grant_id.len), "status",
			 e->status ? wat_status_name((int)e->status) : "", "count",
			 (json_int_t)e->count, "detail", e->detail);
}

json_t *view_log_line(const Wat__Node__LogLine *l)
{
	static const char *const streams[] = {"", "stdout", "stderr", "log"};
	const char *level = l->level <= 3   ? "error"
			    : l->level == 4 ? "warning"
			    : l->level <= 6 ? "info"
					    : "debug";

	return json_pack("{s:I, s:o, s:I, s:s, s:I, s:I, s:s, s:s, s:s}", "seq", (json_int_t)l->seq,
			 "time", output_time_ms(l->time_ms), "timeMs", (json_int_t)l->time_ms,
			 "name", l->instance, "generation", (json_int_t)l->generation, "pid",
			 (json_int_t)l->pid, "level", level, "stream",
			 streams[l->stream <= 3 ? l->stream : 0], "text", l->text);
}

json_t *view_status(const Wat__Node__NodeStatus *s)
{
	return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:o, "
			 "s:s, s:o, s:o, s:I, s:I}",
			 "version", s->version, "pid", (json_int_t)s->pid, "nodeId",
			 output_hex(s->node_id.data, s->node_id.len), "startedMs",
			 (json_int_t)s->started_ms, "instances", (json_int_t)s->n_instances,
			 "ready", (json_int_t)s->n_ready, "failed", (json_int_t)s->n_failed,
			 "connections", (json_int_t)s->n_connections, "gateConnections",
			 (json_int_t)s->n_gated, "stateDir", s->state_dir, "socket", s->socket,
			 "adminSocket", s->admin_socket, "gateSocket", s->gate_socket, "addresses",
			 view_texts(s->addresses, s->n_addresses), "pluginDir", s->plugin_dir,
			 "configFiles", view_texts(s->config_files, s->n_config_files), "troubles",
			 view_texts(s->troubles, s->n_troubles), "isolated",
			 (json_int_t)s->n_isolated, "stuck", (json_int_t)s->n_stuck);
}
