/* token_bucket.h - how often something may happen: so many times a second for long, and more at
 * once after a time without any. Pure; the clock is an argument. */
#ifndef WAT_BASE_TOKEN_BUCKET_H
#define WAT_BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_rate {
	uint32_t per_s; /* from 1 to 1,000,000 */
	uint32_t burst; /* the same */
};

/* All zeros: full. */
struct token_bucket {
	uint64_t missing; /* in billionths of a token, */
	uint64_t at_ns;   /* as of then */
	uint64_t full_at_ns;
};

#define TOKEN UINT64_C(1000000000)

/* Takes a token; false: there is none. The rate may be another one each time. now_ns: monotonic. */
static inline bool token_bucket_take(struct token_bucket *bucket,
				     const struct token_rate *rate,
				     uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > bucket->at_ns ? now_ns - bucket->at_ns : 0;

	/* A nanosecond brings as many billionths as a second brings tokens. */
	if (passed_ns > bucket->missing / rate->per_s)
		bucket->missing = 0;
	else
		bucket->missing -= passed_ns * rate->per_s;
	if (now_ns > bucket->at_ns)
		bucket->at_ns = now_ns;
	if (bucket->missing + TOKEN > rate->burst * TOKEN)
		return false;
	bucket->missing += TOKEN;
	bucket->full_at_ns = bucket->at_ns + (bucket->missing + rate->per_s - 1) / rate->per_s;
	return true;
}

/* By the rate with which it was last taken from. */
static inline bool token_bucket_is_full(const struct token_bucket *bucket, uint64_t now_ns)
{
	return bucket->full_at_ns <= now_ns;
}

#endif
