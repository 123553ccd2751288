/* test_disk_faults.c - the disk fails: writes say EIO, ENOSPC or EINTR or do half, syncs and
 * truncations say EIO or EINTR, in hosts and in watd. Whoever was answered has what the answer
 * says, whoever was refused has not and is told so in a sentence, nobody waits for ever, and when
 * the disk is well everybody is served again, also by a watd that is started anew. rows 11, 50, 57
 *
 * The programs are those that are released, under tests/power/layer.c. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/power/recording.h"

#define TRIES 12u
#define ALWAYS 1000000u

/* What clients see of it, at least once and at most. */
enum seen {
	SEEN_NOTHING, /* every call is answered, no channel is lost */
	SEEN_REFUSED, /* RESOURCE_EXHAUSTED, "not applied" */
	SEEN_LOST,    /* the process ends, and what was not answered is done by the next one */
};

struct fault_case {
	struct power_fault fault;
	enum seen seen;
};

/* A client that makes one call at a time, and counts those that were done. */
struct counter_client {
	struct teller *teller;
	uint64_t call, n_done;
	unsigned n_refused, n_lost;
};

struct world {
	struct recording recording;
	struct counter_client clients[STORY_INSTANCES][STORY_CLIENTS];
};

static int set_up(void **state)
{
	struct world *t = calloc(1, sizeof *t);

	recording_begin(&t->recording);
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		for (unsigned c = 0; c < STORY_CLIENTS; c++)
			t->clients[i][c].teller = &t->recording.tellers[i][c];
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct world *t = *state;

	recording_end(&t->recording);
	recording_free(&t->recording);
	free(t);
	return 0;
}

static void set_fault(struct world *t, const struct power_fault *fault)
{
	power_log_lock(t->recording.log);
	t->recording.log->fault = *fault;
	power_log_unlock(t->recording.log);
}

/* How often it happened. */
static unsigned end_fault(struct world *t)
{
	unsigned n;

	power_log_lock(t->recording.log);
	n = t->recording.log->fault.n_done;
	t->recording.log->fault = (struct power_fault){.calls = 0};
	power_log_unlock(t->recording.log);
	return n;
}

/* Calls */

static void bind(struct world *t, struct counter_client *client)
{
	int r;

	while ((r = teller_bind(client->teller, t->recording.daemon.socket)) != 0)
		if (r > 0 && r != WAT_UNAVAILABLE)
			fail_msg("BIND: %s", wat_status_name(r));
	/* Durability none would go back; nobody kills its process here. */
	if (client->call > 0)
		assert_true(client->teller->lane.resumed);
}

/* Until it was done, or refused. */
static int take_answer(struct world *t, struct counter_client *client)
{
	uint64_t id, place;
	int r;

	while ((r = teller_take(client->teller, &id, &place)) < 0) {
		client->n_lost++;
		bind(t, client);
		teller_put_as(client->teller, client->call, client->n_done + 1);
	}
	assert_int_equal(id, client->call);
	client->teller->answered = client->call;
	return r;
}

static void call_once(struct world *t, struct counter_client *client)
{
	int r;

	if (!client->teller->bound)
		bind(t, client);
	client->call++;
	teller_put_as(client->teller, client->call, client->n_done + 1);
	r = take_answer(t, client);
	if (r == 0) {
		client->n_done++;
		return;
	}
	if (r != WAT_RESOURCE_EXHAUSTED || !strstr(teller_why(client->teller), "not applied"))
		fail_msg("%s: %s", wat_status_name(r), teller_why(client->teller));
	client->n_refused++;
}

static void call_all(struct world *t, unsigned n)
{
	for (; n > 0; n--)
		for (unsigned i = 0; i < STORY_INSTANCES; i++)
			for (unsigned c = 0; c < STORY_CLIENTS; c++)
				call_once(t, &t->clients[i][c]);
}

static void sum_up(const struct world *t, unsigned *ret_refused, unsigned *ret_lost)
{
	*ret_refused = *ret_lost = 0;
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		for (unsigned c = 0; c < STORY_CLIENTS; c++) {
			*ret_refused += t->clients[i][c].n_refused;
			*ret_lost += t->clients[i][c].n_lost;
		}
}

/* Is the state what was answered? */
static void check_states(struct world *t)
{
	for (unsigned i = 0; i < STORY_INSTANCES; i++) {
		struct teller reader = t->recording.tellers[i][STORY_READER];
		ballot_state *state;
		uint64_t sum = 0;

		reader.lane.resume = false;
		assert_int_equal(teller_bind(&reader, t->recording.daemon.socket), 0);
		assert_int_equal(teller_read(&reader, 1, &state), 0);
		for (unsigned c = 0; c < STORY_CLIENTS; c++) {
			assert_int_equal(state->last[c], t->clients[i][c].n_done);
			sum += t->clients[i][c].n_done;
		}
		assert_int_equal(state->place, sum);
		assert_int_equal(state->n_disordered, 0);
		ballot_state_free(state);
		teller_unbind(&reader);
	}
}

