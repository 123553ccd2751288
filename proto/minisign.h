/* minisign.h - keys and signatures of files in the format of minisign and signify's Ed25519
 * (https://jedisct1.github.io/minisign/#signature-format): of plugins. Text in, text out. Pure. */
#ifndef WAT_PROTO_MINISIGN_H
#define WAT_PROTO_MINISIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define MINISIGN_KEY_ID_SIZE 8u
/* Of a key's id as minisign prints it: 16 capital hexadecimal digits, the last byte first. */
#define MINISIGN_ID_TEXT_SIZE 17u
/* More than a file of a key or a signature has. */
#define MINISIGN_TEXT_MAX 16384u
#define MINISIGN_COMMENT_MAX 8191u

struct minisign_public {
	uint8_t id[MINISIGN_KEY_ID_SIZE];
	uint8_t pk[32];
};

/* Wiped by its owner. */
struct minisign_secret {
	uint8_t id[MINISIGN_KEY_ID_SIZE];
	uint8_t sk[64];
};

struct minisign_signature {
	uint8_t id[MINISIGN_KEY_ID_SIZE]; /* of the key that made it */
	bool prehashed;                   /* of the file's BLAKE2b-512, not of the file */
	uint8_t signature[64];
	uint8_t global[64]; /* of the signature and the trusted comment */
	char trusted_comment[MINISIGN_COMMENT_MAX + 1];
};

void minisign_id_text(const uint8_t id[MINISIGN_KEY_ID_SIZE],
		      char ret[static MINISIGN_ID_TEXT_SIZE]);

/* A file's text, or a key's one line alone. -EBADMSG: it is none. */
int minisign_public_parse(const char *text, size_t n, struct minisign_public *ret) WAT_MUST_CHECK;
int minisign_signature_parse(const char *text, size_t n, struct minisign_signature *ret)
	WAT_MUST_CHECK;
/* password NULL: only a key that needs none, else -ENOKEY. -EKEYREJECTED: not its password.
 * -ENOMEM: the key asks for more memory to be opened than there is. */
int minisign_secret_parse(const char *text,
			  size_t n,
			  const char *password,
			  struct minisign_secret *ret) WAT_MUST_CHECK;

/* Is it this key's signature of these bytes, and of its trusted comment? */
bool minisign_verify(const struct minisign_public *key,
		     const struct minisign_signature *signature,
		     const uint8_t *bytes,
		     size_t n) WAT_MUST_CHECK;

/* The text of a signature file, to be freed; the comment is one line of at most
 * MINISIGN_COMMENT_MAX bytes. -ENOMEM. */
int minisign_sign(const struct minisign_secret *key,
		  const uint8_t *bytes,
		  size_t n,
		  const char *trusted_comment,
		  char **ret_text) WAT_MUST_CHECK;

/* A new pair. The texts of its files are to be freed, the secret one wiped before: who can read it
 * can sign, it has no password. -ENOMEM. */
int minisign_generate(struct minisign_public *ret_public, char **ret_public_text, char **ret_secret)
	WAT_MUST_CHECK;

#endif
