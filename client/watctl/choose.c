/* choose.c - which User a call is made as, and what to do when there is none. */
#include "client/watctl/choose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/hold.h"
#include "client/watctl/key.h"
#include "client/watctl/problem.h"
#include "proto/token.h"

/* Why nothing can be called with what is there. */
static int no_user(const struct watctl *ctl, const struct keyring *keyring, const char *instance)
{
	_cleanup_(token_text_freep) char *admin = NULL;

	if (keyring_read(keyring, instance, NULL, &admin) == 0)
		return problem(ctl, WAT_ACCESS_DENIED,
			       "you hold the Admin of %s, which manages it; make a User: watctl "
			       "provision %s me",
			       instance, instance);
	return problem(ctl, WAT_ACCESS_DENIED,
		       "you hold no capability of %s; ask who began it for a User's token, and "
		       "name its file with --token or $WAT_TOKEN_FILE",
		       instance);
}

/* Tokens are ours to look into: libwat would refuse the same with less to say. */
static int check_token(const struct watctl *ctl,
		       const char *instance,
		       const char *path,
		       const char *text)
{
	struct token token;
	bool good = token_from_text(text, &token) == TOKEN_OK;

	explicit_bzero(&token.seed, sizeof token.seed);
	if (!good)
		return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
				    "%s holds no token; a token is the one line that watctl "
				    "provision prints",
				    path);
	if (token.role != TOKEN_ADMIN)
		return 0;
	return problem(ctl, WAT_ACCESS_DENIED,
		       "you hold the Admin of %s, which manages it; make a User: watctl provision "
		       "%s me",
		       instance, instance);
}

static int from_file(const struct watctl *ctl, const char *instance, const char *path, char **ret)
{
	_cleanup_(token_text_freep) char *text = NULL;
	int r = token_file_read(path, &text);

	if (r < 0)
		return problem_file(ctl, "no token can be read from", path, r);
	r = check_token(ctl, instance, path, text);
	if (r == 0)
		r = key_complete(ctl, path, &text);
	if (r == 0)
		*ret = TAKE(text);
	return r;
}

static int from_user(const struct watctl *ctl,
		     const struct keyring *keyring,
		     const char *instance,
		     const char *user,
		     char **ret)
{
	_cleanup_(token_text_freep) char *text = NULL, *admin = NULL;
	int r = keyring_read(keyring, instance, user, &text);

	if (r == -ENOENT && keyring_read(keyring, instance, NULL, &admin) == 0)
		return problem(ctl, WAT_ACCESS_DENIED,
			       "the keyring has no User %s of %s; make one: watctl provision %s %s",
			       user, instance, instance, user);
	if (r == -ENOENT)
		return problem(ctl, WAT_ACCESS_DENIED,
			       "the keyring has no User %s of %s; ask who began it for a token, "
			       "and name its file with --token",
			       user, instance);
	if (r < 0)
		return problem_file(ctl, "the keyring can't be read", keyring_path(keyring), r);
	r = check_token(ctl, instance, keyring_path(keyring), text);
	if (r == 0)
		*ret = TAKE(text);
	return r;
}

/* The incarnation that a token in the keyring is for. */
static bool incarnation_of(const struct keyring *keyring,
			   const char *instance,
			   const char *user,
			   uint8_t ret_id[static 16])
{
	_cleanup_(token_text_freep) char *text = NULL;
	struct token token;
	bool good = keyring_read(keyring, instance, user, &text) == 0 &&
		    token_from_text(text, &token) == TOKEN_OK;

	if (good)
		memcpy(ret_id, token.instance_id, 16);
	explicit_bzero(&token, sizeof token);
	return good;
}

/* Users of earlier incarnations stay in the keyring; where the Admin tells which they are, they
 * don't count, unless there are no others: then it is false. */
static bool drop_earlier(const struct keyring *keyring,
			 const char *instance,
			 struct keyring_users *users)
{
	uint8_t current[16], id[16];
	size_t n = 0;

	if (!incarnation_of(keyring, instance, NULL, current))
		return true;
	for (size_t i = 0; i < users->n; i++) {
		char *name = users->names[n];

		if (!incarnation_of(keyring, instance, users->names[i], id) ||
		    memcmp(id, current, sizeof id) != 0)
			continue;
		users->names[n++] = users->names[i];
		users->names[i] = name;
	}
	for (size_t i = n; n > 0 && i < users->n; i++)
		free(users->names[i]);
	if (n > 0)
		users->n = n;
	return n > 0;
}

static int ambiguous(const struct watctl *ctl,
		     const char *instance,
		     const struct keyring_users *users)
{
	char list[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < users->n && used < sizeof list; i++) {
		int n = snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
				 users->names[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	return problem_usage(ctl, "the keyring has %zu Users of %s: say --as with one of %s",
			     users->n, instance, list);
}

static int from_keyring(const struct watctl *ctl,
			const struct keyring *keyring,
			const char *instance,
			char **ret)
{
	_cleanup_(keyring_users_deinit) struct keyring_users users = {0};
	bool any_now;
	int r = keyring_users(keyring, instance, &users);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	if (r < 0)
		return problem_file(ctl, "the keyring can't be read", keyring_path(keyring), r);
	any_now = drop_earlier(keyring, instance, &users);
	if (users.n == 0)
		return no_user(ctl, keyring, instance);
	if (users.n > 1 && !any_now)
		return problem(ctl, WAT_STALE,
			       "the Users of %s in the keyring are of earlier incarnations; make "
			       "one: watctl provision %s me",
			       instance, instance);
	if (users.n > 1)
		return ambiguous(ctl, instance, &users);
	return from_user(ctl, keyring, instance, users.names[0], ret);
}

int choose_user_token(struct watctl *ctl, const char *instance, char **ret_token)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	const char *file = getenv("WAT_TOKEN_FILE");
	const char *as = ctl->values[WATCTL_AS], *token = ctl->values[WATCTL_TOKEN];
	int r;

	if (token && as)
		return problem_usage(ctl, "--token and --as were both given");
	if (token)
		return from_file(ctl, instance, token, ret_token);
	if (!as && file && *file)
		return from_file(ctl, instance, file, ret_token);
	r = hold_keyring(ctl, &keyring);
	if (r != 0)
		return r;
	return as ? from_user(ctl, keyring, instance, as, ret_token)
		  : from_keyring(ctl, keyring, instance, ret_token);
}
