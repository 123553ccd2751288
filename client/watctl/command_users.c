/* command_users.c - users, who-can, revoke-all: who may call an instance, and who no more. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/describe.h"
#include "client/watctl/hold.h"
#include "client/watctl/methods.h"
#include "client/watctl/node_lists.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/view.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct output_column columns[] = {
	{"grant", "GRANT"},   {"name", "USER"},      {"methodNames", "METHODS"},
	{"until", "EXPIRES"}, {"used", "LAST-USED"}, {"channels", "CHANNELS"},
};

/* What the methods of its service are called; without its plugin they have numbers only. */
struct listing {
	Wat__Node__UserList *list;
	struct schema *schema;
	const method_service *service;
};

static void listing_deinit(struct listing *listing)
{
	if (listing->list)
		protobuf_c_message_free_unpacked(&listing->list->base, NULL);
	schema_free(listing->schema);
}

static int ask(struct watctl *ctl, const char *name, struct listing *ret)
{
	_cleanup_(describe_freep) Wat__Node__Description *description = NULL;
	int r = hold_check_name(ctl, "an instance", name);

	if (r == 0)
		r = node_list_of_users(ctl, name, &ret->list);
	if (r != 0)
		return r;
	if (describe_try(ctl, ret->list->service, &description, &ret->schema) == 0)
		ret->service = schema_service(ret->schema, description->service);
	return 0;
}

static void add_texts(json_t *row, const Wat__Node__User *user, const method_service *service)
{
	char methods[METHODS_TEXT_MAX], until[64];
	json_auto_t *time = output_time(user->not_after);

	methods_text(service, user->method_mask, methods, sizeof methods);
	(void)snprintf(until, sizeof until, "%s%s", json_string_value(time),
		       user->soon ? " (soon)" : "");
	(void)json_object_set_new(row, "methodNames", json_string(methods));
	(void)json_object_set_new(row, "until", json_string(until));
	(void)json_object_set_new(
		row, "used", user->last_used ? output_time(user->last_used) : json_string("never"));
}

/* mask 0: everybody. */
static int print(const struct watctl *ctl, const struct listing *listing, uint64_t mask)
{
	json_auto_t *rows = json_array(), *document = NULL;

	for (size_t i = 0; i < listing->list->n_users; i++) {
		const Wat__Node__User *user = listing->list->users[i];
		json_t *row;

		if (mask && !(user->method_mask & mask))
			continue;
		row = view_user(user);
		if (row)
			add_texts(row, user, listing->service);
		(void)json_array_append_new(rows, row);
	}
	document = json_pack("{s:O}", "users", rows);
	if (!document)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(document);
	else
		output_table(rows, columns, N(columns));
	return 0;
}

int command_users(struct watctl *ctl)
{
	_cleanup_(listing_deinit) struct listing listing = {0};
	int r = ask(ctl, watctl_argument(ctl, 0), &listing);

	return r != 0 ? r : print(ctl, &listing, 0);
}

int command_who_can(struct watctl *ctl)
{
	_cleanup_(listing_deinit) struct listing listing = {0};
	uint64_t mask = 0;
	int r = ask(ctl, watctl_argument(ctl, 0), &listing);

	if (r == 0)
		r = methods_read(ctl, listing.service, watctl_argument(ctl, 1), &mask);
	return r != 0 ? r : print(ctl, &listing, mask);
}

static int print_revoked(const struct watctl *ctl,
			 const char *name,
			 const Wat__Node__RevokeAllReply *reply)
{
	json_auto_t *view =
		json_pack("{s:s, s:I, s:I, s:I}", "name", name, "users", (json_int_t)reply->users,
			  "admins", (json_int_t)reply->admins, "epoch", (json_int_t)reply->epoch);

	if (!view)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(view);
	else
		printf("no token of %s is good any more: %u User%s and %u Admin%s ended\n"
		       "watctl admin %s makes an Admin\n",
		       name, reply->users, reply->users == 1 ? "" : "s", reply->admins,
		       reply->admins == 1 ? "" : "s", name);
	return 0;
}

int command_revoke_all(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0);
	Wat__Node__RestartRequest request = WAT__NODE__RESTART_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r = hold_check_name(ctl, "an instance", name);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.name = (char *)(uintptr_t)name;
	r = connection_node_call(ctl, "RevokeAll", name, &request.base, &reply);
	return r != 0 ? r : print_revoked(ctl, name, (const Wat__Node__RevokeAllReply *)reply);
}
