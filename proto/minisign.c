/* minisign.c - keys and signatures of files, in minisign's format. */
#include "proto/minisign.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"

static const char untrusted[] = "untrusted comment: ";
static const char trusted[] = "trusted comment: ";

/* As they lie in their files, before base64. */
struct public_bytes {
	uint8_t algorithm[2]; /* "Ed" */
	uint8_t id[MINISIGN_KEY_ID_SIZE];
	uint8_t pk[32];
};
struct signature_bytes {
	uint8_t algorithm[2]; /* "ED": prehashed; "Ed": not */
	uint8_t id[MINISIGN_KEY_ID_SIZE];
	uint8_t signature[64];
};
struct secret_body {
	uint8_t id[MINISIGN_KEY_ID_SIZE];
	uint8_t sk[64];
	uint8_t check[32]; /* BLAKE2b-256 of algorithm, id and sk, where it is encrypted */
};
struct secret_bytes {
	uint8_t algorithm[2]; /* "Ed" */
	uint8_t kdf[2];       /* "Sc": scrypt; 0, 0: not encrypted */
	uint8_t hash[2];      /* "B2" */
	uint8_t salt[32];
	uint8_t opslimit[8], memlimit[8]; /* little endian */
	struct secret_body body;          /* encrypted: xor with what scrypt makes */
};
_Static_assert(sizeof(struct public_bytes) == 42 && sizeof(struct signature_bytes) == 74 &&
		       sizeof(struct secret_bytes) == 158,
	       "no gaps");

/* What is left of a text. */
struct lines {
	const char *at, *end;
};

struct line {
	const char *text;
	size_t n;
};

