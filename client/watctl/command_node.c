/* command_node.c - status, plugins, ls, show: what the node capability may see. */
#include <stdio.h>

#include <wat/types.pb-c.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/node_lists.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct output_column status_columns[] = {
	{"version", NULL},
	{"pid", NULL},
	{"nodeId", "node"},
	{"started", NULL},
	{"instances", NULL},
	{"ready", NULL},
	{"failed", NULL},
	{"connections", NULL},
	{"gateConnections", "by the gate"},
	{"isolated", NULL},
	{"stuck", NULL},
	{"stateDir", "state"},
	{"socket", NULL},
	{"adminSocket", "admin"},
	{"gateSocket", "gate"},
	{"pluginDir", "plugins"},
};
static const struct output_column plugin_columns[] = {{"file", "FILE"},
						      {"service", "SERVICE"},
						      {"prefix", "PREFIX"},
						      {"error", ""},
						      {"warning", ""}};
static const struct output_column ls_columns[] = {
	{"name", "NAME"},   {"service", "SERVICE"}, {"tier", "TIER"},
	{"state", "STATE"}, {"generation", "GEN"},  {"pid", "PID"},
	{"users", "USERS"}, {"deaths", "DEATHS"},   {"group", "GROUP"},
};
static const struct output_column show_columns[] = {
	{"name", NULL},        {"service", NULL},     {"state", NULL},      {"tier", NULL},
	{"incarnation", NULL}, {"generation", NULL},  {"pid", NULL},        {"users", NULL},
	{"deaths", NULL},      {"restart", NULL},     {"durability", NULL}, {"committed", NULL},
	{"plugin", NULL},      {"note", NULL},        {"group", NULL},      {"isolated", NULL},
	{"stuck", NULL},       {"ownerPid", "owner"}, {"failed", NULL},
};
static const struct output_column cause_columns[] = {
	{"kind", "CAUSE"},    {"instance", "NAME"}, {"service", "SERVICE"}, {"generation", "GEN"},
	{"method", "METHOD"}, {"signal", "SIGNAL"}, {"text", ""},
};
static const struct output_column death_columns[] = {
	{"time", "DIED"},     {"generation", "GEN"}, {"kind", "CAUSE"},
	{"method", "METHOD"}, {"signal", "SIGNAL"},  {"text", ""},
};

/* Prints the document as JSON, or by `text`. Consumes the reference. */
static int print(const struct watctl *ctl, json_t *document, void (*text)(json_t *))
{
	json_auto_t *owned = document;

	if (!owned)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(owned);
	else
		text(owned);
	return 0;
}

/* A time of the document under another name, as text for people. */
static void add_time(json_t *object, const char *from, const char *to, json_int_t per_second)
{
	json_int_t at = json_integer_value(json_object_get(object, from));

	(void)json_object_set_new(object, to, output_time((uint64_t)(at / per_second)));
}

static void print_status(json_t *status)
{
	add_time(status, "startedMs", "started", 1000);
	if (json_integer_value(json_object_get(status, "gateConnections")) == 0)
		(void)json_object_del(status, "gateConnections");
	if (json_integer_value(json_object_get(status, "isolated")) == 0)
		(void)json_object_del(status, "isolated");
	if (json_integer_value(json_object_get(status, "stuck")) == 0)
		(void)json_object_del(status, "stuck");
	output_fields(status, status_columns, N(status_columns));
	output_lines(stdout, "address      ", json_object_get(status, "addresses"));
	output_lines(stdout, "config       ", json_object_get(status, "configFiles"));
	output_lines(stdout, "trouble      ", json_object_get(status, "troubles"));
}

static int node_status(struct watctl *ctl)
{
	Wat__Empty request = WAT__EMPTY__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r = connection_node_call(ctl, "Status", NULL, &request.base, &reply);

	return r != 0 ? r : print(ctl, view_status((Wat__Node__NodeStatus *)reply), print_status);
}

int command_status(struct watctl *ctl)
{
	return ctl->n_arguments > 0 ? command_show(ctl) : node_status(ctl);
}

/* A line for each service, and one for each file that has none. */
static void print_plugins(json_t *document)
{
	json_auto_t *rows = json_array();
	json_t *file, *service;
	size_t i, j;

	json_array_foreach(json_object_get(document, "plugins"), i, file)
	{
		json_t *services = json_object_get(file, "services");

		json_array_foreach(services, j, service)
		{
			(void)json_array_append_new(
				rows, json_pack("{s:O, s:O, s:O, s:O, s:O}", "file",
						json_object_get(file, "file"), "service",
						json_object_get(service, "name"), "prefix",
						json_object_get(service, "prefix"), "error",
						json_object_get(file, "error"), "warning",
						json_object_get(file, "warning")));
		}
		if (json_array_size(services) == 0)
			(void)json_array_append(rows, file);
	}
	output_table(rows, plugin_columns, N(plugin_columns));
}

