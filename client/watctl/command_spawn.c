/* command_spawn.c - spawn and start: an incarnation begins, and its Admin goes into the keyring. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/describe.h"
#include "client/watctl/hold.h"
#include "client/watctl/message.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/spawn_options.h"
#include "client/watctl/view.h"

static const struct output_column columns[] = {
	{"name", NULL}, {"service", NULL},    {"incarnation", NULL},
	{"tier", NULL}, {"generation", NULL}, {"admin", NULL},
};

/* What there is now, as watd shows it. */
static int print_begun(struct watctl *ctl, const char *name, const char *admin)
{
	Wat__Node__NameRequest request = WAT__NODE__NAME_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	json_auto_t *view = NULL;
	int r;

	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "Show", name, &request.base, &reply);
	if (r != 0)
		return r;
	view = view_instance((Wat__Node__Instance *)reply);
	if (!view)
		return problem_memory(ctl);
	(void)json_object_set_new(view, "admin", json_string(admin));
	if (ctl->json)
		output_json(view);
	else
		output_fields(view, columns, sizeof columns / sizeof columns[0]);
	return 0;
}

/* From --state, or from fields; without either it is empty. */
static int read_state(const struct watctl *ctl,
		      const struct schema *schema,
		      const char *type,
		      uint8_t **ret_state,
		      size_t *ret_n)
{
	const char *given = ctl->values[WATCTL_STATE];

	if (given && watctl_argument(ctl, 2))
		return problem_usage(ctl, "the state is --state or fields, not both: \"%s\"",
				     watctl_argument(ctl, 2));
	if (given)
		return message_from_argument(ctl, schema, type, "the state", given, ret_state,
					     ret_n);
	return message_from_arguments(ctl, schema, type, "the state", 2, ret_state, ret_n);
}

/* Describes the service, translates --state, makes room in the keyring; then spawns. Nothing has
 * begun when any of the first three fails. */
static int spawn(struct watctl *ctl, const char *name, const struct wat_spawn *how)
{
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(token_file_freep) struct token_file *file = NULL;
	_cleanup_(freep) uint8_t *state = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	size_t n = 0;
	int r;

	if ((r = describe_service(ctl, watctl_argument(ctl, 0), &description, &schema)) != 0)
		return r;
	if ((r = read_state(ctl, schema, description->state, &state, &n)) != 0)
		return r;
	if ((r = hold_keyring(ctl, &keyring)) != 0 ||
	    (r = hold_reserve(ctl, keyring, name, NULL, &file)) != 0)
		return r;
	r = wat_spawn_raw(ctl->node, description->service, name, how, state, n, &token);
	if (r != 0)
		return problem_call(ctl, name, r);
	return hold_commit(ctl, name, file, token);
}

/* The connection is what the instance is attached to: it lasts until there is nothing to hold. */
static int wait_attached(struct watctl *ctl, const char *name)
{
	Wat__Node__WaitRequest request = WAT__NODE__WAIT_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	int r;

	request.name = (char *)(uintptr_t)name;
	request.state = (char *)"stopped";
	if (ctl->timeout_ms == WATCTL_NO_TIMEOUT)
		wat_set_timeout(ctl->connection, 0);
	(void)fflush(stdout);
	r = connection_node_call(ctl, "Wait", name, &request.base, &reply);
	if (r == 0 && !ctl->json)
		printf("%s is stopped\n", name);
	return r;
}

int command_spawn(struct watctl *ctl)
{
	struct wat_spawn how = WAT_SPAWN_INIT;
	const char *name = watctl_argument(ctl, 1);
	int r;

	if (watctl_given(ctl, WATCTL_ATTACHED))
		how.flags = WAT_SPAWN_ATTACHED;
	if ((r = spawn_read_options(ctl, &how)) != 0 ||
	    (r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = spawn(ctl, name, &how)) != 0)
		return r;
	r = print_begun(ctl, name, "is in the keyring");
	return r == 0 && how.flags ? wait_attached(ctl, name) : r;
}

/* *ret_renewed: there is a new Admin. */
static int start(struct watctl *ctl,
		 const char *name,
		 const struct wat_spawn *how,
		 bool *ret_renewed)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(token_file_freep) struct token_file *file = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	int r;

	if ((r = hold_keyring(ctl, &keyring)) != 0 ||
	    (r = hold_reserve(ctl, keyring, name, NULL, &file)) != 0)
		return r;
	r = wat_start_raw(ctl->node, name, how, &token);
	if (r != 0)
		return problem_call(ctl, name, r);
	*ret_renewed = token != NULL;
	return token ? hold_commit(ctl, name, file, token) : 0;
}

int command_start(struct watctl *ctl)
{
	struct wat_spawn how = WAT_SPAWN_INIT;
	const char *name = watctl_argument(ctl, 0);
	bool renewed = false;
	int r;

	if ((r = spawn_read_options(ctl, &how)) != 0 ||
	    (r = spawn_read_from(ctl, &how.from)) != 0 ||
	    (r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = start(ctl, name, &how, &renewed)) != 0)
		return r;
	return print_begun(ctl, name,
			   renewed ? "is in the keyring, a new one"
				   : "is still good: the failed incarnation goes on");
}
