/* check.c - a watd on a crash image. Test's thread.
 *
 * The model: the calls of an instance have one order, which their answers tell. What is recovered
 * is what the first so many of them did, for state and lanes alike; how many that are at least is
 * what the durability promised. Then every call that the client may have to write again is, and
 * each has been done once. */
#include "tests/power/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MORE 3u /* calls that are new */

struct check {
	struct recording *recording;
	const struct image_cut *cut;
	struct story *story;
	struct test_daemon daemon;
};

static void put_in_place(struct check *check)
{
	const struct recording *recording = check->recording;
	struct image *image = image_new(recording->log, recording->root, check->cut);
	char path[128];

	assert_non_null(image);
	test_daemon_init(&check->daemon, POWER_PLUGINS);
	(void)snprintf(path, sizeof path, "%s/state", check->daemon.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(image_write(image, path), 0);
	image_free(image);
}

static void begin(struct check *check, struct recording *recording, const struct image_cut *cut)
{
	*check = (struct check){.recording = recording, .cut = cut};
	check->story = malloc(sizeof *check->story);
	assert_non_null(check->story);
	story_read(check->story, recording->log, cut->end);
	put_in_place(check);
}

static void end(struct check *check)
{
	if (check->daemon.pid > 0)
		assert_int_equal(test_daemon_terminate(&check->daemon), 0);
	test_daemon_deinit(&check->daemon);
	free(check->story);
}

static bool is_whole(const ballot_state *state)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < state->n_last; i++)
		sum += state->last[i];
	for (size_t i = 0; i < state->pattern.len; i++)
		if (state->pattern.data[i] != (uint8_t)(state->place * 31 + i / 512 * 7))
			return false;
	return sum == state->place && state->n_disordered == 0;
}

static uint64_t last_of(const ballot_state *state, unsigned client)
{
	return state->n_last > client ? state->last[client] : 0;
}

/* Is it what the first so many calls did? */
static void check_prefix(const struct story_client *client, uint64_t last, uint64_t place)
{
	if (last > 0 && client->places[last] > 0)
		assert_true(client->places[last] <= place);
	if (client->places[last + 1] > 0)
		assert_true(client->places[last + 1] > place);
}

static void check_client(const struct check *check,
			 unsigned instance,
			 unsigned c,
			 const ballot_state *state)
{
	const struct story_client *client = &check->story->instances[instance].clients[c];
	uint32_t durability = recording_instances[instance].durability;
	uint64_t last = last_of(state, c), least = 0;

	assert_true(last <= client->sent_ever);
	if (durability == WAT_DURABILITY_NONE)
		return;
	check_prefix(client, last, state->place);
	least = durability == WAT_DURABILITY_SYNC || check->cut->mode == IMAGE_ALL
			? client->answered
			: client->floor;
	if (last < least)
		fail_msg("%llu calls of client %u were answered, %llu are there",
			 (unsigned long long)least, c, (unsigned long long)last);
}

/* NULL: refused, with that status. */
static ballot_state *try_to_read(const struct check *check, unsigned instance, int *ret_status)
{
	struct teller reader = check->recording->tellers[instance][STORY_READER];
	ballot_state *state;

	reader.lane.resume = false;
	*ret_status = teller_bind(&reader, check->daemon.socket);
	if (*ret_status != 0)
		return NULL;
	assert_int_equal(teller_read(&reader, 1, &state), 0);
	teller_unbind(&reader);
	return state;
}

static ballot_state *read_state(const struct check *check, unsigned instance)
{
	int status;
	ballot_state *state = try_to_read(check, instance, &status);

	if (!state)
		fail_msg("%s: the reader is refused: %s", recording_instances[instance].name,
			 wat_status_name(status));
	return state;
}

/* That was done long ago: it has the answer that is kept, or is too old; it is not done again, as
 * the state shows then. */
static void call_the_first_again(struct teller *teller)
{
	uint64_t number, place;
	int r;

	teller_put(teller, 1);
	r = teller_take(teller, &number, &place);
	assert_int_equal(number, 1);
	assert_true(r == 0 || r == WAT_TOO_OLD);
}

/* All that the client has no answer to, and what was lost of what it has. */
static void call_again(const struct check *check, unsigned instance, unsigned c, uint64_t last)
{
	const struct story_client *client = &check->story->instances[instance].clients[c];
	struct teller teller = check->recording->tellers[instance][c];
	uint64_t end = (client->sent > last ? client->sent : last) + MORE;

	teller.lane.resume = true;
	assert_int_equal(teller_bind(&teller, check->daemon.socket), 0);
	assert_true(teller.lane.resumed || last == 0);
	assert_int_equal(teller.lane.resumed ? teller.lane.last_applied : 0, last);
	if (!teller.lane.resumed) {
		teller.lane.resume = false;
		assert_int_equal(teller_bind(&teller, check->daemon.socket), 0);
	}
	teller.answered = client->answered < last ? client->answered : last;
	if (teller.answered > 0)
		call_the_first_again(&teller);
	while (teller.answered < end) {
		uint64_t number, place;

		teller_put(&teller, teller.answered + 1);
		assert_int_equal(teller_take(&teller, &number, &place), 0);
		assert_int_equal(number, teller.answered + 1);
		/* What was done before is what it was. */
		if (number <= last && client->places[number] > 0 &&
		    recording_instances[instance].durability != WAT_DURABILITY_NONE)
			assert_int_equal(place, client->places[number]);
		teller.answered = number;
	}
	teller_unbind(&teller);
}

