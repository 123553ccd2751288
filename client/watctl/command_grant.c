/* command_grant.c - provision and deprovision: Users come and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/key.h"
#include "client/watctl/methods.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/when.h"

/* Both names are good, the connection stands, the Admin is bound. */
static int open_admin(struct watctl *ctl, struct keyring **ret_keyring, wat_capability **ret)
{
	const char *name = watctl_argument(ctl, 0);
	int r;

	if ((r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = hold_check_name(ctl, "a user", watctl_argument(ctl, 1))) != 0 ||
	    (r = hold_keyring(ctl, ret_keyring)) != 0)
		return r;
	return hold_open_admin(ctl, *ret_keyring, name, ret);
}

static int print_token(const struct watctl *ctl, const char *token)
{
	const char *out = ctl->values[WATCTL_OUT];
	json_auto_t *view = NULL;

	if (!ctl->json && !out)
		(void)puts(token);
	if (!ctl->json)
		return 0;
	view = json_pack("{s:s, s:s}", "name", watctl_argument(ctl, 0), "user",
			 watctl_argument(ctl, 1));
	if (!view)
		return problem_memory(ctl);
	(void)json_object_set_new(view, out ? "out" : "token", json_string(out ? out : token));
	output_json(view);
	return 0;
}

/* --methods */
static int read_methods(struct watctl *ctl, wat_capability *admin, uint64_t *ret_mask)
{
	const char *list = ctl->values[WATCTL_METHODS];
	_cleanup_(schema_freep) struct schema *schema = NULL;
	const method_service *service;
	int r = list ? hold_schema(ctl, admin, &schema) : 0;

	if (r != 0 || !list)
		return r;
	service = schema_service(schema, wat_capability_service(admin));
	if (!service)
		return problem(ctl, WAT_DATA_LOSS, "the schema does not declare %s",
			       wat_capability_service(admin));
	return methods_read(ctl, service, list, ret_mask);
}

/* --expires */
static int read_end(const struct watctl *ctl, uint64_t *ret_not_after)
{
	const char *text = ctl->values[WATCTL_EXPIRES];
	uint64_t ms;

	if (!text)
		return 0;
	if (!when_duration(text, &ms) || ms < 1000)
		return problem_usage(
			ctl, "--expires \"%s\": expected how long from now, such as 12h or 30d",
			text);
	*ret_not_after = (uint64_t)time(NULL) + ms / 1000;
	return 0;
}

static int read_limit(const struct watctl *ctl, enum watctl_option option, uint32_t *ret)
{
	const char *text = ctl->values[option];
	unsigned long number;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number == 0 || number > UINT32_MAX)
		return problem_usage(
			ctl, "\"%s\" is no limit and no process: expected a number from 1 on",
			text);
	*ret = (uint32_t)number;
	return 0;
}

/* What the command line says of the grant. */
static int read_limits(const struct watctl *ctl, struct wat_grant *grant)
{
	int r;

	if (watctl_given(ctl, WATCTL_SESSION))
		grant->flags |= WAT_GRANT_SESSION;
	if ((r = read_end(ctl, &grant->not_after)) != 0 ||
	    (r = read_limit(ctl, WATCTL_PID, &grant->pid)) != 0 ||
	    (r = read_limit(ctl, WATCTL_LIMIT_RATE, &grant->rate)) != 0)
		return r;
	return read_limit(ctl, WATCTL_LIMIT_INFLIGHT, &grant->in_flight);
}

int command_provision(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(wat_capability_freep) wat_capability *admin = NULL;
	_cleanup_(token_file_freep) struct token_file *kept = NULL, *out = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	const char *name = watctl_argument(ctl, 0), *user = watctl_argument(ctl, 1);
	struct wat_grant grant = WAT_GRANT_INIT;
	uint8_t holder[WAT_KEY_SIZE];
	int r;

	if ((r = read_limits(ctl, &grant)) != 0 ||
	    (r = key_of_holder(ctl, holder, &grant.holder_pk)) != 0 ||
	    (r = open_admin(ctl, &keyring, &admin)) != 0 ||
	    (r = read_methods(ctl, admin, &grant.methods)) != 0 ||
	    (!grant.holder_pk && (r = hold_reserve(ctl, keyring, name, user, &kept)) != 0) ||
	    (r = hold_reserve_out(ctl, &out)) != 0)
		return r;
	grant.name = user;
	r = wat_provision_raw(admin, &grant, &token);
	if (r != 0)
		return problem_call(ctl, name, r);
	if ((kept && (r = hold_commit(ctl, user, kept, token)) != 0) ||
	    (out && (r = hold_commit(ctl, user, out, token)) != 0))
		return r;
	return print_token(ctl, token);
}

/* The seed is in the keyring, if the holder is who renews. */
static int complete(struct watctl *ctl, const struct keyring *keyring, char **token)
{
	_cleanup_(token_text_freep) char *held = NULL;
	char *whole;

	if (keyring_read(keyring, watctl_argument(ctl, 0), watctl_argument(ctl, 1), &held) < 0 ||
	    wat_token_renewed(held, *token, &whole) != 0)
		return 0;
	wat_memory_free(*token);
	*token = whole;
	return 1;
}

int command_renew(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(wat_capability_freep) wat_capability *admin = NULL;
	_cleanup_(token_file_freep) struct token_file *kept = NULL, *out = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	const char *name = watctl_argument(ctl, 0), *user = watctl_argument(ctl, 1);
	uint64_t not_after = 0;
	int r;

	if ((r = read_end(ctl, &not_after)) != 0 || (r = open_admin(ctl, &keyring, &admin)) != 0 ||
	    (r = hold_reserve(ctl, keyring, name, user, &kept)) != 0 ||
	    (r = hold_reserve_out(ctl, &out)) != 0)
		return r;
	r = wat_renew_raw(admin, user, not_after, &token);
	if (r != 0)
		return problem_call(ctl, name, r);
	if ((complete(ctl, keyring, &token) && (r = hold_commit(ctl, user, kept, token)) != 0) ||
	    (out && (r = hold_commit(ctl, user, out, token)) != 0))
		return r;
	return print_token(ctl, token);
}

static int print_gone(const struct watctl *ctl, const char *name, const char *user)
{
	json_auto_t *view = json_pack("{s:s, s:s}", "name", name, "user", user);

	if (!ctl->json)
		printf("%s is no User of %s any more\n", user, name);
	else if (view)
		output_json(view);
	return view ? 0 : problem_memory(ctl);
}

int command_deprovision(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(wat_capability_freep) wat_capability *admin = NULL;
	const char *name = watctl_argument(ctl, 0), *user = watctl_argument(ctl, 1);
	int r = open_admin(ctl, &keyring, &admin);

	if (r != 0)
		return r;
	r = wat_deprovision_raw(admin, user);
	if (r != 0)
		return problem_call(ctl, name, r);
	r = keyring_remove_user(keyring, name, user);
	if (r < 0)
		return problem_file(ctl, "the User is gone, but not its token in the keyring",
				    keyring_path(keyring), r);
	return print_gone(ctl, name, user);
}
