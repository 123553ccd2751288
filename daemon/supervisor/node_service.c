/* node_service.c - handlers of wat.node.Node that only tell. Loop thread. Their replies point into
 * the node's own memory: they are packed before the handler's caller returns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wat/node.service.h>

#include "daemon/base/clock.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/gate.h"
#include "daemon/supervisor/grant_process.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/listener.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/reload.h"
#include "proto/token.h"

static struct node *node_of(struct wat_call *call)
{
	return control_call_of(call)->node;
}

static char **copy_troubles(struct node_status_call *call, const struct node *node, size_t *ret_n)
{
	struct lines troubles = {0};
	char **copies;

	node_troubles(node, &troubles);
	copies = wat_alloc(call, (troubles.n + 1) * sizeof *copies);
	for (size_t i = 0; i < troubles.n; i++)
		copies[i] = wat_strdup(call, troubles.texts[i]);
	*ret_n = troubles.n;
	lines_deinit(&troubles);
	return copies;
}

static char **copy_addresses(struct node_status_call *call, const struct node *node, size_t *ret_n)
{
	char address[GATE_ADDRESS_MAX];
	char **copies;
	size_t n = 0;

	while (gate_address(node->gate, n, address))
		n++;
	copies = wat_alloc(call, (n + 1) * sizeof *copies);
	for (*ret_n = 0; *ret_n < n && gate_address(node->gate, *ret_n, address); (*ret_n)++)
		copies[*ret_n] = wat_strdup(call, address);
	return copies;
}

wat_status node_on_status(struct node_status_call *call,
			  wat_empty *state,
			  const wat_empty *in,
			  node_node_status *out)
{
	struct node *node = node_of(&call->base);

	(void)state;
	(void)in;
	out->version = (char *)WAT_VERSION;
	out->pid = (uint32_t)getpid();
	out->node_id = (ProtobufCBinaryData){16, (uint8_t *)node_id(node)};
	out->started_ms = node->started_ms;
	out->n_connections = (uint32_t)node->n_sessions;
	out->state_dir = node->options->state_dir;
	out->socket = node->client ? (char *)listener_path(node->client) : node->options->socket;
	out->admin_socket = node->admin ? (char *)(uintptr_t)listener_path(node->admin)
					: node->options->admin_socket;
	out->gate_socket = (char *)(uintptr_t)gate_socket(node->gate);
	out->addresses = copy_addresses(call, node, &out->n_addresses);
	out->n_gated = (uint32_t)node->n_gated;
	out->plugin_dir = node->options->plugin_dir;
	out->config_files = node->options->config->files;
	out->n_config_files = node->options->config->n_files;
	out->troubles = copy_troubles(call, node, &out->n_troubles);
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		out->n_instances++;
		out->n_ready += instance->state == INSTANCE_READY;
		out->n_failed += instance_is_given_up(instance);
		out->n_isolated += *instance->isolated != '\0';
		out->n_stuck += *instance->stuck != '\0';
	}
	return WAT_OK;
}

static node_plugin_file *describe_file(struct node_plugins_call *call,
				       const struct plugin_file *file)
{
	node_plugin_file *out = wat_alloc(call, sizeof *out);

	wat__node__plugin_file__init(out);
	out->file = file->path;
	if (file->error) {
		out->error = file->error;
		return out;
	}
	if (file->warning)
		out->warning = file->warning;
	out->services = wat_alloc(call, file->manifest->n_services * sizeof(*out->services));
	for (size_t i = 0; i < file->manifest->n_services; i++) {
		node_plugin_service *service = wat_alloc(call, sizeof *service);

		wat__node__plugin_service__init(service);
		service->name = file->manifest->services[i]->name;
		service->prefix = file->manifest->services[i]->prefix;
		out->services[out->n_services++] = service;
	}
	return out;
}

static wat_status scan(struct wat_call *call, struct node *node)
{
	int r = catalog_scan(&node->catalog, node->options->plugin_dir, node->options->config);

	if (r == 0)
		return WAT_OK;
	return call->api->fail(call, WAT_FAILED_PRECONDITION,
			       "the plugin directory %s can't be read: %s",
			       node->options->plugin_dir, strerror(-r));
}

wat_status node_on_plugins(struct node_plugins_call *call,
			   wat_empty *state,
			   const wat_empty *in,
			   node_plugin_list *out)
{
	struct node *node = node_of(&call->base);
	wat_status status = scan(&call->base, node);

	(void)state;
	(void)in;
	if (status != WAT_OK)
		return status;
	out->files = wat_alloc(call, (node->catalog.n_files + 1) * sizeof(*out->files));
	for (size_t i = 0; i < node->catalog.n_files; i++)
		out->files[out->n_files++] = describe_file(call, node->catalog.files[i]);
	return WAT_OK;
}

wat_status node_find_service(struct wat_call *call,
			     const char *name,
			     const struct plugin_file **ret_file,
			     const Wat__Manifest__Service **ret_service)
{
	struct node *node = node_of(call);
	const struct plugin_file *broken;
	wat_status status = scan(call, node);

	if (status != WAT_OK)
		return status;
	switch (catalog_find(&node->catalog, name, ret_file, ret_service)) {
	case CATALOG_FOUND:
		return WAT_OK;
	case CATALOG_AMBIGUOUS:
		return call->api->fail(call, WAT_FAILED_PRECONDITION,
				       "\"%s\" is the prefix of more than one service; give the "
				       "full name (watctl plugins)",
				       name);
	case CATALOG_UNKNOWN:
	default:
		break;
	}
	broken = catalog_broken(&node->catalog, name);
	if (broken)
		return call->api->fail(call, WAT_FAILED_PRECONDITION, "%s can't be used: %s",
				       broken->path, broken->error);
	return call->api->fail(
		call, WAT_NOT_FOUND,
		"no plugin in %s provides the service \"%s\" (watctl plugins lists what there is)",
		node->options->plugin_dir, name);
}

wat_status node_on_describe(struct node_describe_call *call,
			    wat_empty *state,
			    const node_describe_request *in,
			    node_description *out)
{
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;
	wat_status status = node_find_service(&call->base, in->service, &file, &service);

	(void)state;
	if (status != WAT_OK)
		return status;
	out->service = service->name;
	out->prefix = service->prefix;
	out->file = file->path;
	out->state = service->state;
	out->schema = (ProtobufCBinaryData){file->schema_len, file->schema};
	return WAT_OK;
}

bool node_is_user(const struct grant *grant)
{
	return grant->row.role == TOKEN_USER && grant->row.state == 2 &&
	       !grant_process_is_over(grant);
}

uint32_t node_count_users(const struct instance *instance)
{
	uint32_t n = 0;

	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);

		n += node_is_user(grant);
	}
	return n;
}

static const char *durability_name(int durability)
{
	static const char *const names[] = {"none", "none", "crash", "sync"};

	return names[durability & 3];
}

static const char *note(const struct instance *instance)
{
	switch (instance->state) {
	case INSTANCE_READY:
		if (instance_has_journal(instance))
			return instance->durability > 2
				       ? "acknowledged calls survive a crash and the loss of power"
				       : "acknowledged calls survive a crash of watd's processes";
		return "a crash loses what came after the last committed state, which is made "
		       "every second while the state changes";
	case INSTANCE_FAILED:
		return "not started again by itself; watctl reset-failed continues it from the "
		       "last committed state";
	case INSTANCE_QUARANTINED:
		return "a call of its journal, run again, did not do what it had done; everything "
		       "is kept, and watctl replay gives the state before it";
	case INSTANCE_STOPPING:
		return instance->drained && !instance->operation
			       ? "the final state could not be stored; stop it again"
			       : lifecycle_under_way(instance);
	case INSTANCE_RESTARTING:
		return lifecycle_under_way(instance);
	case INSTANCE_STARTING:
	case INSTANCE_STOPPED:
	case INSTANCE_REMOVING:
	case INSTANCE_SUSPENDED:
	case INSTANCE_BACKOFF:
	default:
		return "";
	}
}

void node_describe_instance(const struct instance *instance, node_instance *out)
{
	const struct group_view group = groups_view(instance);

	out->name = (char *)instance->name;
	out->service = (char *)instance->service;
	out->tier = instance->tier == INSTANCE_THREAD ? WAT__NODE__TIER__THREAD
						      : WAT__NODE__TIER__PROCESS;
	out->state = (char *)instance_state_name(instance->state);
	out->incarnation = (ProtobufCBinaryData){16, (uint8_t *)instance->id};
	out->generation = instance->generation;
	out->pid = instance->host ? (uint32_t)instance->host->pid : 0;
	out->durability = (char *)durability_name(instance->durability);
	out->users = node_count_users(instance);
	out->deaths = instance->deaths;
	out->failure = instance->failure;
	out->committed_ms = instance->committed_ms;
	out->plugin = (char *)instance->plugin;
	out->note = (char *)note(instance);
	out->restart = (char *)(uintptr_t)restart_when_name(instance->policy.when);
	out->restart_max = instance->policy.max;
	out->restart_within_ms = instance->policy.within_ms;
	out->isolated = (char *)(uintptr_t)instance->isolated;
	out->group = (char *)(uintptr_t)group.name;
	out->group_strategy = (char *)(uintptr_t)group.strategy;
	out->group_state = (char *)(uintptr_t)group.state;
	out->stuck = (char *)(uintptr_t)instance->stuck;
	if (*instance->stuck)
		out->stuck_ms = clock_monotonic_ms() - instance->runs_since_ms;
	out->owner_pid = (uint32_t)strtoul(instance->owner, NULL, 10);
}

wat_status node_find_instance(struct wat_call *call, const char *name, struct instance **ret)
{
	struct instance *instance = instance_table_by_name(&node_of(call)->instances, name);

	if (!instance)
		return call->api->fail(call, WAT_NOT_FOUND,
				       "there is no instance \"%s\" (watctl ls lists them)", name);
	*ret = instance;
	return WAT_OK;
}

wat_status node_on_show(struct node_show_call *call,
			wat_empty *state,
			const node_name_request *in,
			node_instance *out)
{
	struct instance *instance = NULL;
	wat_status status = node_find_instance(&call->base, in->name, &instance);

	(void)state;
	if (status != WAT_OK)
		return status;
	node_describe_instance(instance, out);
	out->last_deaths = instance->last_deaths;
	out->n_last_deaths = instance->n_last_deaths;
	return WAT_OK;
}
