/* sources.c - what each source of connections has and does. Pure. */
#include "daemon/base/sources.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_UID, KIND_V4, KIND_V6, KIND_V6_LOOPBACK };

_Static_assert(SOURCES_SEED_SIZE == crypto_shorthash_KEYBYTES, "it is the key of a hash");

void sources_init(struct sources *sources, const uint8_t seed[static SOURCES_SEED_SIZE])
{
	*sources = (struct sources){.n_idle = 0};
	memcpy(sources->seed, seed, sizeof sources->seed);
	list_init(&sources->idle);
	for (size_t i = 0; i < SOURCES_BUCKETS; i++)
		list_init(&sources->buckets[i]);
}

static void forget(struct sources *sources, struct source *source)
{
	list_remove(&source->link);
	if (!list_empty(&source->idle)) {
		list_remove(&source->idle);
		sources->n_idle--;
	}
	free(source);
}

void sources_deinit(struct sources *sources)
{
	for (size_t i = 0; i < SOURCES_BUCKETS; i++)
		list_for_each_safe (j, &sources->buckets[i])
			forget(sources, container_of(j, struct source, link));
}

struct source_key source_key_of_uid(uid_t uid)
{
	struct source_key key = {{KIND_UID}};

	memcpy(key.bytes + 1, &uid, sizeof uid);
	return key;
}

struct source_key source_key_of_address(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
	struct source_key key = {{KIND_V4}};

	if (address->sa_family == AF_INET) {
		memcpy(key.bytes + 1, &v4->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(key.bytes + 1, v6->sin6_addr.s6_addr + 12, 4);
	} else {
		key.bytes[0] = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ? KIND_V6_LOOPBACK : KIND_V6;
		memcpy(key.bytes + 1, &v6->sin6_addr, 8);
	}
	return key;
}

static struct list *bucket_of(struct sources *sources, const struct source_key *key)
{
	uint64_t hash;

	_Static_assert(sizeof hash == crypto_shorthash_BYTES, "SipHash-2-4");
	(void)crypto_shorthash((unsigned char *)&hash, key->bytes, sizeof key->bytes,
			       sources->seed);
	return &sources->buckets[hash % SOURCES_BUCKETS];
}

static struct source *find(struct list *bucket, const struct source_key *key)
{
	list_for_each (i, bucket) {
		struct source *source = container_of(i, struct source, link);

		if (memcmp(source->key.bytes, key->bytes, sizeof key->bytes) == 0)
			return source;
	}
	return NULL;
}

static bool is_forgettable(const struct source *source, uint64_t now_ns)
{
	return token_bucket_is_full(&source->handshakes, now_ns) &&
	       token_bucket_is_full(&source->binds, now_ns);
}

/* Nobody refers to it. What is idle for long has nothing to remember, or has to go for others. */
static void rest(struct sources *sources, struct source *source, uint64_t now_ns)
{
	if (list_empty(&source->idle)) {
		list_append(&sources->idle, &source->idle);
		sources->n_idle++;
	}
	while (sources->n_idle > 0) {
		struct source *oldest =
			container_of(list_first(&sources->idle), struct source, idle);

		if (sources->n_idle <= SOURCES_IDLE_MAX && !is_forgettable(oldest, now_ns))
			return;
		forget(sources, oldest);
	}
}

static struct source *get(struct sources *sources, const struct source_key *key)
{
	struct list *bucket = bucket_of(sources, key);
	struct source *source = find(bucket, key);

	if (source)
		return source;
	source = calloc(1, sizeof *source);
	if (!source)
		return NULL;
	source->key = *key;
	list_init(&source->idle);
	list_append(bucket, &source->link);
	return source;
}

static int judge(struct source *source, const struct source_limits *limits, uint64_t now_ns)
{
	if (!limits)
		return 0;
	if (source->n_counts >= limits->connections)
		return SOURCES_E_MANY;
	return token_bucket_take(&source->handshakes, &limits->handshakes, now_ns) ? 0
										   : SOURCES_E_FAST;
}

int source_begin(struct sources *sources,
		 const struct source_key *key,
		 const struct source_limits *limits,
		 uint64_t now_ns,
		 struct source **ret)
{
	struct source *source = get(sources, key);
	int r;

	if (!source)
		return -ENOMEM;
	r = judge(source, limits, now_ns);
	if (r != 0) {
		if (source->n == 0)
			rest(sources, source, now_ns);
		return r;
	}
	if (!list_empty(&source->idle)) {
		list_remove(&source->idle);
		sources->n_idle--;
	}
	source->n++;
	source->n_counts += limits != NULL;
	*ret = source;
	return 0;
}

void source_charge(struct source *source,
		   const struct token_rate *handshakes,
		   uint32_t n,
		   uint64_t now_ns)
{
	while (n > 0 && token_bucket_take(&source->handshakes, handshakes, now_ns))
		n--;
}

void source_end(struct sources *sources, struct source *source, bool counts, uint64_t now_ns)
{
	if (!source)
		return;
	assert(source->n > 0 && source->n_counts >= counts);
	source->n_counts -= counts;
	if (--source->n == 0)
		rest(sources, source, now_ns);
}
