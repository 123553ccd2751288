/* test_self.c - a service with a live form of its state: only the durable part is in a snapshot,
 * and load builds the rest. row 15 */
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/desk.h"

static guest_cache_admin *spawned(struct desk *d, uint32_t tier, const guest_cache_state *state)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_cache_admin *admin = NULL;

	spawn.tier = tier;
	if (guest_cache_spawn(d->node, "k1", &spawn, state, &admin) != 0)
		fail_msg("spawn: %s", wat_failure()->text);
	return admin;
}

static guest_cache_user *user_of(guest_cache_admin *admin)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	guest_cache_user *user = NULL;

	grant.name = "u1";
	assert_int_equal(guest_cache_provision(admin, &grant, &user), 0);
	return user;
}

static int put(guest_cache_user *user, const char *key, int64_t value)
{
	guest_entry entry = GUEST_ENTRY_INIT, *reply = NULL;
	int r;

	entry.key = (char *)key;
	entry.value = value;
	r = guest_cache_put(user, &entry, &reply);
	guest_entry_free(reply);
	return r;
}

/* -1: there is none. */
static int64_t find(guest_cache_user *user, const char *key)
{
	guest_key in = GUEST_KEY_INIT;
	guest_entry *reply = NULL;
	int64_t value = -1;
	int r;

	in.key = (char *)key;
	r = guest_cache_find(user, &in, &reply);
	if (r == 0)
		value = reply->value;
	else
		assert_int_equal(r, WAT_NOT_FOUND);
	guest_entry_free(reply);
	return value;
}

static void assert_facts(guest_cache_user *user, int64_t n_entries, int64_t loads)
{
	guest_facts *facts = NULL;

	assert_int_equal(guest_cache_about(user, NULL, &facts), 0);
	assert_int_equal(facts->n_entries, n_entries);
	assert_int_equal(facts->loads, loads);
	/* The descriptor is open: no snapshot could have brought it. */
	assert_true(facts->has_clock);
	guest_facts_free(facts);
}

/* Spawn is load, then Start; Stop is its handler, then save; the next incarnation loads that. */
static void durable_part(struct desk *d, uint32_t tier)
{
	guest_cache_state initial = GUEST_CACHE_STATE_INIT, *final = NULL;
	guest_cache_admin *admin = spawned(d, tier, &initial);
	guest_cache_user *user = user_of(admin);

	assert_facts(user, 1, 1);
	assert_int_equal(find(user, "started"), 1);
	assert_int_equal(put(user, "a", 10), 0);
	assert_int_equal(put(user, "b", 20), 0);
	assert_int_equal(guest_cache_stop(admin, &final), 0);
	assert_int_equal(final->n_entries, 4);
	assert_string_equal(final->entries[0]->key, "started");
	assert_string_equal(final->entries[3]->key, "stopped");
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
	admin = spawned(d, tier, final);
	guest_cache_state_free(final);
	user = user_of(admin);
	assert_facts(user, 4, 2);
	assert_int_equal(find(user, "b"), 20);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
}

static void test_durable_part_thread(void **state)
{
	durable_part(*state, WAT_TIER_THREAD);
}

static void test_durable_part_process(void **state)
{
	durable_part(*state, WAT_TIER_PROCESS);
}

/* load runs again after suspension and after a crash; Start does not. */
static void test_load_again(void **state)
{
	struct desk *d = *state;
	guest_cache_state initial = GUEST_CACHE_STATE_INIT;
	guest_cache_admin *admin = spawned(d, WAT_TIER_PROCESS, &initial);
	guest_cache_user *user = user_of(admin);
	char *token = NULL;
	struct test_output out;

	assert_int_equal(put(user, "a", 10), 0);
	assert_int_equal(guest_cache_user_token(user, &token), 0);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
	desk_disconnect(d);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	test_daemon_start(&d->daemon);
	desk_connect(d);
	assert_int_equal(guest_cache_user_open(d->user_side, token, &user), 0);
	assert_facts(user, 2, 2);
	assert_int_equal(find(user, "a"), 10);
	test_watctl(&d->daemon, &out, "kill", "k1", NULL);
	assert_int_equal(out.code, 0);
	/* What was committed is there again. */
	do
		test_watctl(&d->daemon, &out, "-j", "show", "k1", NULL);
	while (!strstr(out.out, "\"generation\":3") || !strstr(out.out, "\"ready\""));
	assert_int_equal(find(user, "a"), 10);
	guest_cache_user_free(user);
	wat_memory_free(token);
}

/* A handler that fails or panics must have changed nothing. One that did is named, where that is
 * looked for. */
