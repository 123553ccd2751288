/* test_shapes.c - states of every shape: strings, bytes, repeated, nested, maps, oneof, optional. A
 * failed handler leaves the old one, whatever it wrote; a limit is kept; nothing leaks. row 8 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/sanitized.h"
#include "tests/scenario/desk.h"

/* Shapes with everything in them, on the heap, different for each seed. */
static guest_person *person(int seed)
{
	guest_person *p = calloc(1, sizeof *p);

	guest__person__init(p);
	assert_true(asprintf(&p->name, "name %d", seed) > 0);
	p->id.len = (size_t)(seed % 40);
	p->id.data = malloc(40);
	memset(p->id.data, seed, 40);
	p->n_tags = (size_t)(seed % 3);
	p->tags = calloc(3, sizeof *p->tags);
	for (size_t i = 0; i < p->n_tags; i++)
		assert_true(asprintf(&p->tags[i], "tag %d %zu", seed, i) > 0);
	return p;
}

static void fill_repeated(guest_shapes *s, int seed)
{
	s->n_numbers = (size_t)(1 + seed % 5);
	s->numbers = calloc(s->n_numbers, sizeof *s->numbers);
	for (size_t i = 0; i < s->n_numbers; i++)
		s->numbers[i] = INT64_MIN / (seed + 1) + (int64_t)i;
	s->n_texts = (size_t)(seed % 4);
	s->texts = calloc(4, sizeof *s->texts);
	for (size_t i = 0; i < s->n_texts; i++)
		s->texts[i] = strdup("ünïcode \xf0\x9f\x90\x98");
	s->n_many = (size_t)(seed % 6);
	s->many = calloc(6, sizeof *s->many);
	for (size_t i = 0; i < s->n_many; i++)
		s->many[i] = person(seed + (int)i);
}

static void fill_maps(guest_shapes *s, int seed)
{
	s->n_by_name = (size_t)(seed % 3);
	s->by_name = calloc(3, sizeof *s->by_name);
	for (size_t i = 0; i < s->n_by_name; i++) {
		s->by_name[i] = calloc(1, sizeof **s->by_name);
		guest__shapes__by_name_entry__init(s->by_name[i]);
		assert_true(asprintf(&s->by_name[i]->key, "key %zu", i) > 0);
		s->by_name[i]->value = person(seed);
	}
	s->n_by_number = (size_t)(1 + seed % 2);
	s->by_number = calloc(2, sizeof *s->by_number);
	for (size_t i = 0; i < s->n_by_number; i++) {
		s->by_number[i] = calloc(1, sizeof **s->by_number);
		guest__shapes__by_number_entry__init(s->by_number[i]);
		s->by_number[i]->key = -(int32_t)i - seed;
		s->by_number[i]->value.data = malloc(8);
		s->by_number[i]->value.len = 8;
		memset(s->by_number[i]->value.data, seed, 8);
	}
}

/* Set on purpose to their default, set to more, or not set. */
static void fill_optional(guest_shapes *s, int seed)
{
	if (seed % 3 > 0) {
		s->_maybe_number_case = GUEST__SHAPES___MAYBE_NUMBER_MAYBE_NUMBER;
		s->maybe_number = seed % 3 == 1 ? 0 : -seed;
	}
	if (seed % 4 > 0) {
		s->_maybe_text_case = GUEST__SHAPES___MAYBE_TEXT_MAYBE_TEXT;
		s->maybe_text = strdup(seed % 4 == 1 ? "" : "maybe");
	}
	if (seed % 5 > 2) {
		s->_maybe_person_case = GUEST__SHAPES___MAYBE_PERSON_MAYBE_PERSON;
		s->maybe_person = person(seed % 5 == 3 ? 0 : seed);
	}
}

static void fill_small(guest_shapes *s, int seed)
{
	static const Guest__Color colors[] = {GUEST__COLOR__INFRARED, GUEST__COLOR__BLUE,
					      (Guest__Color)77, GUEST__COLOR__NO_COLOR};

	s->color = colors[seed % 4];
	s->n_colors = (size_t)(seed % 5);
	s->colors = calloc(5, sizeof *s->colors);
	for (size_t i = 0; i < s->n_colors; i++)
		s->colors[i] = colors[i % 4];
	s->small = 0.1f * (float)seed;
	s->n_flags = (size_t)(seed % 3);
	s->flags = calloc(3, sizeof *s->flags);
	for (size_t i = 0; i < s->n_flags; i++)
		s->flags[i] = (seed + (int)i) % 2;
}

