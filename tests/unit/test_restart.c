/* test_restart.c - when a dead instance is started again. */
#include <stddef.h>
#include <stdint.h>

#include "daemon/supervisor/restart.h"
#include "tests/lib/cases.h"

/* The first death is answered at once, the next ones after growing pauses, the sixth within the
 * window is the end. */
static void test_intensity(void **state)
{
	struct restart restart = {0};
	uint64_t pause = 0, before = 0;

	(void)state;
	assert_int_equal(restart_decide(&restart, 1000, 0, &pause), RESTART_NOW);
	for (uint64_t i = 1; i < RESTART_MAX; i++) {
		assert_int_equal(restart_decide(&restart, 1000 + i, 0, &pause), RESTART_LATER);
		assert_true(pause > before && pause <= RESTART_PAUSE_MAX_MS);
		before = pause;
	}
	assert_int_equal(restart_decide(&restart, 2000, 0, &pause), RESTART_GIVE_UP);
}

/* Deaths older than the window don't count, so that a quiet time begins anew. */
static void test_quiet(void **state)
{
	struct restart restart = {0};
	uint64_t pause;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(restart_decide(&restart, i * RESTART_WINDOW_MS, 0, &pause),
				 RESTART_NOW);
}

/* The jitter adds at most a quarter. */
static void test_jitter(void **state)
{
	(void)state;
	for (uint32_t random = 0; random < 1000; random++) {
		struct restart restart = {.at_ms = {1}, .n = 1};
		uint64_t pause;

		assert_int_equal(restart_decide(&restart, 2, random, &pause), RESTART_LATER);
		assert_true(pause >= RESTART_PAUSE_MS && pause <= RESTART_PAUSE_MS * 5 / 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intensity),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_jitter),
	};

	return test_run_cases(tests, NULL, NULL);
}
