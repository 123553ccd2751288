/* node_service_keys.c - Keys, RotateKey and RevokeKey of wat.node.Node. Loop thread. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <wat/node.service.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/keys_end.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

wat_status node_on_keys(struct node_keys_call *c,
			wat_empty *state,
			const wat_empty *in,
			node_key_list *out)
{
	const struct node *node = control_call_of(&c->base)->node;
	struct keyring_key key;

	(void)state;
	(void)in;
	out->keys = wat_alloc(c, (KEYRING_OLD_MAX + 1) * sizeof(*out->keys));
	for (size_t i = 0; keyring_at(node->keyring, i, &key); i++) {
		node_key *one = wat_alloc(c, sizeof *one);

		wat__node__key__init(one);
		one->kid = (ProtobufCBinaryData){8, wat_alloc(c, 8)};
		memcpy(one->kid.data, key.kid, 8);
		one->until = key.until;
		out->keys[out->n_keys++] = one;
	}
	return WAT_OK;
}

/* Under way. */
struct ending_key {
	struct node *node;
	struct operation *operation;
	struct keyring_key key; /* that signs no more, or is no more */
	bool ends;              /* at once */
};

static struct ending_key *ending_key_new(struct operation *operation, const struct keyring_key *key)
{
	struct ending_key *ending = calloc(1, sizeof *ending);

	if (!ending)
		return NULL;
	ending->node = operation->node;
	ending->operation = operation;
	ending->key = *key;
	return ending;
}

static void on_stored(void *arg, int r)
{
	_cleanup_(freep) struct ending_key *ending = arg;

	/* What was done stays: the file has the new key, and the keyring forgot the old one. */
	if (r < 0)
		operation_fail(ending->operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "that the key has changed could not be stored: after a restart the "
			       "one of before is good for a grace time (%s)",
			       lifecycle_store_error(r));
	else if (ending->ends)
		keys_end_channels(ending->node, ending->key.kid, ending->operation);
	else
		operation_conclude(ending->operation);
}

static int add_audit(struct store_txn *txn,
		     const struct ending_key *ending,
		     enum audit_kind kind,
		     const char *detail)
{
	char hex[17], text[96];
	const struct audit audit = {
		.kind = kind, .origin = &ending->operation->origin, .detail = text};

	sodium_bin2hex(hex, sizeof hex, ending->key.kid, sizeof ending->key.kid);
	(void)snprintf(text, sizeof text, "%s %s", hex, detail);
	return audit_add(txn, &audit);
}

static int put(struct store_txn *txn, const struct keyring_key *key, uint64_t until)
{
	struct store_issuer row = {.until = until};

	memcpy(row.kid, key->kid, sizeof row.kid);
	memcpy(row.pk, key->pk, sizeof row.pk);
	return store_txn_put_issuer(txn, &row);
}

/* The file has the new key already. */
static int store_rotation(struct ending_key *ending, uint64_t until)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Node__RotateKeyReply reply = WAT__NODE__ROTATE_KEY_REPLY__INIT;
	struct keyring_key now;
	int r = txn ? 0 : -ENOMEM;

	(void)keyring_at(ending->node->keyring, 0, &now);
	reply.kid = (ProtobufCBinaryData){8, now.kid};
	reply.before = (ProtobufCBinaryData){8, ending->key.kid};
	reply.until = ending->ends ? 0 : until;
	if (r == 0)
		r = put(txn, &now, 0);
	if (r == 0)
		r = ending->ends ? store_txn_drop_issuer(txn, ending->key.kid)
				 : put(txn, &ending->key, until);
	if (r == 0)
		r = operation_decide(ending->operation, &reply.base, txn);
	if (r == 0)
		r = add_audit(txn, ending, ending->ends ? AUDIT_KEY_REVOKED : AUDIT_KEY_CHANGED,
			      ending->ends ? "was replaced, and is good for nothing any more"
					   : "was replaced, and only verifies");
	if (r == 0)
		store_submit(ending->node->store, TAKE(txn), on_stored, ending);
	return r;
}

