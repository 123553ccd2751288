/* command_keys.c - keys, rotate-key, revoke-key: what watd signs tokens with. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <wat/types.pb-c.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/when.h"
#include <wat/node.pb-c.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct output_column columns[] = {{"key", "KEY"}, {"good", "GOOD"}};

static json_t *view_key(const Wat__Node__Key *key)
{
	return json_pack("{s:o, s:I, s:o}", "key", output_hex(key->kid.data, key->kid.len), "until",
			 (json_int_t)key->until, "good",
			 key->until ? output_time(key->until) : json_string("signs"));
}

int command_keys(struct watctl *ctl)
{
	Wat__Empty request = WAT__EMPTY__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	json_auto_t *rows = json_array(), *document = NULL;
	const Wat__Node__KeyList *list;
	int r = connection_node_call(ctl, "Keys", NULL, &request.base, &reply);

	if (r != 0)
		return r;
	list = (const Wat__Node__KeyList *)reply;
	for (size_t i = 0; i < list->n_keys; i++)
		(void)json_array_append_new(rows, view_key(list->keys[i]));
	document = json_pack("{s:O}", "keys", rows);
	if (!document)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(document);
	else
		output_table(rows, columns, N(columns));
	return 0;
}

static int print(const struct watctl *ctl, json_t *document, const char *format)
{
	json_auto_t *owned = document;

	if (!owned)
		return problem_memory(ctl);
	if (ctl->json)
		output_json(owned);
	else
		printf(format, json_string_value(json_object_get(owned, "key")),
		       json_string_value(json_object_get(owned, "before")),
		       json_string_value(json_object_get(owned, "good")));
	return 0;
}

static int print_rotated(const struct watctl *ctl, const Wat__Node__RotateKeyReply *reply)
{
	json_t *good = reply->until ? output_time(reply->until) : json_string("no more");

	return print(ctl,
		     json_pack("{s:o, s:o, s:o}", "key",
			       output_hex(reply->kid.data, reply->kid.len), "before",
			       output_hex(reply->before.data, reply->before.len), "good", good),
		     reply->until ? "%s signs; tokens of %s are good until %s\n"
				  : "%s signs; tokens of %s are good %s\n");
}

/* --grace */
static int read_grace(const struct watctl *ctl, Wat__Node__RotateKeyRequest *request)
{
	const char *text = ctl->values[WATCTL_GRACE];
	uint64_t ms = 0;

	if (!text)
		return 0;
	if (!when_duration(text, &ms) || (ms > 0 && ms < 1000))
		return problem_usage(ctl, "--grace \"%s\": expected how long, such as 30d, or 0",
				     text);
	request->grace_s = ms / 1000;
	request->at_once = ms == 0;
	return 0;
}

int command_rotate_key(struct watctl *ctl)
{
	Wat__Node__RotateKeyRequest request = WAT__NODE__ROTATE_KEY_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	uint8_t id[16];
	int r = read_grace(ctl, &request);

	if (r != 0)
		return r;
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	r = connection_node_call(ctl, "RotateKey", NULL, &request.base, &reply);
	return r != 0 ? r : print_rotated(ctl, (const Wat__Node__RotateKeyReply *)reply);
}

int command_revoke_key(struct watctl *ctl)
{
	Wat__Node__RevokeKeyRequest request = WAT__NODE__REVOKE_KEY_REQUEST__INIT;
	_cleanup_(protobuf_c_messagep) ProtobufCMessage *reply = NULL;
	const char *text = watctl_argument(ctl, 0);
	uint8_t id[16], kid[8];
	size_t n;
	int r;

	if (sodium_hex2bin(kid, sizeof kid, text, strlen(text), NULL, &n, NULL) != 0 ||
	    n != sizeof kid)
		return problem_usage(ctl,
				     "\"%s\" is no key: expected 16 hexadecimal digits, as "
				     "watctl keys prints them",
				     text);
	randombytes_buf(id, sizeof id);
	request.request_id = (ProtobufCBinaryData){sizeof id, id};
	request.kid = (ProtobufCBinaryData){sizeof kid, kid};
	r = connection_node_call(ctl, "RevokeKey", NULL, &request.base, &reply);
	if (r != 0)
		return r;
	return print(ctl, json_pack("{s:s}", "key", text),
		     "tokens of %s are good for nothing any more\n");
}