static guest_shapes *shapes(int seed)
{
	guest_shapes *s = calloc(1, sizeof *s);

	guest__shapes__init(s);
	assert_true(asprintf(&s->text, "text %d", seed) > 0);
	s->data.len = (size_t)(seed % 300);
	s->data.data = malloc(300);
	memset(s->data.data, seed, 300);
	fill_repeated(s, seed);
	fill_maps(s, seed);
	fill_optional(s, seed);
	fill_small(s, seed);
	s->one = seed % 4 ? person(seed) : NULL;
	s->choice_case =
		(Guest__Shapes__ChoiceCase)(seed % 3 == 0   ? GUEST__SHAPES__CHOICE_WORD
					    : seed % 3 == 1 ? GUEST__SHAPES__CHOICE_NUMBER
							    : GUEST__SHAPES__CHOICE_SOMEONE);
	if (seed % 3 == 0)
		s->word = strdup("word");
	else if (seed % 3 == 1)
		s->number = UINT64_MAX;
	else
		s->someone = person(seed);
	s->ratio = 1.5 * seed;
	return s;
}

static void assert_same(const guest_shapes *a, const guest_shapes *b)
{
	size_t n = guest__shapes__get_packed_size(a);
	uint8_t *left = malloc(n + 1), *right = malloc(n + 1);

	assert_int_equal(guest__shapes__get_packed_size(b), n);
	guest__shapes__pack(a, left);
	guest__shapes__pack(b, right);
	assert_memory_equal(left, right, n);
	free(left);
	free(right);
}

static int reshape(guest_desk_user *user, guest_shapes *to, int then)
{
	guest_change change = GUEST_CHANGE_INIT;
	guest_shapes *reply = NULL;
	int r;

	change.shapes = to;
	change.then = (Guest__Behaviour)then;
	r = guest_desk_reshape(user, &change, &reply);
	if (r == 0 && to)
		assert_same(reply, to);
	guest_shapes_free(reply);
	return r;
}

static void assert_shapes(guest_desk_user *user, const guest_shapes *expected)
{
	guest_shapes *got = NULL;

	assert_int_equal(guest_desk_shape(user, NULL, &got), 0);
	assert_same(got, expected);
	guest_shapes_free(got);
}

/* Each of many states of all shapes is what it was before a handler that wrote another one over it,
 * in place too, and then failed or panicked; and it is what Stop returns. */
static void failed_leaves_old(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	guest_desk_user *user = desk_user(d, admin, "u1");
	guest_shapes *old = NULL;

	for (int seed = 0; seed < 120; seed++) {
		guest_shapes *next = shapes(seed), *other = shapes(seed + 7);

		assert_int_equal(reshape(user, next, GUEST__BEHAVIOUR__WELL), 0);
		assert_int_equal(reshape(user, other, GUEST__BEHAVIOUR__REFUSE),
				 WAT_FAILED_PRECONDITION);
		assert_shapes(user, next);
		assert_int_equal(reshape(user, other, GUEST__BEHAVIOUR__PANIC), WAT_SERVER_DIED);
		assert_shapes(user, next);
		guest_shapes_free(other);
		guest_shapes_free(old);
		old = next;
	}
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	assert_same(final->shapes, old);
	guest_desk_state_free(final);
	guest_shapes_free(old);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
}

static void test_failed_leaves_old_thread(void **state)
{
	failed_leaves_old(*state, WAT_TIER_THREAD);
}

static void test_failed_leaves_old_process(void **state)
{
	failed_leaves_old(*state, WAT_TIER_PROCESS);
}

#define WINDOW 256

struct churn {
	size_t done, failed;
};

static void on_done(void *arg,
		    int status,
		    const guest_shapes *out,
		    const struct wat_failure *failure)
{
	struct churn *churn = arg;

	(void)out;
	(void)failure;
	churn->done++;
	churn->failed += status != 0;
}

/* Half a million calls on each tier that change, fail and panic on a state with pointers: the last
 * good one counts, and no memory is lost: host, watd and client end in order, and a build with the
 * address sanitizer counts every byte then. One with a sanitizer makes a tenth of them. */
