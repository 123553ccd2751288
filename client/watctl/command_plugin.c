/* command_plugin.c - plugin: keys and signatures of plugins, as minisign has them; without watd. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/output.h"
#include "client/watctl/passphrase.h"
#include "client/watctl/problem.h"
#include "client/watctl/read_file.h"
#include "client/watctl/write_file.h"
#include "proto/minisign.h"
#include "proto/support/cleanup.h"

static void secret_wipe(struct minisign_secret *key)
{
	sodium_memzero(key, sizeof *key);
}

static int read_text(const struct watctl *ctl, const char *path, char **ret, size_t *ret_n)
{
	int r = read_file(path, ret, ret_n);

	return r < 0 ? problem_file(ctl, "can't be read:", path, r) : 0;
}

static int write_text(const struct watctl *ctl, const char *path, const char *text, size_t n)
{
	struct written *file = NULL;
	int r = written_new(path, &file);

	if (r == 0)
		r = written_add(file, text, n);
	if (r == 0)
		r = written_commit(file);
	written_free(file);
	return r < 0 ? problem_file(ctl, "can't be written:", path, r) : 0;
}

static int with_suffix(const struct watctl *ctl, const char *path, const char *suffix, char **ret)
{
	if (asprintf(ret, "%s%s", path, suffix) >= 0)
		return 0;
	*ret = NULL;
	return problem_memory(ctl);
}

static int say(const struct watctl *ctl, const char *file, const uint8_t *id, const char *comment)
{
	char text[MINISIGN_ID_TEXT_SIZE];
	json_auto_t *document = NULL;

	minisign_id_text(id, text);
	if (!ctl->json) {
		printf("%s  key %s%s%s\n", file, text, *comment ? ", " : "", comment);
		return 0;
	}
	document = json_pack("{s:s, s:s, s:s}", "file", file, "key", text, "comment", comment);
	if (!document)
		return problem_memory(ctl);
	output_json(document);
	return 0;
}

/* Nothing that is there is written over: a key that is lost can't sign any more. */
static int keygen(struct watctl *ctl, const char *path)
{
	_cleanup_(freep) char *public_path = NULL, *text = NULL;
	struct minisign_public key;
	char *secret = NULL;
	int r = with_suffix(ctl, path, ".pub", &public_path);

	if (r != 0)
		return r;
	if (access(path, F_OK) == 0 || access(public_path, F_OK) == 0)
		return problem_file(ctl, "no key is written to", path, -EEXIST);
	if (minisign_generate(&key, &text, &secret) < 0)
		return problem_memory(ctl);
	r = write_text(ctl, path, secret, strlen(secret));
	sodium_memzero(secret, strlen(secret));
	free(secret);
	if (r == 0)
		r = write_text(ctl, public_path, text, strlen(text));
	return r == 0 ? say(ctl, public_path, key.id, "") : r;
}

static int no_secret(const struct watctl *ctl, const char *path, int r)
{
	if (r == -EKEYREJECTED)
		return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
				    "that is not the password of %s", path);
	if (r == -ENOMEM)
		return problem_memory(ctl);
	return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
			    "%s is no secret key of minisign (watctl plugin keygen makes one)",
			    path);
}

static int read_secret(const struct watctl *ctl, struct minisign_secret *ret)
{
	const char *path = ctl->values[WATCTL_KEY];
	char *text = NULL, *password = NULL;
	size_t n;
	int r = read_text(ctl, path, &text, &n);

	if (r != 0)
		return r;
	r = minisign_secret_parse(text, n, NULL, ret);
	if (r == -ENOKEY) {
		r = passphrase_ask(path, &password);
		if (r < 0)
			r = problem_file(ctl, "the password can't be asked for, of", path, r);
		else
			r = minisign_secret_parse(text, n, password, ret);
	}
	sodium_memzero(text, n);
	free(text);
	passphrase_free(password);
	return r < 0 ? no_secret(ctl, path, r) : r;
}

