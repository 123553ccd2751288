/* addresses.c - how many connections each address has. Pure. */
#include "daemon/gate/addresses.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct list link;
	struct address_key key;
	uint32_t n;
};

void addresses_init(struct addresses *addresses, uint32_t seed)
{
	addresses->seed = seed;
	for (size_t i = 0; i < ADDRESSES_BUCKETS; i++)
		list_init(&addresses->buckets[i]);
}

void addresses_deinit(struct addresses *addresses)
{
	for (size_t i = 0; i < ADDRESSES_BUCKETS; i++)
		list_for_each_safe (j, &addresses->buckets[i]) {
			list_remove(j);
			free(container_of(j, struct entry, link));
		}
}

struct address_key address_key(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
	struct address_key key = {{0}};

	if (address->sa_family == AF_INET) {
		memcpy(key.bytes + 4, &v4->sin_addr, 4);
	} else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(key.bytes + 4, v6->sin6_addr.s6_addr + 12, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(key.bytes, &v6->sin6_addr, 8);
		/* Never one of IPv4: those begin with zeros. */
		key.bytes[0] |= IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ? 0xff : 0;
	}
	return key;
}

static struct list *bucket_of(struct addresses *addresses, const struct address_key *key)
{
	uint64_t hash = 0xcbf29ce484222325u ^ addresses->seed;

	for (size_t i = 0; i < sizeof key->bytes; i++)
		hash = (hash ^ key->bytes[i]) * 0x100000001b3u;
	return &addresses->buckets[(hash >> 32 ^ hash) % ADDRESSES_BUCKETS];
}

static struct entry *find(struct list *bucket, const struct address_key *key)
{
	list_for_each (i, bucket) {
		struct entry *entry = container_of(i, struct entry, link);

		if (memcmp(entry->key.bytes, key->bytes, sizeof key->bytes) == 0)
			return entry;
	}
	return NULL;
}

int addresses_add(struct addresses *addresses, const struct address_key *key, uint32_t max)
{
	struct list *bucket = bucket_of(addresses, key);
	struct entry *entry = find(bucket, key);

	if (entry && entry->n >= max)
		return -EMFILE;
	if (!entry) {
		entry = calloc(1, sizeof *entry);
		if (!entry)
			return -ENOMEM;
		entry->key = *key;
		list_append(bucket, &entry->link);
	}
	entry->n++;
	return 0;
}

void addresses_remove(struct addresses *addresses, const struct address_key *key)
{
	struct entry *entry = find(bucket_of(addresses, key), key);

	assert(entry && entry->n > 0);
	if (--entry->n > 0)
		return;
	list_remove(&entry->link);
	free(entry);
}