static void check_running(const struct check *check, unsigned instance)
{
	const struct story_instance *story = &check->story->instances[instance];
	ballot_state *state, *after;

	if (!story->clients[STORY_READER].granted)
		return;
	state = read_state(check, instance);
	assert_true(is_whole(state));
	for (unsigned c = 0; c < STORY_CLIENTS; c++)
		check_client(check, instance, c, state);
	for (unsigned c = 0; c < STORY_CLIENTS; c++)
		call_again(check, instance, c, last_of(state, c));
	after = read_state(check, instance);
	assert_true(is_whole(after));
	for (unsigned c = 0; c < STORY_CLIENTS; c++) {
		uint64_t sent = story->clients[c].sent, last = last_of(state, c);

		assert_int_equal(last_of(after, c), (sent > last ? sent : last) + MORE);
	}
	ballot_state_free(after);
	ballot_state_free(state);
}

/* Nobody gets in whose grant was taken back; everybody else does. */
static void check_guests(const struct check *check, unsigned instance)
{
	for (unsigned c = STORY_GUEST; c < STORY_GRANTS; c++) {
		const struct story_client *client = &check->story->instances[instance].clients[c];
		struct teller guest = check->recording->tellers[instance][c];
		int r;

		if (!client->granted || (client->revoking && !client->revoked))
			continue;
		guest.lane.resume = false;
		r = teller_bind(&guest, check->daemon.socket);
		teller_unbind(&guest);
		assert_int_equal(r, client->revoked ? WAT_ACCESS_DENIED : 0);
	}
}

static void check_stopped(const struct check *check, unsigned instance)
{
	const struct story_instance *story = &check->story->instances[instance];
	struct teller reader = check->recording->tellers[instance][STORY_READER];
	struct test_output *out = malloc(sizeof *out);
	char expected[64];

	reader.lane.resume = false;
	assert_int_equal(teller_bind(&reader, check->daemon.socket), WAT_STOPPED);
	assert_non_null(out);
	test_watctl(&check->daemon, out, "start", recording_instances[instance].name, NULL);
	assert_int_equal(out->code, 0);
	test_watctl(&check->daemon, out, "-j", "stop", recording_instances[instance].name, NULL);
	assert_int_equal(out->code, 0);
	(void)snprintf(expected, sizeof expected, "\"place\":\"%llu\"",
		       (unsigned long long)story->final_place);
	if (!strstr(out->out, expected))
		fail_msg("the final state has no %s: %s", expected, out->out);
	free(out);
}

static void check_instance(const struct check *check, unsigned instance)
{
	const struct story_instance *story = &check->story->instances[instance];

	if (story->stopped)
		check_stopped(check, instance);
	if (!story->spawned || story->stopping)
		return;
	check_running(check, instance);
	check_guests(check, instance);
}

void check_image(struct recording *recording, const struct image_cut *cut)
{
	struct check check;

	begin(&check, recording, cut);
	test_daemon_start(&check.daemon);
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		check_instance(&check, i);
	end(&check);
}

/* What the lane says was done was, and nothing else. */
static uint64_t count_lost(const struct check *check, unsigned instance, const ballot_state *state)
{
	uint64_t lost = 0;

	for (unsigned c = 0; c < STORY_CLIENTS; c++) {
		const struct story_client *client = &check->story->instances[instance].clients[c];
		struct teller teller = check->recording->tellers[instance][c];
		uint64_t last = last_of(state, c);

		if (recording_instances[instance].durability != WAT_DURABILITY_NONE)
			check_prefix(client, last, state->place);
		teller.lane.resume = true;
		if (teller_bind(&teller, check->daemon.socket) == 0)
			assert_int_equal(teller.lane.resumed ? teller.lane.last_applied : 0, last);
		teller_unbind(&teller);
		if (recording_instances[instance].durability == WAT_DURABILITY_SYNC &&
		    last < client->answered)
			lost += client->answered - last;
	}
	return lost;
}

static uint64_t check_what_is_left(const struct check *check, unsigned instance)
{
	const struct story_instance *story = &check->story->instances[instance];
	uint64_t lost;
	ballot_state *state;
	int status;

	if (!story->clients[STORY_READER].granted || story->stopping)
		return 0;
	state = try_to_read(check, instance, &status);
	if (!state) {
		assert_true(status == WAT_ACCESS_DENIED || status == WAT_NOT_FOUND ||
			    status == WAT_SERVER_DIED || status == WAT_STALE);
		return 0;
	}
	assert_true(is_whole(state));
	lost = count_lost(check, instance, state);
	ballot_state_free(state);
	return lost;
}

uint64_t check_lying_image(struct recording *recording, const struct image_cut *cut)
{
	struct check check;
	char text[1024];
	uint64_t lost = 0;

	begin(&check, recording, cut);
	test_daemon_spawn(&check.daemon, NULL);
	if (test_daemon_told(&check.daemon, "READY=1", text, sizeof text)) {
		for (unsigned i = 0; i < STORY_INSTANCES; i++)
			lost += check_what_is_left(&check, i);
	} else {
		assert_true(test_daemon_wait(&check.daemon) > 0);
		assert_true(test_daemon_logged(&check.daemon, "error: "));
	}
	end(&check);
	return lost;
}
