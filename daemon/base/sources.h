/* sources.h - what each source of connections has and does: a uid of this machine, or an address of
 * the network. An IPv6 address counts as its /64, which one machine may have all of. Pure; the
 * clock is an argument. */
#ifndef WAT_BASE_SOURCES_H
#define WAT_BASE_SOURCES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "daemon/base/token_bucket.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

#define SOURCES_BUCKETS 512u
#define SOURCES_IDLE_MAX 4096u /* that have nothing, and whose rates are remembered */
#define SOURCE_KEY_SIZE 9u
#define SOURCES_SEED_SIZE 16u

/* What of a uid or an address counts. */
struct source_key {
	uint8_t bytes[SOURCE_KEY_SIZE];
};

struct source {
	struct list link, idle; /* in sources */
	struct source_key key;
	uint32_t n;        /* connections that refer to it */
	uint32_t n_counts; /* those of them that count against a limit */
	struct token_bucket handshakes, binds;
};

struct sources {
	struct list buckets[SOURCES_BUCKETS];
	struct list idle; /* the one that is idle for longest first */
	size_t n_idle;
	uint8_t seed[SOURCES_SEED_SIZE];
};

struct source_limits {
	uint32_t connections;
	struct token_rate handshakes;
};

enum sources_error {
	SOURCES_E_MANY = 1, /* it has as many connections as it may have */
	SOURCES_E_FAST,     /* it begins them too fast */
};

struct source_key source_key_of_uid(uid_t uid);
/* 127.0.0.1 and ::ffff:127.0.0.1 are one. Of IPv4 and IPv6 only. */
struct source_key source_key_of_address(const struct sockaddr *address);

/* seed: random, so that nobody can choose addresses that meet in one bucket. */
void sources_init(struct sources *sources, const uint8_t seed[static SOURCES_SEED_SIZE]);
void sources_deinit(struct sources *sources);
/* A connection begins. 0, and source_end follows; enum sources_error; -ENOMEM. limits NULL: it
 * counts against none. now_ns: monotonic. */
int source_begin(struct sources *sources,
		 const struct source_key *key,
		 const struct source_limits *limits,
		 uint64_t now_ns,
		 struct source **ret) WAT_MUST_CHECK;
/* One of its connections cost as much as n more: as far as there are so many, they are taken. */
void source_charge(struct source *source,
		   const struct token_rate *handshakes,
		   uint32_t n,
		   uint64_t now_ns);
/* It has ended. counts: it began with limits. NULL is allowed. */
void source_end(struct sources *sources, struct source *source, bool counts, uint64_t now_ns);

#endif