/* All is well again, and goes on with another watd. That of durability none is left out, which may
 * go back. */
static void check_after(struct world *t)
{
	unsigned refused, lost, refused_before;

	sum_up(t, &refused_before, &lost);
	call_all(t, 2);
	sum_up(t, &refused, &lost);
	assert_int_equal(refused, refused_before);
	check_states(t);
	recording_restart(&t->recording);
	call_all(t, 1);
	check_states(t);
}

static void fail_hosts(struct world *t, const struct fault_case *fault)
{
	unsigned refused, lost;

	call_all(t, 2);
	set_fault(t, &fault->fault);
	call_all(t, TRIES);
	assert_true(end_fault(t) > 0);
	/* A full disk is a mode, which watd leaves by itself. */
	if (fault->fault.error == ENOSPC && fault->seen == SEEN_REFUSED)
		assert_true(test_daemon_wait_log(&t->recording.daemon, "event=space", 1));
	sum_up(t, &refused, &lost);
	assert_true((refused > 0) == (fault->seen == SEEN_REFUSED));
	assert_true((lost > 0) == (fault->seen == SEEN_LOST));
	check_after(t);
}

#define HOST_CASE(name, ...)                                                 \
	static void test_host_##name(void **state)                           \
	{                                                                    \
		fail_hosts(*state, &(const struct fault_case){__VA_ARGS__}); \
	}

/* Half is written, and then the other half. */
HOST_CASE(write_short, {.calls = POWER_CALL_WRITE, .in_host = 1, .times = ALWAYS}, SEEN_NOTHING)
HOST_CASE(write_eintr,
	  {.calls = POWER_CALL_WRITE, .in_host = 1, .error = EINTR, .after = 1, .times = 20},
	  SEEN_NOTHING)
HOST_CASE(write_enospc,
	  {.calls = POWER_CALL_WRITE, .in_host = 1, .error = ENOSPC, .after = 3, .times = 7},
	  SEEN_REFUSED)
HOST_CASE(write_eio,
	  {.calls = POWER_CALL_WRITE, .in_host = 1, .error = EIO, .after = 3, .times = 7},
	  SEEN_REFUSED)
/* What was written can't be cut off either: the next process reads what is there. */
HOST_CASE(truncate_eio,
	  {.calls = POWER_CALL_WRITE | POWER_CALL_TRUNCATE,
	   .in_host = 1,
	   .error = EIO,
	   .after = 2,
	   .times = 2},
	  SEEN_LOST)
HOST_CASE(sync_eio, {.calls = POWER_CALL_SYNC, .in_host = 1, .error = EIO, .times = 1}, SEEN_LOST)
HOST_CASE(sync_enospc,
	  {.calls = POWER_CALL_SYNC, .in_host = 1, .error = ENOSPC, .times = 1},
	  SEEN_LOST)
HOST_CASE(sync_eintr,
	  {.calls = POWER_CALL_SYNC, .in_host = 1, .error = EINTR, .times = 5},
	  SEEN_NOTHING)

/* watd */

/* The user comes: 0. Or does not: then there is no such user, and there is a reason. */
static int provision(struct world *t, const char *name, char **ret_token)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	ballot_user *user;
	int r;

	grant.name = name;
	r = ballot_provision(t->recording.admins[0], &grant, &user);
	if (r != 0) {
		if (r <= 0 || strlen(wat_failure()->text) < 10)
			fail_msg("Provision: %d, \"%s\"", r, wat_failure()->text);
		return r;
	}
	assert_int_equal(ballot_user_token(user, ret_token), 0);
	ballot_user_free(user);
	return 0;
}

struct guests {
	char *tokens[TRIES];
	unsigned n_refused;
};

static void invite(struct world *t, struct guests *guests)
{
	for (unsigned i = 0; i < TRIES; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "guest%u", i);
		if (!guests->tokens[i] && provision(t, name, &guests->tokens[i]) != 0)
			guests->n_refused++;
	}
}

/* An instance begins, or there is none and there is a reason. */
static bool spawn_one_more(struct world *t)
{
	ballot_admin *admin = NULL;
	int r = ballot_spawn(t->recording.node, "more", NULL, NULL, &admin);

	if (r != 0 && (r < 0 || strlen(wat_failure()->text) < 10))
		fail_msg("Spawn: %d, \"%s\"", r, wat_failure()->text);
	ballot_admin_free(admin);
	return r == 0;
}