static bool next_line(struct lines *lines, struct line *ret)
{
	const char *newline;

	if (lines->at == lines->end)
		return false;
	newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	ret->text = lines->at;
	ret->n = (size_t)((newline ? newline : lines->end) - lines->at);
	lines->at = newline ? newline + 1 : lines->end;
	if (ret->n > 0 && ret->text[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

static bool begins_with(const struct line *line, const char *prefix)
{
	size_t n = strlen(prefix);

	return line->n >= n && memcmp(line->text, prefix, n) == 0;
}

/* A line of base64 of exactly n bytes. */
static bool read_bytes(const struct line *line, void *ret, size_t n)
{
	size_t got;
	const char *end;

	return sodium_base642bin(ret, n, line->text, line->n, NULL, &got, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == n && end == line->text + line->n;
}

/* The line after the untrusted comment, or the first without one. */
static bool first_bytes(struct lines *lines, void *ret, size_t n)
{
	struct line line;

	if (!next_line(lines, &line))
		return false;
	if (begins_with(&line, untrusted) && !next_line(lines, &line))
		return false;
	return read_bytes(&line, ret, n);
}

void minisign_id_text(const uint8_t id[MINISIGN_KEY_ID_SIZE],
		      char ret[static MINISIGN_ID_TEXT_SIZE])
{
	for (size_t i = 0; i < MINISIGN_KEY_ID_SIZE; i++)
		(void)snprintf(ret + 2 * i, 3, "%02X", id[MINISIGN_KEY_ID_SIZE - 1 - i]);
}

int minisign_public_parse(const char *text, size_t n, struct minisign_public *ret)
{
	struct lines lines = {text, text + n};
	struct public_bytes bytes;

	if (!first_bytes(&lines, &bytes, sizeof bytes) || memcmp(bytes.algorithm, "Ed", 2) != 0)
		return -EBADMSG;
	memcpy(ret->id, bytes.id, sizeof ret->id);
	memcpy(ret->pk, bytes.pk, sizeof ret->pk);
	return 0;
}

int minisign_signature_parse(const char *text, size_t n, struct minisign_signature *ret)
{
	struct lines lines = {text, text + n};
	struct signature_bytes bytes;
	struct line line;

	if (!first_bytes(&lines, &bytes, sizeof bytes) || bytes.algorithm[0] != 'E' ||
	    (bytes.algorithm[1] != 'd' && bytes.algorithm[1] != 'D'))
		return -EBADMSG;
	if (!next_line(&lines, &line) || !begins_with(&line, trusted))
		return -EBADMSG;
	line.text += sizeof trusted - 1;
	line.n -= sizeof trusted - 1;
	if (line.n > MINISIGN_COMMENT_MAX || memchr(line.text, '\0', line.n))
		return -EBADMSG;
	memcpy(ret->trusted_comment, line.text, line.n);
	ret->trusted_comment[line.n] = '\0';
	if (!next_line(&lines, &line) || !read_bytes(&line, ret->global, sizeof ret->global))
		return -EBADMSG;
	ret->prehashed = bytes.algorithm[1] == 'D';
	memcpy(ret->id, bytes.id, sizeof ret->id);
	memcpy(ret->signature, bytes.signature, sizeof ret->signature);
	return 0;
}

static void check_of(const struct secret_bytes *bytes, uint8_t check[static 32])
{
	crypto_generichash_state hash;

	(void)crypto_generichash_init(&hash, NULL, 0, 32);
	(void)crypto_generichash_update(&hash, bytes->algorithm, sizeof bytes->algorithm);
	(void)crypto_generichash_update(&hash, bytes->body.id, sizeof bytes->body.id);
	(void)crypto_generichash_update(&hash, bytes->body.sk, sizeof bytes->body.sk);
	(void)crypto_generichash_final(&hash, check, 32);
}

static uint64_t number_of(const uint8_t bytes[static 8])
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | bytes[i];
	return n;
}

/* Both ways. */
static int encrypt(struct secret_bytes *bytes, const char *password)
{
	uint8_t stream[sizeof bytes->body];
	uint8_t *body = (uint8_t *)&bytes->body;

	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password, strlen(password),
					       bytes->salt, number_of(bytes->opslimit),
					       (size_t)number_of(bytes->memlimit)) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof stream; i++)
		body[i] ^= stream[i];
	sodium_memzero(stream, sizeof stream);
	return 0;
}

static int open_secret(struct secret_bytes *bytes, const char *password)
{
	uint8_t check[32];
	bool encrypted = memcmp(bytes->kdf, "Sc", 2) == 0;
	int r;

	if (memcmp(bytes->algorithm, "Ed", 2) != 0 || memcmp(bytes->hash, "B2", 2) != 0 ||
	    (!encrypted && memcmp(bytes->kdf, "\0\0", 2) != 0))
		return -EBADMSG;
	if (encrypted && !password)
		return -ENOKEY;
	r = encrypted ? encrypt(bytes, password) : 0;
	if (r < 0)
		return r;
	/* One that is not encrypted has no sum: minisign writes zeros. */
	check_of(bytes, check);
	if (encrypted && sodium_memcmp(check, bytes->body.check, sizeof check) != 0)
		return -EKEYREJECTED;
	return 0;
}

int minisign_secret_parse(const char *text,
			  size_t n,
			  const char *password,
			  struct minisign_secret *ret)
{
	struct lines lines = {text, text + n};
	struct secret_bytes bytes;
	int r = first_bytes(&lines, &bytes, sizeof bytes) ? open_secret(&bytes, password)
							  : -EBADMSG;

	if (r == 0) {
		memcpy(ret->id, bytes.body.id, sizeof ret->id);
		memcpy(ret->sk, bytes.body.sk, sizeof ret->sk);
	}
	sodium_memzero(&bytes, sizeof bytes);
	return r;
}

/* What the global signature is of. */
static size_t put_global(const uint8_t signature[64], const char *comment, uint8_t *at)
{
	size_t n = strlen(comment);

	memcpy(at, signature, 64);
	memcpy(at + 64, comment, n);
	return 64 + n;
}

bool minisign_verify(const struct minisign_public *key,
		     const struct minisign_signature *signature,
		     const uint8_t *bytes,
		     size_t n)
{
	uint8_t hash[64], global[64 + MINISIGN_COMMENT_MAX];
	size_t global_n = put_global(signature->signature, signature->trusted_comment, global);

	if (memcmp(key->id, signature->id, sizeof key->id) != 0)
		return false;
	if (signature->prehashed) {
		(void)crypto_generichash(hash, sizeof hash, bytes, n, NULL, 0);
		bytes = hash;
		n = sizeof hash;
	}
	return crypto_sign_verify_detached(signature->signature, bytes, n, key->pk) == 0 &&
	       crypto_sign_verify_detached(signature->global, global, global_n, key->pk) == 0;
}

static char *base64_of(const void *bytes, size_t n)
{
	size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(size);

	return text ? sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL)
		    : NULL;
}