static int rotate(struct ending_key *ending, uint64_t grace_s)
{
	struct keyring *keyring = ending->node->keyring;
	uint64_t until = node_time(ending->node) + grace_s;
	int r = keyring_next(keyring);

	ending->ends = grace_s == 0;
	if (r == 0)
		r = keyring_switch(keyring);
	if (r < 0)
		return r;
	if (!ending->ends)
		r = keyring_add_old(keyring, ending->key.pk, until);
	keys_plan(ending->node);
	return r < 0 ? r : store_rotation(ending, until);
}

static void fail(struct operation *operation, int r)
{
	if (r == -EROFS)
		operation_fail(operation, WAT_FAILED_PRECONDITION, NULL,
			       "the key is a credential of the service: put another in its place "
			       "(watd keygen FILE) and restart watd");
	else
		operation_fail(operation, WAT_RESOURCE_EXHAUSTED, NULL,
			       "the key can't be changed: %s", strerror(-r));
}

wat_status node_on_rotate_key(struct node_rotate_key_call *c,
			      wat_empty *state,
			      const node_rotate_key_request *in)
{
	struct operation *operation;
	struct ending_key *ending;
	struct keyring_key now, last;
	wat_status status = WAT_OK;
	int r;

	(void)state;
	operation = operation_begin(&c->base, ANSWER_OF_NODE(NODE_ROTATE_KEY), &in->request_id,
				    &status);
	if (!operation)
		return status;
	if (!in->at_once && keyring_at(operation->node->keyring, KEYRING_OLD_MAX, &last)) {
		operation_forget(operation);
		return wat_fail(c, WAT_RESOURCE_EXHAUSTED,
				"%u keys of before are still good; watctl revoke-key ends one",
				KEYRING_OLD_MAX);
	}
	(void)keyring_at(operation->node->keyring, 0, &now);
	ending = ending_key_new(operation, &now);
	r = ending ? rotate(ending, in->at_once   ? 0
				    : in->grace_s ? in->grace_s
						  : operation->node->options->limits.key_grace_s)
		   : -ENOMEM;
	if (r == 0)
		return WAT_OK;
	free(ending);
	fail(operation, r);
	return WAT_OK;
}

static int end_key(struct ending_key *ending)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Empty reply = WAT__EMPTY__INIT;
	int r = txn ? store_txn_drop_issuer(txn, ending->key.kid) : -ENOMEM;

	if (r == 0)
		r = operation_decide(ending->operation, &reply.base, txn);
	if (r == 0)
		r = add_audit(txn, ending, AUDIT_KEY_REVOKED, "is good for nothing any more");
	if (r < 0)
		return r;
	ending->ends = true;
	/* From here on nobody binds with it. */
	(void)keyring_drop_old(ending->node->keyring, ending->key.kid);
	store_submit(ending->node->store, TAKE(txn), on_stored, ending);
	return 0;
}

static bool find_key(const struct node *node,
		     const ProtobufCBinaryData *kid,
		     size_t *ret_i,
		     struct keyring_key *ret)
{
	for (*ret_i = 0; keyring_at(node->keyring, *ret_i, ret); (*ret_i)++)
		if (kid->len == 8 && memcmp(kid->data, ret->kid, 8) == 0)
			return true;
	return false;
}

wat_status node_on_revoke_key(struct node_revoke_key_call *c,
			      wat_empty *state,
			      const node_revoke_key_request *in)
{
	struct operation *operation;
	struct ending_key *ending;
	struct keyring_key key;
	wat_status status = WAT_OK;
	size_t i;

	(void)state;
	operation = operation_begin(&c->base, ANSWER_OF_NODE(NODE_REVOKE_KEY), &in->request_id,
				    &status);
	if (!operation)
		return status;
	if (!find_key(operation->node, &in->kid, &i, &key)) {
		operation_forget(operation);
		return wat_fail(c, WAT_NOT_FOUND, "there is no such key (watctl keys)");
	}
	if (i == 0) {
		operation_forget(operation);
		return wat_fail(c, WAT_FAILED_PRECONDITION,
				"this key signs; watctl rotate-key --grace 0 puts another in its "
				"place and ends it");
	}
	ending = ending_key_new(operation, &key);
	if (ending && end_key(ending) == 0)
		return WAT_OK;
	free(ending);
	operation_fail(operation, WAT_OVERLOADED, NULL, "no memory; the key is as it was");
	return WAT_OK;
}