static void million(struct desk *d, uint32_t tier)
{
	guest_desk_state initial = GUEST_DESK_STATE_INIT, *final = NULL;
	guest_desk_admin *admin = desk_spawned(d, tier, &initial);
	guest_desk_user *user = desk_user(d, admin, "u1");
	guest_shapes *small[] = {shapes(1), shapes(2), shapes(4)};
	guest_change change = GUEST_CHANGE_INIT;
	struct churn churn = {0};
	const size_t n = WAT_SANITIZED ? 50000 : 500000;

	for (size_t i = 0; i < n; i++) {
		change.shapes = small[i % 3];
		change.then = i % 50 == 49  ? GUEST__BEHAVIOUR__PANIC
			      : i % 10 == 9 ? GUEST__BEHAVIOUR__REFUSE
					    : GUEST__BEHAVIOUR__WELL;
		assert_int_equal(guest_desk_reshape_send(user, &change, on_done, &churn), 0);
		while (i + 1 - churn.done > WINDOW)
			assert_int_equal(wat_dispatch(d->user_side, -1), 0);
	}
	while (churn.done < n)
		assert_int_equal(wat_dispatch(d->user_side, -1), 0);
	assert_int_equal(churn.failed, n / 10);
	assert_int_equal(guest_desk_stop(admin, &final), 0);
	/* The last but one: the last of all was told to panic. */
	assert_same(final->shapes, small[(n - 2) % 3]);
	guest_desk_state_free(final);
	for (int i = 0; i < 3; i++)
		guest_shapes_free(small[i]);
	guest_desk_user_free(user);
	guest_desk_admin_free(admin);
	assert_int_equal(test_daemon_terminate(&d->daemon), 0);
}

static void test_million_thread(void **state)
{
	million(*state, WAT_TIER_THREAD);
}

static void test_million_process(void **state)
{
	million(*state, WAT_TIER_PROCESS);
}

/* A state over state_max is refused and not applied, at spawn and in a call; one of exactly 1 MiB
 * goes all the way: in, out, and in again. */
static void test_state_max(void **state)
{
	struct desk *d = *state;
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	guest_large_state large = GUEST_LARGE_STATE_INIT, *final = NULL;
	guest_large_admin *admin = NULL;
	guest_small_admin *small_admin = NULL;
	guest_small_user *small_user = NULL;
	struct wat_grant grant = WAT_GRANT_INIT;
	uint64_t size = 0;
	const size_t full = 1024 * 1024 - 4; /* with tag and length: 1 MiB */

	large.data.data = malloc(full + 1);
	memset(large.data.data, 7, full + 1);
	large.data.len = full + 1;
	assert_int_equal(guest_large_spawn(d->node, "l1", &spawn, &large, &admin),
			 WAT_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(wat_failure()->text, "guest.Large is 1048576"));
	large.data.len = full;
	for (int tier = WAT_TIER_THREAD; tier <= WAT_TIER_PROCESS; tier++) {
		spawn.tier = (uint32_t)tier;
		assert_int_equal(guest_large_spawn(d->node, "l1", &spawn, &large, &admin), 0);
		assert_int_equal(guest_large_stop(admin, &final), 0);
		assert_int_equal(final->data.len, full);
		assert_memory_equal(final->data.data, large.data.data, full);
		guest_large_state_free(final);
		guest_large_admin_free(admin);
	}
	large.data.len = 101;
	assert_int_equal(guest_small_spawn(d->node, "s1", NULL, &large, &small_admin),
			 WAT_RESOURCE_EXHAUSTED);
	large.data.len = 90;
	assert_int_equal(guest_small_spawn(d->node, "s1", NULL, &large, &small_admin), 0);
	grant.name = "u1";
	assert_int_equal(guest_small_provision(small_admin, &grant, &small_user), 0);
	assert_int_equal(guest_small_resize_with(small_user, 99, &size), WAT_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(wat_failure()->text, "more than 100 bytes; not applied"));
	assert_int_equal(guest_small_resize_with(small_user, 98, &size), 0);
	assert_int_equal(guest_small_stop(small_admin, &final), 0);
	assert_int_equal(final->data.len, 98);
	guest_large_state_free(final);
	guest_small_user_free(small_user);
	guest_small_admin_free(small_admin);
	free(large.data.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(test_failed_leaves_old_thread),
		DESK_CASE(test_failed_leaves_old_process),
		DESK_CASE(test_million_thread),
		DESK_CASE(test_million_process),
		DESK_CASE(test_state_max),
	};

	return test_run_cases(tests, NULL, NULL);
}
