/* keys.c - which key signs, which still verify, until when. Loop thread. */
#include "daemon/supervisor/keys.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/keys_end.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

#define LOOK_AGAIN_S 60u /* at the latest: clocks jump */

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

int keys_load(struct node *node, const struct store_issuer *row)
{
	int r;

	if (row->until == 0) {
		node->keys.recorded = true;
		node->keys.last = *row;
		return 0;
	}
	r = keyring_add_old(node->keyring, row->pk, row->until);
	return r == -ENOSPC ? 0 : r;
}

static void on_stored(void *arg, int r)
{
	(void)arg;
	if (r < 0)
		log_error("which keys there are was not stored; it is at the next start", "error",
			  lifecycle_store_error(r));
}

void keys_plan(struct node *node)
{
	uint64_t now = node_time(node), left = LOOK_AGAIN_S;
	struct timeval timeout = {0};
	struct keyring_key key;

	if (!keyring_at(node->keyring, 1, &key))
		return;
	for (size_t i = 1; keyring_at(node->keyring, i, &key); i++)
		if (key.until <= now)
			left = 0;
		else if (key.until - now < left)
			left = key.until - now;
	timeout.tv_sec = (time_t)left;
	if (evtimer_add(node->keys.timer, &timeout) < 0)
		log_error("no memory for the clock of keys; tokens of one that is over can't be "
			  "bound, but channels stay");
}

static int drop(struct node *node, const struct keyring_key *key, const char *detail)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	const struct origin own = origin_new(node);
	const struct audit over = {.kind = AUDIT_KEY_REVOKED, .origin = &own, .detail = detail};
	int r;

	if (!txn)
		return -ENOMEM;
	if ((r = store_txn_drop_issuer(txn, key->kid)) < 0 || (r = audit_add(txn, &over)) < 0)
		return r;
	store_submit(node->store, TAKE(txn), on_stored, NULL);
	return 0;
}

static void end_key(struct node *node, const struct keyring_key *key)
{
	char detail[64], hex[17];

	sodium_bin2hex(hex, sizeof hex, key->kid, sizeof key->kid);
	(void)snprintf(detail, sizeof detail, "%s, its grace time is over", hex);
	if (drop(node, key, detail) < 0)
		log_error("no memory to forget a key that is over", "key", hex);
	(void)keyring_drop_old(node->keyring, key->kid);
	keys_end_channels(node, key->kid, NULL);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct node *node = arg;
	struct keyring_key key;
	size_t i = 1;

	(void)fd;
	(void)what;
	while (keyring_at(node->keyring, i, &key))
		if (key.until <= node_time(node))
			end_key(node, &key);
		else
			i++;
	keys_plan(node);
}

/* Somebody put another key in the place of the file. */
static int note_replaced(struct node *node, struct store_txn *txn)
{
	struct store_issuer last = node->keys.last;
	const struct audit changed = {
		.kind = AUDIT_KEY_CHANGED,
		.origin = &node->start,
		.detail = "another one was in its place when watd started",
	};
	int r;

	last.until = node_time(node) + node->options->limits.key_grace_s;
	if ((r = store_txn_put_issuer(txn, &last)) < 0 || (r = audit_add(txn, &changed)) < 0)
		return r;
	r = keyring_add_old(node->keyring, last.pk, last.until);
	if (r == -ENOSPC)
		log_error("there are too many keys of before: tokens of the last one are not good");
	return r == -ENOSPC ? 0 : r;
}

static int note_current(struct node *node, struct store_txn *txn)
{
	struct store_issuer row = {.until = 0};
	int r;

	memcpy(row.kid, keyring_kid(node->keyring), sizeof row.kid);
	memcpy(row.pk, keyring_public(node->keyring), sizeof row.pk);
	r = store_txn_put_issuer(txn, &row);
	/* The first watd that notes keys had one only. */
	if (r == 0 && !node->keys.recorded)
		r = store_txn_kid_grants(txn, row.kid);
	return r;
}

static void fill_kids(const struct node *node)
{
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);

		list_for_each (j, &instance->grants) {
			struct grant *grant = container_of(j, struct grant, of_instance);

			if (grant->row.has_kid)
				continue;
			grant->row.has_kid = true;
			memcpy(grant->row.kid, keyring_kid(node->keyring), 8);
		}
	}
}

int keys_begin(struct node *node)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	bool same = node->keys.recorded &&
		    memcmp(node->keys.last.kid, keyring_kid(node->keyring), 8) == 0;
	int r = txn ? 0 : -ENOMEM;

	node->keys.timer = evtimer_new(node->base, on_time, node);
	if (!node->keys.timer)
		return -ENOMEM;
	(void)keyring_drop_old(node->keyring, keyring_kid(node->keyring));
	if (r == 0 && node->keys.recorded && !same)
		r = note_replaced(node, txn);
	if (r == 0 && !same)
		r = note_current(node, txn);
	if (r < 0)
		return r;
	if (!node->keys.recorded)
		fill_kids(node);
	if (!same)
		store_submit(node->store, TAKE(txn), on_stored, NULL);
	keys_plan(node);
	return 0;
}

void keys_deinit(struct node *node)
{
	if (node->keys.timer)
		event_free(node->keys.timer);
	node->keys.timer = NULL;
}