/* What the file is called, and when it was signed. */
static int comment_for(const struct watctl *ctl, const char *path, char **ret)
{
	const char *slash = strrchr(path, '/');

	if (asprintf(ret, "timestamp:%lld\tfile:%s\thashed", (long long)time(NULL),
		     slash ? slash + 1 : path) >= 0)
		return 0;
	*ret = NULL;
	return problem_memory(ctl);
}

static int sign_as(const struct watctl *ctl, const struct minisign_secret *key, const char *path)
{
	_cleanup_(freep) char *bytes = NULL, *comment = NULL, *text = NULL, *to = NULL;
	size_t n;
	int r;

	if ((r = read_text(ctl, path, &bytes, &n)) != 0 ||
	    (r = with_suffix(ctl, path, ".minisig", &to)) != 0 ||
	    (r = comment_for(ctl, path, &comment)) != 0)
		return r;
	if (strpbrk(comment, "\r\n") || strlen(comment) > MINISIGN_COMMENT_MAX)
		return problem_usage(ctl, "the name of %s has a line break, or is too long", path);
	if (minisign_sign(key, (const uint8_t *)bytes, n, comment, &text) < 0)
		return problem_memory(ctl);
	r = write_text(ctl, to, text, strlen(text));
	return r == 0 ? say(ctl, to, key->id, "") : r;
}

static int sign(struct watctl *ctl, const char *path)
{
	_cleanup_(secret_wipe) struct minisign_secret key = {0};
	int r = read_secret(ctl, &key);

	return r == 0 ? sign_as(ctl, &key, path) : r;
}

static int read_public(const struct watctl *ctl, struct minisign_public *ret)
{
	const char *path = ctl->values[WATCTL_KEY];
	_cleanup_(freep) char *text = NULL;
	size_t n;
	int r = read_text(ctl, path, &text, &n);

	if (r != 0 || minisign_public_parse(text, n, ret) == 0)
		return r;
	return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
			    "%s is no public key of minisign (watctl plugin keygen makes one)",
			    path);
}

static int read_signature(const struct watctl *ctl,
			  const char *path,
			  struct minisign_signature *ret)
{
	_cleanup_(freep) char *text = NULL, *from = NULL;
	size_t n;
	int r = with_suffix(ctl, path, ".minisig", &from);

	if (r == 0)
		r = read_text(ctl, from, &text, &n);
	if (r != 0 || minisign_signature_parse(text, n, ret) == 0)
		return r;
	return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
			    "%s is no signature of minisign", from);
}

static int verify(struct watctl *ctl, const char *path)
{
	_cleanup_(freep) struct minisign_signature *signature = calloc(1, sizeof *signature);
	_cleanup_(freep) char *bytes = NULL;
	struct minisign_public key;
	char id[MINISIGN_ID_TEXT_SIZE];
	size_t n;
	int r;

	if (!signature)
		return problem_memory(ctl);
	if ((r = read_public(ctl, &key)) != 0 || (r = read_signature(ctl, path, signature)) != 0 ||
	    (r = read_text(ctl, path, &bytes, &n)) != 0)
		return r;
	if (minisign_verify(&key, signature, (const uint8_t *)bytes, n))
		return say(ctl, path, key.id, signature->trusted_comment);
	minisign_id_text(signature->id, id);
	return problem_exit(ctl, WATCTL_DENIED, WAT_ACCESS_DENIED,
			    "%s is not what the key in %s signed: its signature is one by key %s",
			    path, ctl->values[WATCTL_KEY], id);
}

int command_plugin(struct watctl *ctl)
{
	const char *what = watctl_argument(ctl, 0), *path = watctl_argument(ctl, 1);

	if (strcmp(what, "keygen") == 0)
		return keygen(ctl, path);
	if (strcmp(what, "sign") != 0 && strcmp(what, "verify") != 0)
		return problem_usage(ctl, "plugin can't %s; it can keygen, sign, verify", what);
	if (!ctl->values[WATCTL_KEY])
		return problem_usage(ctl, "plugin %s needs --key FILE", what);
	return strcmp(what, "sign") == 0 ? sign(ctl, path) : verify(ctl, path);
}
