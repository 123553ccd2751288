/* test_rates.c - token buckets and random early drop, by tables: the clock and chance are the
 * test's. */
#include <string.h>

#include "daemon/base/early_drop.h"
#include "daemon/base/token_bucket.h"
#include "tests/lib/cases.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* So many tokens at a time: what was asked for, what was given. */
struct step {
	uint64_t at_ns;
	unsigned asked, given;
};

static void take(struct token_bucket *bucket,
		 const struct token_rate *rate,
		 const struct step *step)
{
	unsigned given = 0;

	for (unsigned i = 0; i < step->asked; i++)
		given += token_bucket_take(bucket, rate, step->at_ns);
	if (given != step->given)
		fail_msg("at %llu ms: %u of %u were given, not %u",
			 (unsigned long long)(step->at_ns / MS), given, step->asked, step->given);
}

/* A burst is given at once, then so many a second; what is not used is saved up to a burst; one
 * that is refused costs nothing (row 43). */
static void test_bucket(void **state)
{
	static const struct token_rate rate = {.per_s = 10, .burst = 5};
	static const struct step steps[] = {
		{100 * S, 8, 5},            /* the burst */
		{100 * S + 99 * MS, 3, 0},  /* not yet */
		{100 * S + 100 * MS, 3, 1}, /* one of ten in a second */
		{100 * S + 350 * MS, 9, 2}, /* and a half, which is kept */
		{100 * S + 400 * MS, 9, 1}, /* with this half */
		{101 * S + 400 * MS, 9, 5}, /* ten, of which five are kept */
		{500 * S, 9, 5},            /* never more than that */
		{499 * S, 1, 0},            /* a clock that goes backward gives nothing */
	};
	struct token_bucket bucket = {0};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		take(&bucket, &rate, &steps[i]);
	assert_false(token_bucket_is_full(&bucket, 500 * S + 499 * MS));
	assert_true(token_bucket_is_full(&bucket, 500 * S + 500 * MS));
}

/* The least and the most that can be configured; and in the long run it is the rate, whatever the
 * steps are. */
static void test_bucket_ends(void **state)
{
	static const struct token_rate least = {1, 1}, most = {1000000, 1000000}, seven = {7, 3};
	struct token_bucket bucket = {0};
	unsigned n = 0;

	(void)state;
	take(&bucket, &least, &(struct step){S, 9, 1});
	take(&bucket, &least, &(struct step){2 * S - 1, 9, 0});
	take(&bucket, &least, &(struct step){2 * S, 9, 1});
	bucket = (struct token_bucket){0};
	take(&bucket, &most, &(struct step){S, 1000005, 1000000});
	take(&bucket, &most, &(struct step){S + MS, 1005, 1000});
	bucket = (struct token_bucket){0};
	for (uint64_t at = S; at < 101 * S; at += 13 * MS)
		n += token_bucket_take(&bucket, &seven, at);
	assert_in_range(n, 7 * 100 + 3 - 1, 7 * 100 + 3 + 1);
	/* What was taken stays taken under another rate, which brings it back faster or slower. */
	bucket = (struct token_bucket){0};
	take(&bucket, &most, &(struct step){S, 500, 500});
	take(&bucket, &least, &(struct step){2 * S, 1, 0});
	take(&bucket, &least, &(struct step){500 * S, 1, 0});
	take(&bucket, &least, &(struct step){501 * S, 2, 1});
	take(&bucket, &most, &(struct step){501 * S + MS, 1000000, 1000000});
}

/* From `from` on the chance is `percent`, at `full` it is certain, in the middle it is the middle:
 * counted over all chances in even steps. */
static void test_drop(void **state)
{
	static const struct {
		struct early_drop rule;
		size_t n;
		unsigned permille;
	} table[] = {
		{{10, 30, 100}, 0, 0},
		{{10, 30, 100}, 9, 0},
		{{10, 30, 100}, 10, 300},
		{{10, 30, 100}, 55, 650},
		{{10, 30, 100}, 99, 992},
		{{10, 30, 100}, 100, 1000},
		{{10, 30, 100}, 5000, 1000},
		{{10, 100, 20}, 10, 1000},
		{{10, 1, 10}, 9, 0},
		{{10, 1, 10}, 10, 1000},
		{{1, 1, 1000000}, 0, 0},
		{{1, 1, 1000000}, 1, 10},
		{{1, 1, 1000000}, 999999, 1000},
		{{1, 1, 1000000}, 500000, 505},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		unsigned dropped = 0;

		for (unsigned j = 0; j < 1000; j++)
			dropped += early_drop(&table[i].rule, table[i].n,
					      (uint32_t)(((uint64_t)j << 32) / 1000));
		if (dropped + 1 < table[i].permille || dropped > table[i].permille + 1)
			fail_msg("row %zu: %u of 1000, expected %u", i, dropped, table[i].permille);
	}
	/* Only what is certain is. */
	assert_false(early_drop(&table[0].rule, 99, UINT32_MAX));
	assert_true(early_drop(&table[0].rule, 100, UINT32_MAX));
	assert_true(early_drop(&table[0].rule, 10, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_bucket_ends),
		cmocka_unit_test(test_drop),
	};

	return test_run_cases(tests, NULL, NULL);
}
