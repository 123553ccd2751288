/* test_gate_bulk.c - who sends one call at a time, and who many at once. */
#include "daemon/gate/bulk.h"
#include "tests/lib/cases.h"

static void weigh(struct bulk *bulk, size_t times, size_t n_frames, size_t n_bytes)
{
	for (size_t i = 0; i < times; i++)
		bulk_weigh(bulk, n_frames, n_bytes);
}

/* One call after the other is never much, however many come. */
static void test_one_by_one(void **state)
{
	struct bulk bulk = {0};

	(void)state;
	weigh(&bulk, 100000, 1, 100);
	weigh(&bulk, 100000, BULK_FRAMES - 1, BULK_BYTES - 1);
	assert_false(bulk.is);
	assert_int_equal(bulk.score, 0);
}

/* Many frames, or many bytes, again and again are; once or twice they are not. */
static void test_many(void **state)
{
	static const struct {
		size_t n_frames, n_bytes;
	} much[] = {{BULK_FRAMES, 300}, {1000, 34000}, {1, BULK_BYTES}, {0, 65536}};

	(void)state;
	for (size_t i = 0; i < sizeof much / sizeof *much; i++) {
		struct bulk bulk = {0};

		weigh(&bulk, BULK_SCORE_MAX / BULK_MUCH - 1, much[i].n_frames, much[i].n_bytes);
		assert_false(bulk.is);
		weigh(&bulk, 1, much[i].n_frames, much[i].n_bytes);
		assert_true(bulk.is);
		weigh(&bulk, 100000, much[i].n_frames, much[i].n_bytes);
		assert_true(bulk.is);
	}
}

/* A little between much changes nothing, and only after much of little is one among the others
 * again. */
static void test_back(void **state)
{
	struct bulk bulk = {0};

	(void)state;
	for (int i = 0; i < BULK_SCORE_MAX; i++) {
		weigh(&bulk, 1, 100, 3400);
		weigh(&bulk, BULK_MUCH - 1, 1, 34);
	}
	assert_true(bulk.is);
	weigh(&bulk, BULK_SCORE_MAX - BULK_MUCH, 1, 34);
	assert_true(bulk.is);
	weigh(&bulk, BULK_SCORE_MAX, 1, 34);
	assert_false(bulk.is);
	weigh(&bulk, 1, 100, 3400);
	assert_false(bulk.is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_back),
	};

	return test_run_cases(tests, NULL, NULL);
}
