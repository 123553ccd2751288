/* test_grant_judge.c - when a configured User is left alone, joined by a second one, or replaced;
 * and the file of its token. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/supervisor/grant_judge.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/token_out.h"
#include "tests/lib/cases.h"

/* A grant from 1000 to 2000 with its token in a file. */
struct world {
	char dir[64], path[96];
	struct instance instance;
	struct grant grant;
	struct token token;
	struct grant_wanted wanted;
};

static void write_token(struct world *w)
{
	struct token_out *out;

	assert_int_equal(token_out_reserve(w->path, (gid_t)-1, &out), 0);
	assert_int_equal(token_out_commit(out, &w->token), 0);
	token_out_free(out);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	uint8_t sk[64], issuer_pk[32];

	assert_non_null(w);
	test_make_dir(w->dir, sizeof w->dir);
	snprintf(w->path, sizeof w->path, "%s/token", w->dir);
	w->instance.epoch = 1;
	list_init(&w->instance.grants);
	list_append(&w->instance.grants, &w->grant.of_instance);
	w->token = (struct token){.role = TOKEN_USER,
				  .epoch = 1,
				  .method_mask = 5,
				  .not_before = 1000,
				  .not_after = 2000,
				  .grant_id = {7},
				  .has_seed = true,
				  .seed = {9}};
	crypto_sign_seed_keypair(w->token.holder_pk, sk, w->token.seed);
	crypto_sign_keypair(issuer_pk, sk);
	token_sign(&w->token, sk);
	w->grant.row = (struct store_grant){.id = {7},
					    .role = TOKEN_USER,
					    .state = 2,
					    .user = "web",
					    .configured = STORE_CONFIGURED,
					    .method_mask = 5,
					    .not_before = 1000,
					    .not_after = 2000};
	token_hash(&w->token, w->grant.row.th0);
	w->wanted =
		(struct grant_wanted){.path = w->path, .gid = (gid_t)-1, .mask = 5, .life_s = 1000};
	write_token(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	(void)unlink(w->path);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static enum grant_verdict judge(const struct world *w, uint64_t now)
{
	struct grant *grant;
	enum grant_verdict verdict = grant_judge(&w->instance, "web", &w->wanted, now, &grant);

	assert_ptr_equal(grant, verdict == GRANT_REPLACE ? NULL : &w->grant);
	return verdict;
}

/* Until a quarter of its life is left it is left alone; then a second one is made beside it, also
 * when its time is over. */
static void test_times(void **state)
{
	struct world *w = *state;

	assert_int_equal(grant_due_at(&w->grant.row), 1750);
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	assert_int_equal(judge(w, 1749), GRANT_LEAVE);
	assert_int_equal(judge(w, 1750), GRANT_MAKE_BESIDE);
	assert_int_equal(judge(w, 2500), GRANT_MAKE_BESIDE);
	w->grant.row.not_after = 1002;
	assert_int_equal(grant_due_at(&w->grant.row), 1001);
}

/* Other methods or another life in the section: a new one takes its place. A second more or less is
 * the clock's. */
static void test_wanted(void **state)
{
	struct world *w = *state;

	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	w->wanted.mask = 1;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->wanted.mask = 5;
	w->wanted.life_s = 1001;
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	w->wanted.life_s = 1002;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->wanted.life_s = 999;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
}

/* The file has to hold the very token of the row, with the key that it names. */
static void test_proof(void **state)
{
	struct world *w = *state;
	struct token genuine = w->token;

	w->token.grant_id[0]++;
	write_token(w);
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->token = genuine;
	w->token.method_mask = UINT64_MAX;
	write_token(w);
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->token = genuine;
	w->token.seed[0]++;
	write_token(w);
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->token = genuine;
	w->token.has_seed = false;
	write_token(w);
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->token = genuine;
	write_token(w);
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	w->instance.epoch = 2;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->instance.epoch = 1;
	w->grant.row.configured = STORE_NOT_CONFIGURED;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->grant.row.configured = STORE_CONFIGURED_BESIDE;
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	w->grant.row.state = 3;
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->grant.row.state = 2;
	w->grant.row.user[0] = 'x';
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
	w->grant.row.user[0] = 'w';
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(judge(w, 1000), GRANT_REPLACE);
}

/* A file that others may read is written anew, the grant stays. */
static void test_mode(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(chmod(w->path, 0644), 0);
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	w->wanted.gid = getegid();
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(judge(w, 1000), GRANT_LEAVE);
}

/* A link in place of the file is not followed, neither to read nor to write; a directory is no
 * place for a file; what is reserved and not used leaves nothing. */
static void test_places(void **state)
{
	struct world *w = *state;
	char other[96];
	struct token token;
	struct token_out *out;

	snprintf(other, sizeof other, "%s/other", w->dir);
	assert_int_equal(rename(w->path, other), 0);
	assert_int_equal(symlink(other, w->path), 0);
	assert_int_equal(token_out_read(w->path, (gid_t)-1, &token), -ELOOP);
	assert_int_equal(token_out_reserve(w->path, (gid_t)-1, &out), -EEXIST);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(token_out_reserve(w->dir, (gid_t)-1, &out), -EEXIST);
	snprintf(other, sizeof other, "%s/none/token", w->dir);
	assert_int_equal(token_out_reserve(other, (gid_t)-1, &out), -ENOENT);
	snprintf(other, sizeof other, "%s/", w->dir);
	assert_int_equal(token_out_reserve(other, (gid_t)-1, &out), -EISDIR);
	assert_int_equal(token_out_reserve(w->path, (gid_t)-1, &out), 0);
	token_out_free(out);
	assert_int_equal(access(w->path, F_OK), -1);
	snprintf(other, sizeof other, "%s/other", w->dir);
	assert_int_equal(unlink(other), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_times), CASE(test_wanted), CASE(test_proof),
		CASE(test_mode),  CASE(test_places),
	};

	if (sodium_init() < 0)
		return 1;
	return test_run_cases(tests, NULL, NULL);
}