int command_plugins(struct watctl *ctl)
{
	Wat__Empty request = WAT__EMPTY__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r = connection_node_call(ctl, "Plugins", NULL, &request.base, &reply);

	return r != 0 ? r : print(ctl, view_plugins((Wat__Node__PluginList *)reply), print_plugins);
}

/* What most don't have is not shown. Its tier is the one that it has once it is released. */
static void add_isolated(json_t *instance)
{
	const char *why = json_string_value(json_object_get(instance, "isolated"));

	if (why && *why)
		(void)json_object_set_new(instance, "tier", json_string("thread, isolated"));
	else
		(void)json_object_del(instance, "isolated");
	if (json_integer_value(json_object_get(instance, "ownerPid")) == 0)
		(void)json_object_del(instance, "ownerPid");
}

/* Not to be taken for one that serves. */
static void add_stuck(json_t *instance)
{
	const char *method = json_string_value(json_object_get(instance, "stuck"));
	char text[192];

	if (!method || !*method) {
		(void)json_object_del(instance, "stuck");
		return;
	}
	(void)snprintf(text, sizeof text, "%s, stuck",
		       json_string_value(json_object_get(instance, "state")));
	(void)json_object_set_new(instance, "state", json_string(text));
	(void)snprintf(text, sizeof text, "in %.100s, for %lld ms", method,
		       (long long)json_integer_value(json_object_get(instance, "stuckMs")));
	(void)json_object_set_new(instance, "stuck", json_string(text));
}

/* A column for groups is there if there are any. */
static void print_instances(json_t *document)
{
	json_t *instances = json_object_get(document, "instances"), *instance;
	bool any = false;
	size_t i;

	json_array_foreach(instances, i, instance)
	{
		add_isolated(instance);
		add_stuck(instance);
		any = any || *json_string_value(json_object_get(instance, "group"));
	}
	output_table(instances, ls_columns, N(ls_columns) - !any);
}

int command_ls(struct watctl *ctl)
{
	Wat__Node__InstanceList *list = NULL;
	int r = node_list_of_instances(ctl, &list);

	if (r == 0) {
		r = print(ctl, view_instances(list), print_instances);
		protobuf_c_message_free_unpacked(&list->base, NULL);
	}
	return r;
}

/* The first cause of each, with its time; the newest first. */
static void print_deaths(const json_t *deaths)
{
	json_auto_t *rows = json_array();

	for (size_t i = json_array_size(deaths); i > 0; i--) {
		json_t *death = json_array_get(deaths, i - 1);
		json_t *cause = json_array_get(json_object_get(death, "chain"), 0);

		if (!cause)
			continue;
		add_time(cause, "timeMs", "time", 1000);
		(void)json_array_append(rows, cause);
	}
	if (json_array_size(rows) == 0)
		return;
	(void)putchar('\n');
	output_table(rows, death_columns, N(death_columns));
}

/* "on-failure, 5 within 10 s" */
static void add_policy(json_t *instance)
{
	char text[80];

	if (json_integer_value(json_object_get(instance, "restartMax")) == 0)
		return;
	(void)snprintf(text, sizeof text, "%s, %lld within %lld s",
		       json_string_value(json_object_get(instance, "restart")),
		       (long long)json_integer_value(json_object_get(instance, "restartMax")),
		       (long long)json_integer_value(json_object_get(instance, "restartWithinMs")) /
			       1000);
	(void)json_object_set_new(instance, "restart", json_string(text));
}

/* The stack of the nearest cause, innermost first. */
static void print_frames(const json_t *chain)
{
	json_t *frames = json_object_get(json_array_get(chain, 0), "frames");

	if (json_array_size(frames) == 0)
		return;
	(void)putchar('\n');
	output_lines(stdout, "at  ", frames);
}

/* "shop (one_for_all), failed" */
static void add_group(json_t *instance)
{
	const char *name = json_string_value(json_object_get(instance, "group"));
	const char *state = json_string_value(json_object_get(instance, "groupState"));
	char text[128];

	if (!*name)
		return;
	(void)snprintf(text, sizeof text, "%s (%s)%s%s", name,
		       json_string_value(json_object_get(instance, "groupStrategy")),
		       *state ? ", " : "", state);
	(void)json_object_set_new(instance, "group", json_string(text));
}

static void print_instance(json_t *instance)
{
	json_t *failure = json_object_get(instance, "failure");
	json_t *chain = json_object_get(failure, "chain");

	add_time(instance, "committedMs", "committed", 1000);
	add_policy(instance);
	add_isolated(instance);
	add_group(instance);
	add_stuck(instance);
	if (failure)
		(void)json_object_set(instance, "failed", json_object_get(failure, "text"));
	output_fields(instance, show_columns, N(show_columns));
	if (json_array_size(chain) > 0) {
		(void)putchar('\n');
		output_table(chain, cause_columns, N(cause_columns));
		print_frames(chain);
	}
	print_deaths(json_object_get(instance, "lastDeaths"));
}

int command_show(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Show", name, &request.base, &reply);
	return r != 0 ? r : print(ctl, view_instance((Wat__Node__Instance *)reply), print_instance);
}