int minisign_sign(const struct minisign_secret *key,
		  const uint8_t *bytes,
		  size_t n,
		  const char *comment,
		  char **ret_text)
{
	struct signature_bytes out = {.algorithm = {'E', 'D'}};
	_cleanup_(freep) uint8_t *signed_too = malloc(64 + strlen(comment) + 1);
	_cleanup_(freep) char *first = NULL, *second = NULL;
	uint8_t hash[64], global[64];
	char id[MINISIGN_ID_TEXT_SIZE];

	if (!signed_too)
		return -ENOMEM;
	memcpy(out.id, key->id, sizeof out.id);
	(void)crypto_generichash(hash, sizeof hash, bytes, n, NULL, 0);
	(void)crypto_sign_detached(out.signature, NULL, hash, sizeof hash, key->sk);
	(void)crypto_sign_detached(global, NULL, signed_too,
				   put_global(out.signature, comment, signed_too), key->sk);
	first = base64_of(&out, sizeof out);
	second = base64_of(global, sizeof global);
	minisign_id_text(key->id, id);
	if (!first || !second ||
	    asprintf(ret_text, "%ssignature by minisign key %s\n%s\n%s%s\n%s\n", untrusted, id,
		     first, trusted, comment, second) < 0)
		return -ENOMEM;
	return 0;
}

static int public_text(const struct minisign_public *key, char **ret)
{
	struct public_bytes bytes = {.algorithm = {'E', 'd'}};
	_cleanup_(freep) char *line = NULL;
	char id[MINISIGN_ID_TEXT_SIZE];

	memcpy(bytes.id, key->id, sizeof bytes.id);
	memcpy(bytes.pk, key->pk, sizeof bytes.pk);
	line = base64_of(&bytes, sizeof bytes);
	minisign_id_text(key->id, id);
	if (!line || asprintf(ret, "%sminisign public key %s\n%s\n", untrusted, id, line) < 0)
		return -ENOMEM;
	return 0;
}

static int secret_text(struct secret_bytes *bytes, char **ret)
{
	char *line = base64_of(bytes, sizeof *bytes);
	int r = 0;

	if (!line ||
	    asprintf(ret, "%sminisign secret key, not encrypted\n%s\n", untrusted, line) < 0)
		r = -ENOMEM;
	if (line)
		sodium_memzero(line, strlen(line));
	free(line);
	return r;
}

int minisign_generate(struct minisign_public *ret_public, char **ret_public_text, char **ret_secret)
{
	struct secret_bytes bytes = {.algorithm = {'E', 'd'}, .hash = {'B', '2'}};
	struct minisign_public key;
	_cleanup_(freep) char *text = NULL;
	int r;

	randombytes_buf(key.id, sizeof key.id);
	(void)crypto_sign_keypair(key.pk, bytes.body.sk);
	memcpy(bytes.body.id, key.id, sizeof key.id);
	r = public_text(&key, &text);
	if (r == 0)
		r = secret_text(&bytes, ret_secret);
	sodium_memzero(&bytes, sizeof bytes);
	if (r < 0)
		return r;
	*ret_public = key;
	*ret_public_text = TAKE(text);
	return 0;
}
