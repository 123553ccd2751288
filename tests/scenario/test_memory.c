/* test_memory.c - memory of calls that is not only a state's: live forms that are built again,
 * calls that wait, replies of every size, answers to nobody. Host and watd end in order, so a build
 * with the address sanitizer counts every byte. test_shapes.c does the same for states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.client.h"
#include "tests/scenario/desk.h"

#define CALLS 30000
/* Some of them append to the state, which makes each dearer than the one before. */
#define WAITING_CALLS 8000
#define WINDOW 64

struct tally {
	size_t done, good, refused, died, overloaded;
};

static void count(struct tally *tally, int status)
{
	tally->done++;
	tally->good += status == 0;
	tally->refused += status == WAT_ABORTED || status == WAT_NOT_FOUND;
	tally->died += status == WAT_SERVER_DIED;
	tally->overloaded += status == WAT_OVERLOADED;
}

static void on_entry(void *arg,
		     int status,
		     const guest_entry *out,
		     const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	count(arg, status);
}

static void wait_until(struct desk *d, const struct tally *tally, size_t n)
{
	while (tally->done < n)
		assert_int_equal(wat_dispatch(d->user_side, -1), 0);
}

/* One of the calls of a service with a live form. */
static int send_to_cache(guest_cache_user *user, int i, struct tally *tally)
{
	guest_entry entry = GUEST_ENTRY_INIT;
	char key[16];

	snprintf(key, sizeof key, "key %d", i % 50);
	entry.key = key;
	entry.value = i;
	if (i % 100 == 99)
		return guest_cache_put_then_panic_send(user, &entry, on_entry, tally);
	if (i % 10 == 9)
		return guest_cache_refuse_send(user, &entry, on_entry, tally);
	return guest_cache_put_send(user, &entry, on_entry, tally);
}

/* A live form that is changed, refused, left in doubt and built again. */
static void live_forms(struct desk *d, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_cache_state *final = NULL;
	guest_cache_admin *admin = NULL;
	guest_cache_user *user = NULL;
	struct tally tally = {0};
	char *token = NULL;
	struct wat_grant grant = WAT_GRANT_INIT;

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(guest_cache_spawn(d->node, "k1", &spawn, NULL, &admin), 0);
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	assert_int_equal(guest_cache_user_open(d->user_side, token, &user), 0);
	wat_memory_free(token);
	for (int i = 0; i < CALLS; i++) {
		assert_int_equal(send_to_cache(user, i, &tally), 0);
		wait_until(d, &tally, i < WINDOW ? 0 : (size_t)(i - WINDOW));
	}
	wait_until(d, &tally, CALLS);
	assert_int_equal(tally.died, CALLS / 100);
	assert_int_equal(tally.refused, CALLS / 10 - CALLS / 100);
	assert_int_equal(tally.good, CALLS - CALLS / 10);
	assert_int_equal(guest_cache_stop(admin, &final), 0);
	/* All that was acknowledged: 45 keys, and those of Start and Stop. */
	assert_int_equal(final->n_entries, 47);
	guest_cache_state_free(final);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
}

static void test_live_forms_thread(void **state)
{
	live_forms(*state, WAT_TIER_THREAD);
}

static void test_live_forms_process(void **state)
{
	live_forms(*state, WAT_TIER_PROCESS);
}

static void on_value(void *arg,
		     int status,
		     const probe_value *out,
		     const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	count(arg, status);
}

static void on_size(void *arg, int status, const probe_size *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	count(arg, status);
}

static void on_text(void *arg, int status, const probe_text *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	count(arg, status);
}

/* Calls that wait until another one releases them, or in vain; replies that grow. */
static int send_to_probe(probe_user *user, int i, struct tally *tally)
{
	probe_change change = PROBE_CHANGE_INIT;
	probe_size size = PROBE_SIZE_INIT;

	change.note = (char *)"note";
	size.n = (uint64_t)(i % 2000);
	switch (i % 16) {
	case 0:
		return probe_release_send(user, &change, on_size, tally);
	case 9:
		return probe_release_then_fail_send(user, &change, on_size, tally);
	case 2:
		return probe_grow_send(user, &size, on_size, tally);
	case 3:
	case 4:
		return probe_big_send(user, &size, on_text, tally);
	case 5:
		return probe_prompt_send(user, &change, on_value, tally);
	default:
		return probe_wait_send(user, NULL, on_value, tally);
	}
}

static probe_user *open_probe(wat *w, const char *token)
{
	probe_user *user = NULL;

	assert_int_equal(probe_user_open(w, token, &user), 0);
	return user;
}

/* Waits with nobody to answer to any more. */
static void leave_waiting(struct desk *d, const char *token)
{
	struct tally tally = {0};
	probe_user *user = open_probe(d->user_side, token);

	for (int i = 0; i < 10; i++)
		assert_int_equal(probe_wait_send(user, NULL, on_value, &tally), 0);
	assert_int_equal(probe_get(user, NULL, NULL), 0);
	probe_user_free(user);
	assert_int_equal(tally.done, 10);
	assert_int_equal(tally.good, 0);
}

static void waiting_calls(struct desk *d, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_admin *admin = NULL;
	probe_user *user;
	struct tally tally = {0};
	char *token = NULL;

	spawn.tier = tier;
	grant.name = "u1";
	assert_int_equal(probe_spawn(d->node, "p1", &spawn, NULL, &admin), 0);
	assert_int_equal(wat_provision_raw((wat_capability *)admin, &grant, &token), 0);
	user = open_probe(d->user_side, token);
	for (int i = 0; i < WAITING_CALLS; i++) {
		assert_int_equal(send_to_probe(user, i, &tally), 0);
		wait_until(d, &tally, i < WINDOW ? 0 : (size_t)(i - WINDOW));
		if (i % 1000 == 500)
			leave_waiting(d, token);
	}
	wait_until(d, &tally, WAITING_CALLS - 15);
	/* The last are answered by the end. */
	leave_waiting(d, token);
	assert_int_equal(probe_stop(admin, NULL), 0);
	wait_until(d, &tally, WAITING_CALLS);
	assert_int_equal(tally.died, 0);
	/* Most of the others found no place: more were under way than may wait. */
	assert_true(tally.good > WAITING_CALLS / 3);
	assert_true(tally.refused >= WAITING_CALLS / 16);
	wat_memory_free(token);
	probe_user_free(user);
	probe_admin_free(admin);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
}

static void test_waiting_calls_thread(void **state)
{
	waiting_calls(*state, WAT_TIER_THREAD);
}

static void test_waiting_calls_process(void **state)
{
	waiting_calls(*state, WAT_TIER_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_live_forms_thread),
		DESK_CASE(test_live_forms_process),
		DESK_CASE(test_waiting_calls_thread),
		DESK_CASE(test_waiting_calls_process),
	};

	return test_run_cases(tests, NULL, NULL);
}
