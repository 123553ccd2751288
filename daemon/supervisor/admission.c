/* admission.c - who gets a control connection, and how fast BINDs may come. Loop thread. */
#include "daemon/supervisor/admission.h"

#include <sodium.h>

#include "daemon/base/clock.h"
#include "daemon/base/descriptors.h"
#include "daemon/base/early_drop.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/overloads.h"
#include "daemon/supervisor/session.h"

#define RESERVED 64u             /* descriptors for hosts, BINDs, the admin socket */
#define RESERVED_ADMIN 16u       /* those of them that not even the admin socket gets */
#define SHARE_MAX (128u * 1024u) /* of the buffers, when they are used up */

void admission_init(struct admission *admission)
{
	uint8_t seed[SOURCES_SEED_SIZE];

	randombytes_buf(seed, sizeof seed);
	*admission = (struct admission){.n_strangers = 0};
	sources_init(&admission->sources, seed);
	list_init(&admission->strangers);
}

void admission_deinit(struct admission *admission)
{
	sources_deinit(&admission->sources);
}

/* The kernel gives the lowest number that is free, so all below it are in use. */
static bool is_short_of_descriptors(int fd, size_t reserved)
{
	size_t max = descriptors_max();

	return max > 0 && (size_t)fd + reserved >= max;
}

static void drop_stranger(struct node *node, size_t which)
{
	list_for_each_safe (i, &node->admission.strangers) {
		struct session *session = container_of(i, struct session, stranger);

		if (which-- > 0)
			continue;
		session_turn_away(session, OVERLOAD_STRANGERS);
		return;
	}
}

/* Of those who proved nothing, as likely the newcomer as one that came before. True: it is the
 * newcomer. */
static bool is_dropped(struct node *node)
{
	size_t n = node->admission.n_strangers;
	uint32_t which;

	if (!early_drop(&node->options->limits.unauthenticated, n, randombytes_random()))
		return false;
	which = randombytes_uniform((uint32_t)n + 1);
	if (which == n)
		return true;
	drop_stranger(node, which);
	return false;
}

static enum overload judge(struct node *node, int fd, uid_t uid, struct source **ret)
{
	const struct limits *limits = &node->options->limits;
	struct source_key key = source_key_of_uid(uid);

	if (node->n_sessions - node->n_gated >= limits->connections)
		return OVERLOAD_CONNECTIONS;
	if (is_short_of_descriptors(fd, RESERVED))
		return OVERLOAD_DESCRIPTORS;
	switch (source_begin(&node->admission.sources, &key, &limits->of_uid, clock_monotonic_ns(),
			     ret)) {
	case 0:
		return OVERLOAD_NONE;
	case SOURCES_E_MANY:
		return OVERLOAD_OF_UID;
	case SOURCES_E_FAST:
		return OVERLOAD_HANDSHAKES;
	default:
		return OVERLOAD_MEMORY;
	}
}

enum overload admission_begin(struct node *node,
			      int fd,
			      const struct origin *peer,
			      struct source **ret)
{
	struct source *source = NULL;
	enum overload limit = judge(node, fd, peer->uid, &source);

	if (limit == OVERLOAD_NONE && is_dropped(node)) {
		source_end(&node->admission.sources, source, true, clock_monotonic_ns());
		limit = OVERLOAD_STRANGERS;
	}
	if (limit == OVERLOAD_NONE)
		*ret = source;
	else
		overloads_add(node->overloads, limit, peer, 1);
	return limit;
}

enum overload admission_of_admin(struct node *node, int fd, const struct origin *peer)
{
	if (!is_short_of_descriptors(fd, RESERVED_ADMIN))
		return OVERLOAD_NONE;
	overloads_add(node->overloads, OVERLOAD_DESCRIPTORS, peer, 1);
	return OVERLOAD_DESCRIPTORS;
}

enum overload admission_of_gate(struct node *node,
				int fd,
				const struct source_key *key,
				struct source **ret)
{
	if (is_short_of_descriptors(fd, RESERVED))
		return OVERLOAD_DESCRIPTORS;
	return source_begin(&node->admission.sources, key, NULL, 0, ret) == 0 ? OVERLOAD_NONE
									      : OVERLOAD_MEMORY;
}

void admission_add_stranger(struct session *session)
{
	struct admission *admission = &session->node->admission;

	list_append(&admission->strangers, &session->stranger);
	admission->n_strangers++;
}

void admission_remove_stranger(struct session *session)
{
	if (list_empty(&session->stranger))
		return;
	list_remove(&session->stranger);
	session->node->admission.n_strangers--;
}

bool admission_may_bind(struct session *session)
{
	struct node *node = session->node;

	return !session->source ||
	       token_bucket_take(&session->source->binds, &node->options->limits.binds,
				 clock_monotonic_ns());
}

bool admission_account(struct session *session)
{
	struct admission *admission = &session->node->admission;
	size_t buffered = stream_memory(&session->stream);

	admission->buffered += buffered - session->buffered;
	session->buffered = buffered;
	return admission->buffered <= session->node->options->limits.buffered ||
	       buffered <= SHARE_MAX || session->admin;
}