static void test_promise(void **state)
{
	struct desk *d = *state;
	guest_cache_state initial = GUEST_CACHE_STATE_INIT;
	guest_cache_admin *admin = spawned(d, WAT_TIER_PROCESS, &initial);
	guest_cache_user *user = user_of(admin);
	guest_entry entry = GUEST_ENTRY_INIT, *reply = NULL;
	bool named;

	entry.key = (char *)"x";
	assert_int_equal(guest_cache_refuse(user, &entry, &reply), WAT_ABORTED);
	assert_false(test_daemon_logged(&d->daemon, "must validate first"));
	assert_int_equal(guest_cache_put_then_fail(user, &entry, &reply), WAT_ABORTED);
	entry.key = (char *)"y";
	assert_int_equal(guest_cache_put_then_panic(user, &entry, &reply), WAT_SERVER_DIED);
	/* The log is written when the host's line has come; a stop comes after it. */
	assert_int_equal(guest_cache_stop(admin, NULL), 0);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
	desk_disconnect(d);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
	named = test_daemon_logged(&d->daemon, "must validate first");
#ifdef WAT_DEBUG
	assert_true(named);
	assert_true(test_daemon_logged(&d->daemon, "first method=PutThenFail instance=k1"));
	assert_true(test_daemon_logged(&d->daemon, "first method=PutThenPanic instance=k1"));
#else
	assert_false(named);
#endif
	test_daemon_start(&d->daemon);
	desk_connect(d);
}

/* A panic leaves the live form in doubt: it is built again from the last committed state, which
 * `show` says. The instance goes on, and so does everybody in the same process. */
static void panic_rebuilds(struct desk *d, uint32_t tier)
{
	guest_cache_state initial = GUEST_CACHE_STATE_INIT, *final = NULL;
	guest_cache_admin *admin = spawned(d, tier, &initial);
	guest_cache_user *user = user_of(admin);
	guest_entry entry = GUEST_ENTRY_INIT, *reply = NULL;
	struct test_output out;

	for (int i = 0; i < 20; i++) {
		entry.key = (char *)"half";
		assert_int_equal(guest_cache_put_then_panic(user, &entry, &reply), WAT_SERVER_DIED);
		assert_int_equal(find(user, "half"), -1);
		assert_int_equal(find(user, "started"), 1);
	}
	test_watctl(&d->daemon, &out, "show", "k1", NULL);
	assert_non_null(strstr(out.out, "built again from the last committed one"));
	assert_non_null(strstr(out.out, "told to panic"));
	assert_int_equal(put(user, "after", 1), 0);
	assert_int_equal(guest_cache_stop(admin, &final), 0);
	assert_int_equal(final->n_entries, 3);
	guest_cache_state_free(final);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
}

static void test_panic_rebuilds_thread(void **state)
{
	panic_rebuilds(*state, WAT_TIER_THREAD);
}

static void test_panic_rebuilds_process(void **state)
{
	panic_rebuilds(*state, WAT_TIER_PROCESS);
}

/* A load that says no is a Start that failed; a save that says no keeps the instance from being
 * stopped, and nothing is lost: where calls have to survive a crash they are then not applied. */
static void test_bad_load_and_save(void **state)
{
	struct desk *d = *state;
	Guest__CacheState__EntriesEntry poison = GUEST__CACHE_STATE__ENTRIES_ENTRY__INIT;
	Guest__CacheState__EntriesEntry *entries[] = {&poison};
	guest_cache_state initial = GUEST_CACHE_STATE_INIT;
	guest_cache_admin *admin = NULL;
	guest_cache_user *user;

	poison.key = (char *)"poison";
	initial.entries = entries;
	initial.n_entries = 1;
	assert_int_equal(guest_cache_spawn(d->node, "k1", NULL, &initial, &admin),
			 WAT_START_FAILED);
	assert_non_null(strstr(wat_failure()->text, "there is poison in the state"));
	assert_string_equal(wat_failure()->causes[0].method, "load");
	initial = (guest_cache_state)GUEST_CACHE_STATE_INIT;
	initial.bad_save = true;
	admin = spawned(d, WAT_TIER_PROCESS, &initial);
	user = user_of(admin);
	assert_int_equal(guest_cache_stop(admin, NULL), WAT_INTERNAL);
	assert_non_null(strstr(wat_failure()->text, "told not to save"));
	assert_int_equal(find(user, "started"), 1);
	assert_int_equal(put(user, "still", 1), WAT_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(wat_failure()->text, "not applied"));
	assert_int_equal(find(user, "started"), 1);
	guest_cache_user_free(user);
	guest_cache_admin_free(admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_durable_part_thread),
		DESK_CASE(test_durable_part_process),
		DESK_CASE(test_load_again),
		DESK_CASE(test_promise),
		DESK_CASE(test_panic_rebuilds_thread),
		DESK_CASE(test_panic_rebuilds_process),
		DESK_CASE(test_bad_load_and_save),
	};

	return test_run_cases(tests, NULL, NULL);
}
