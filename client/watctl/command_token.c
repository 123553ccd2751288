/* command_token.c - token: what can be done with tokens without asking watd. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/describe.h"
#include "client/watctl/hold.h"
#include "client/watctl/key.h"
#include "client/watctl/methods.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/when.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct output_column columns[] = {
	{"role", NULL},   {"methods", NULL},     {"from", NULL},   {"until", NULL},
	{"holder", NULL}, {"secret", NULL},      {"blocks", NULL}, {"grant", NULL},
	{"node", NULL},   {"incarnation", NULL}, {"epoch", NULL},  {"interface", NULL},
	{"issuer", NULL},
};

static int read_token(const struct watctl *ctl, const char *path, char **ret)
{
	int r = token_file_read(path, ret);

	return r < 0 ? problem_file(ctl, "no token can be read from", path, r) : 0;
}

static int inspect_token(const struct watctl *ctl,
			 const char *path,
			 const char *token,
			 struct wat_token_info *ret)
{
	*ret = (struct wat_token_info)WAT_TOKEN_INFO_INIT;
	if (wat_token_inspect(token, ret) == 0)
		return 0;
	return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
			    "%s holds no token; a token is the one line that watctl provision "
			    "prints",
			    path);
}

/* --plugin: the service of the token in that file. *ret stays NULL without it, and for an Admin,
 * whose methods are not the service's. */
static int find_service(struct watctl *ctl,
			const struct wat_token_info *info,
			struct schema **ret_schema,
			const method_service **ret)
{
	const char *path = ctl->values[WATCTL_PLUGIN];
	_cleanup_(freep) char *name = NULL;
	int r;

	if (!path || info->role != WAT_TOKEN_USER)
		return 0;
	r = describe_file_service(ctl, path, info->interface_hash, ret_schema, &name);
	if (r != 0)
		return r;
	*ret = schema_service(*ret_schema, name);
	return *ret ? 0
		    : problem(ctl, WAT_DATA_LOSS, "the schema of %s does not declare %s", path,
			      name);
}

static json_t *view(const struct wat_token_info *info, const method_service *service)
{
	static const char *const roles[] = {"node", "admin", "user"};
	char methods[METHODS_TEXT_MAX], holder[KEY_TEXT_SIZE], interface[24];

	methods_text(service, info->methods, methods, sizeof methods);
	key_to_text(info->holder_pk, holder);
	(void)snprintf(interface, sizeof interface, "%016llx",
		       (unsigned long long)info->interface_hash);
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s, s:s, s:I, s:o, s:o, s:o, s:I, s:s, "
			 "s:o}",
			 "role", roles[info->role], "methods", methods, "notBefore",
			 (json_int_t)info->not_before, "notAfter", (json_int_t)info->not_after,
			 "from", output_time(info->not_before), "until",
			 output_time(info->not_after), "holder", holder, "secret",
			 info->has_seed ? "is in it" : "is with its holder", "blocks",
			 (json_int_t)info->n_blocks, "grant", output_hex(info->grant_id, 16),
			 "node", output_hex(info->node_id, 16), "incarnation",
			 output_hex(info->instance_id, 16), "epoch", (json_int_t)info->epoch,
			 "interface", interface, "issuer", output_hex(info->kid, 8));
}

static int inspect(struct watctl *ctl, const char *path)
{
	_cleanup_(token_text_freep) char *token = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	const method_service *service = NULL;
	json_auto_t *document = NULL;
	struct wat_token_info info;
	int r;

	if ((r = read_token(ctl, path, &token)) != 0 ||
	    (r = inspect_token(ctl, path, token, &info)) != 0 ||
	    (r = find_service(ctl, &info, &schema, &service)) != 0)
		return r;
	document = view(&info, service);
	if (!document)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(document);
	else
		output_fields(document, columns, N(columns));
	return 0;
}

/* --methods and --expires */
static int read_limits(const struct watctl *ctl,
		       const method_service *service,
		       struct wat_attenuation *how)
{
	const char *methods = ctl->values[WATCTL_METHODS], *expires = ctl->values[WATCTL_EXPIRES];
	uint64_t ms;

	if (expires && (!when_duration(expires, &ms) || ms < 1000))
		return problem_usage(
			ctl, "--expires \"%s\": expected how long from now, such as 12h or 30d",
			expires);
	if (expires)
		how->not_after = (uint64_t)time(NULL) + ms / 1000;
	return methods ? methods_read(ctl, service, methods, &how->methods) : 0;
}

static int print_token(const struct watctl *ctl, const char *token)
{
	const char *out = ctl->values[WATCTL_OUT];
	json_auto_t *document = NULL;

	if (!ctl->json && !out)
		(void)puts(token);
	if (!ctl->json)
		return 0;
	document = json_pack("{s:s}", out ? "out" : "token", out ? out : token);
	if (!document)
		return problem_memory(ctl);
	output_json(document);
	return 0;
}

static int make_narrower(const struct watctl *ctl,
			 const char *token,
			 const struct wat_attenuation *how)
{
	_cleanup_(token_file_freep) struct token_file *out = NULL;
	char *narrower = NULL;
	int r = hold_reserve_out(ctl, &out);

	if (r != 0)
		return r;
	r = wat_token_attenuate(token, how, &narrower);
	if (r != 0)
		return problem(ctl, r, "%s", wat_failure()->text);
	if (out)
		r = hold_commit(ctl, "the token", out, narrower);
	if (r == 0)
		r = print_token(ctl, narrower);
	sodium_memzero(narrower, strlen(narrower));
	wat_memory_free(narrower);
	return r;
}

static int attenuate(struct watctl *ctl, const char *path)
{
	_cleanup_(token_text_freep) char *token = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	const method_service *service = NULL;
	struct wat_attenuation how = WAT_ATTENUATION_INIT;
	struct wat_token_info info;
	uint8_t holder[WAT_KEY_SIZE];
	int r;

	if ((r = key_of_holder(ctl, holder, &how.holder_pk)) != 0 ||
	    (r = read_token(ctl, path, &token)) != 0 ||
	    (r = key_complete(ctl, path, &token)) != 0 ||
	    (r = inspect_token(ctl, path, token, &info)) != 0 ||
	    (r = find_service(ctl, &info, &schema, &service)) != 0 ||
	    (r = read_limits(ctl, service, &how)) != 0)
		return r;
	return make_narrower(ctl, token, &how);
}

static int new_key(struct watctl *ctl, const char *path)
{
	uint8_t seed[WAT_KEY_SIZE], pk[WAT_KEY_SIZE];
	char text[KEY_TEXT_SIZE];
	json_auto_t *document = NULL;
	int r = wat_token_newkey(seed, pk);

	if (r != 0)
		return problem_call(ctl, NULL, r);
	r = key_write(ctl, path, seed);
	sodium_memzero(seed, sizeof seed);
	if (r != 0)
		return r;
	key_to_text(pk, text);
	if (!ctl->json) {
		(void)puts(text);
		return 0;
	}
	document = json_pack("{s:s, s:s}", "holder", text, "file", path);
	if (!document)
		return problem_memory(ctl);
	output_json(document);
	return 0;
}

int command_token(struct watctl *ctl)
{
	const char *what = watctl_argument(ctl, 0), *path = watctl_argument(ctl, 1);

	if (strcmp(what, "inspect") == 0)
		return inspect(ctl, path);
	if (strcmp(what, "attenuate") == 0)
		return attenuate(ctl, path);
	if (strcmp(what, "newkey") == 0)
		return new_key(ctl, path);
	return problem_usage(ctl, "token can't %s; it can inspect, attenuate, newkey", what);
}
