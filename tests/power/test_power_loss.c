/* test_power_loss.c - the power goes at any moment, and what was not made durable is lost, in part
 * or in disorder: watd starts on what is left. Durability sync has lost nothing that was answered,
 * crash at most an end of what came after the last snapshot; no state is torn, no call is done
 * twice, no user that was ended comes back. rows 11, 50, 57, 58
 *
 * A watd that was released, its hosts and its database run under tests/power/layer.c while they are
 * called, killed and started again. Then $WAT_POWER_IMAGES disks (default 500) are made from what
 * was written, with the chance of $WAT_POWER_SEED, and a real watd starts on each. One alone:
 * $WAT_POWER_ONLY, with the number that the failure says.
 *
 * A disk that lies, and loses what it said was durable, may cost calls and whole instances; but
 * what is there is whole, and what can't start says why. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/power/check.h"
#include "tests/scenario/chance.h"

#define WORKERS 4u
#define ROUNDS 36u
#define CALLS 6u
#define FILLING (TELLER_LARGE / CALLS)

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* What there is to lose. */
struct content {
	size_t n_entries[POWER_MARK + 1];
	size_t n_segments; /* files of the journal */
	size_t n_pages;    /* writes into the database itself: its log was folded in */
	size_t n_waited;   /* syncs by a thread that serves */
};

static struct content count_entries(const struct recording *recording)
{
	struct content content = {.n_pages = 0};
	uint64_t database = 0;

	for (uint64_t at = 0; at < recording->log->end;
	     at += power_log_at(recording->log, at)->size) {
		const struct power_entry *entry = power_log_at(recording->log, at);
		const char *name = (const char *)entry->bytes;

		content.n_entries[entry->kind]++;
		if (entry->kind == POWER_CREATE && strcmp(name, "watd.db") == 0)
			database = entry->other;
		content.n_segments += entry->kind == POWER_CREATE && strlen(name) == 49;
		content.n_pages += entry->kind == POWER_WRITE && entry->file == database;
		content.n_waited += entry->kind == POWER_SYNC && entry->other == 1;
	}
	return content;
}

/* A user that comes in one round and goes in a later one. */
static void come_and_go(struct recording *recording, unsigned round)
{
	unsigned guest = STORY_GUEST + round / 6;

	if (guest >= STORY_GRANTS)
		return;
	if (round % 6 == 1)
		recording_grant(recording, guest % 4, guest);
	if (round % 6 == 4 && guest != STORY_GRANTS - 1)
		recording_revoke(recording, guest % 4, guest);
}

/* Answers so large that the segments get full, and are gone on from while nobody dies. */
static void fill_segments(struct recording *recording)
{
	size_t n = count_entries(recording).n_segments;

	for (unsigned i = 0; i < FILLING; i++)
		recording_call(recording, CALLS, NULL, 0);
	assert_true(count_entries(recording).n_segments > n);
}

static void play(struct recording *recording)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		come_and_go(recording, round);
		if (round % 6 == 2)
			recording_call(recording, CALLS, recording_kill_host,
				       round / 6 % STORY_INSTANCES);
		else if (round % 6 == 5)
			recording_call(recording, CALLS, recording_kill_watd, 0);
		else
			recording_call(recording, CALLS, NULL, 0);
		if (round == TELLER_LARGE_FROM / CALLS)
			fill_segments(recording);
		if (round == ROUNDS / 2)
			recording_restart(recording);
		if (round == ROUNDS - 3)
			recording_stop(recording, 3);
	}
}

/* Was everything noted, and is there enough to lose? Who serves has never waited for the disk. */
static void check_recording(const struct recording *recording)
{
	struct content content = count_entries(recording);
	const struct image_cut all = {
		.end = recording->log->end, .lies_from = recording->log->end, .mode = IMAGE_ALL};
	char path[128], why[4096];
	struct image *image;

	printf("%zu writes, %zu syncs, %zu segments, %zu writes to the database\n",
	       content.n_entries[POWER_WRITE], content.n_entries[POWER_SYNC], content.n_segments,
	       content.n_pages);
	assert_int_equal(recording->log->n_broken, 0);
	assert_int_equal(recording->log->n_missed, 0);
	assert_true(content.n_segments > 30 && content.n_pages > 100);
	assert_true(content.n_entries[POWER_UNLINK] > 20);
	assert_int_equal(content.n_waited, 0);
	(void)snprintf(path, sizeof path, "%s/state", recording->daemon.dir);
	image = image_new(recording->log, recording->root, &all);
	assert_non_null(image);
	if (image_compare(image, path, why, sizeof why) < 0)
		fail_msg("the recording is not what was done: %s", why);
	image_free(image);
}