/* Those who were told that they are users are. */
static void check_guests(struct world *t, const struct guests *guests)
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct teller guest = {.token = guests->tokens[i]};

		if (!guest.token)
			continue;
		assert_int_equal(teller_bind(&guest, t->recording.daemon.socket), 0);
		teller_unbind(&guest);
	}
}

/* What is asked of watd while its disk fails. */
struct asking {
	struct world *t;
	struct guests guests;
	bool spawned;
};

static void *ask(void *arg)
{
	struct asking *asking = arg;

	invite(asking->t, &asking->guests);
	asking->spawned = spawn_one_more(asking->t);
	return NULL;
}

/* It can't say yes or no: it ends, and the next one answers. */
static void ask_two(struct world *t, struct asking *asking)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask, asking), 0);
	assert_true(test_daemon_wait(&t->recording.daemon) > 0);
	assert_true(end_fault(t) > 0);
	assert_true(test_daemon_logged(&t->recording.daemon, "watd ends without answering"));
	recording_start(&t->recording);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(asking->guests.n_refused, 0);
	assert_true(asking->spawned);
	check_guests(t, &asking->guests);
	recording_kill_watd(&t->recording, 0);
}

/* Nothing is written after the last that failed. */
static void ask_one(struct world *t, struct asking *asking)
{
	(void)ask(asking);
	call_all(t, 2);
	check_guests(t, &asking->guests);
	recording_end_watd(&t->recording);
	assert_true(end_fault(t) > 0);
	recording_start(&t->recording);
}

static void fail_watd(struct world *t, const struct fault_case *fault)
{
	struct asking asking = {.t = t};

	call_all(t, 2);
	set_fault(t, &fault->fault);
	if (fault->seen == SEEN_LOST)
		ask_two(t, &asking);
	else
		ask_one(t, &asking);
	assert_true((asking.guests.n_refused > 0) == (fault->seen == SEEN_REFUSED));
	check_guests(t, &asking.guests);
	/* Nobody who was refused is there, so that all can come now. */
	if (!asking.spawned && !spawn_one_more(t))
		fail_msg("Spawn: %s", wat_failure()->text);
	asking.guests.n_refused = 0;
	invite(t, &asking.guests);
	assert_int_equal(asking.guests.n_refused, 0);
	check_guests(t, &asking.guests);
	for (unsigned i = 0; i < TRIES; i++)
		wat_memory_free(asking.guests.tokens[i]);
}

#define WATD_CASE(name, ...)                                                \
	static void test_watd_##name(void **state)                          \
	{                                                                   \
		fail_watd(*state, &(const struct fault_case){__VA_ARGS__}); \
	}

WATD_CASE(write_short, {.calls = POWER_CALL_WRITE, .times = ALWAYS}, SEEN_NOTHING)
WATD_CASE(write_eintr, {.calls = POWER_CALL_WRITE, .error = EINTR, .times = 50}, SEEN_NOTHING)
WATD_CASE(write_enospc,
	  {.calls = POWER_CALL_WRITE, .error = ENOSPC, .after = 10, .times = 5},
	  SEEN_REFUSED)
WATD_CASE(write_eio,
	  {.calls = POWER_CALL_WRITE, .error = EIO, .after = 10, .times = 5},
	  SEEN_REFUSED)
/* What failed is written over, so that it is certain that it was not done. */
WATD_CASE(sync_eio, {.calls = POWER_CALL_SYNC, .error = EIO, .after = 3, .times = 1}, SEEN_REFUSED)
WATD_CASE(sync_enospc,
	  {.calls = POWER_CALL_SYNC, .error = ENOSPC, .after = 3, .times = 1},
	  SEEN_REFUSED)
WATD_CASE(sync_eintr,
	  {.calls = POWER_CALL_SYNC, .error = EINTR, .after = 3, .times = 1},
	  SEEN_REFUSED)
/* Where that fails, too, nobody knows. */
WATD_CASE(sync_eio_always,
	  {.calls = POWER_CALL_SYNC, .error = EIO, .after = 3, .times = ALWAYS},
	  SEEN_LOST)

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_host_write_short),     CASE(test_host_write_eintr),
		CASE(test_host_write_enospc),    CASE(test_host_write_eio),
		CASE(test_host_truncate_eio),    CASE(test_host_sync_eio),
		CASE(test_host_sync_enospc),     CASE(test_host_sync_eintr),
		CASE(test_watd_write_short),     CASE(test_watd_write_eintr),
		CASE(test_watd_write_enospc),    CASE(test_watd_write_eio),
		CASE(test_watd_sync_eio),        CASE(test_watd_sync_enospc),
		CASE(test_watd_sync_eio_always), CASE(test_watd_sync_eintr),
	};

	return test_run_cases(tests, NULL, NULL);
}