/* Where the entries begin. Half of them are those where something was made, named or synced, which
 * are few. */
struct places {
	uint64_t *all, *rare;
	size_t n, n_rare;
};

static bool is_rare(const struct power_entry *entry)
{
	return entry->kind != POWER_WRITE && entry->kind != POWER_MARK;
}

static struct places list_places(const struct recording *recording)
{
	struct places places = {.n = 0};
	size_t size = 0;

	for (uint64_t at = 0; at < recording->log->end;
	     at += power_log_at(recording->log, at)->size)
		size++;
	places.all = calloc(size + 1, sizeof *places.all);
	places.rare = calloc(size + 1, sizeof *places.rare);
	assert_true(places.all && places.rare);
	for (uint64_t at = 0; at < recording->log->end;) {
		const struct power_entry *entry = power_log_at(recording->log, at);

		places.all[places.n++] = at;
		if (is_rare(entry)) {
			/* Before it, or after it. */
			uint64_t end = places.n_rare % 2 ? at : at + entry->size;

			places.rare[places.n_rare++] = end;
		}
		at += entry->size;
	}
	return places;
}

static struct image_cut cut_at(const struct places *places,
			       unsigned seed,
			       unsigned number,
			       bool lying)
{
	struct chance chance = {((uint64_t)seed << 32) + number};
	struct image_cut cut;
	size_t at = chance_below(&chance, places->n);

	/* The first start, too. */
	if (number % 10 == 0)
		at = chance_below(&chance, 200);
	cut.end =
		number % 2 ? places->all[at] : places->rare[chance_below(&chance, places->n_rare)];
	if (number % 10 == 0)
		cut.end = places->all[at];
	cut.lies_from =
		lying ? places->all[at > 4000 ? at - chance_below(&chance, 4000) : 0] : cut.end;
	cut.mode = (enum image_mode)chance_below(&chance, IMAGE_MODES);
	cut.seed = chance_next(&chance);
	return cut;
}

/* What the workers have in common. */
struct work {
	struct recording *recording;
	struct places places;
	unsigned seed, n_images;
	bool lying;
	_Atomic uint64_t *n_lost; /* shared */
};

static void check_one(const struct work *work, unsigned number)
{
	struct image_cut cut = cut_at(&work->places, work->seed, number, work->lying);

	printf("image %u of seed %u: cut at %llu, mode %u\n", number, work->seed,
	       (unsigned long long)cut.end, (unsigned)cut.mode);
	fflush(stdout);
	if (work->lying)
		*work->n_lost += check_lying_image(work->recording, &cut);
	else
		check_image(work->recording, &cut);
}

static void wait_for_workers(const pid_t *workers)
{
	bool good = true;

	for (unsigned i = 0; i < WORKERS; i++) {
		int status;

		assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
		good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	assert_true(good);
}

static void check_all(const struct work *work)
{
	const char *only = getenv("WAT_POWER_ONLY");
	pid_t workers[WORKERS];

	if (only) {
		check_one(work, (unsigned)atoi(only));
		return;
	}
	fflush(NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		assert_true(workers[i] >= 0);
		if (workers[i] > 0)
			continue;
		/* A check that fails ends this process by way of cmocka, as it would the test's. */
		for (unsigned n = i; n < work->n_images; n += WORKERS)
			check_one(work, n);
		_exit(0);
	}
	wait_for_workers(workers);
}

static uint64_t run(bool lying, unsigned n_images)
{
	static struct recording recording;
	struct work work = {.recording = &recording,
			    .seed = number_from("WAT_POWER_SEED", 20),
			    .n_images = n_images,
			    .lying = lying};
	uint64_t lost;

	work.n_lost = mmap(NULL, sizeof *work.n_lost, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(work.n_lost != MAP_FAILED);
	recording_begin(&recording);
	play(&recording);
	recording_end(&recording);
	check_recording(&recording);
	work.places = list_places(&recording);
	check_all(&work);
	free(work.places.all);
	free(work.places.rare);
	recording_free(&recording);
	lost = *work.n_lost;
	(void)munmap((void *)work.n_lost, sizeof *work.n_lost);
	return lost;
}

static void test_power_goes(void **state)
{
	(void)state;
	(void)run(false, number_from("WAT_POWER_IMAGES", POWER_IMAGES));
}

/* And this is what the checks above see when syncs are not worth anything. */
static void test_disk_lies(void **state)
{
	uint64_t lost = run(true, number_from("WAT_POWER_IMAGES", POWER_IMAGES) / 5);

	(void)state;
	if (!getenv("WAT_POWER_ONLY"))
		assert_true(lost > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_goes),
		cmocka_unit_test(test_disk_lies),
	};

	return test_run_cases(tests, NULL, NULL);
}
