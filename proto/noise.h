/* noise.h - Noise_NK_25519_ChaChaPoly_BLAKE2b of the Noise Protocol Framework, revision 34: the
 * client knows the server's key beforehand, the client stays anonymous. Pure (libsodium's
 * primitives only): randomness comes in as an argument, bytes go out. Records: noise_record.h. What
 * watd makes of it: PROTOCOL.md, "TCP".
 *
 * A handshake and a cipher live inside their owner, hold secrets, and are wiped by the function
 * that ends them. Not thread safe. */
#ifndef WAT_PROTO_NOISE_H
#define WAT_PROTO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define NOISE_KEY_SIZE 32u
#define NOISE_HASH_SIZE 64u
#define NOISE_TAG_SIZE 16u
#define NOISE_MESSAGE_MAX 65535u /* bytes of any message, ciphertext and tag included */
#define NOISE_HANDSHAKE_OVERHEAD (NOISE_KEY_SIZE + NOISE_TAG_SIZE)

enum noise_error {
	NOISE_OK = 0,
	NOISE_E_LENGTH = 1,    /* no message of this kind can be so short or so long */
	NOISE_E_KEY = 2,       /* a public key of small order: everyone knows the shared secret */
	NOISE_E_TAG = 3,       /* made for another key or prologue, or changed on the way */
	NOISE_E_EXHAUSTED = 4, /* no nonce is left; nothing was sealed or opened */
};

/* One direction of a connection. */
struct noise_cipher {
	uint8_t key[NOISE_KEY_SIZE]; /* secret */
	uint64_t nonce;              /* of the next message; UINT64_MAX is never used */
};

struct noise_handshake {
	bool initiator;
	bool done;          /* both messages went through: split may follow */
	bool failed;        /* nothing more comes of it */
	uint8_t n_messages; /* 0, 1, 2 */
	uint8_t ck[NOISE_HASH_SIZE], h[NOISE_HASH_SIZE];
	struct noise_cipher cipher;
	uint8_t s_sk[NOISE_KEY_SIZE]; /* the responder's own; zeros for the initiator */
	uint8_t s_pk[NOISE_KEY_SIZE]; /* the responder's */
	uint8_t e_sk[NOISE_KEY_SIZE], e_pk[NOISE_KEY_SIZE];
	uint8_t re_pk[NOISE_KEY_SIZE]; /* the other's ephemeral */
};

/* Public key of a secret one. */
void noise_public_key(const uint8_t sk[static NOISE_KEY_SIZE],
		      uint8_t ret_pk[static NOISE_KEY_SIZE]);

/* ephemeral_sk: 32 random bytes, used for this handshake and never again. */
void noise_initiator_init(struct noise_handshake *handshake,
			  const void *prologue,
			  size_t n_prologue,
			  const uint8_t server_pk[static NOISE_KEY_SIZE],
			  const uint8_t ephemeral_sk[static NOISE_KEY_SIZE]);
void noise_responder_init(struct noise_handshake *handshake,
			  const void *prologue,
			  size_t n_prologue,
			  const uint8_t server_sk[static NOISE_KEY_SIZE],
			  const uint8_t ephemeral_sk[static NOISE_KEY_SIZE]);

/* The handshake's next message, which must be this side's: the initiator writes the first and reads
 * the second. ret_message takes n + NOISE_HANDSHAKE_OVERHEAD bytes. E_LENGTH, E_KEY; after an error
 * the handshake is wiped and of no use. */
enum noise_error noise_handshake_write(struct noise_handshake *handshake,
				       const void *payload,
				       size_t n,
				       uint8_t *ret_message) WAT_MUST_CHECK;
/* The same, read: ret_payload takes n - NOISE_HANDSHAKE_OVERHEAD bytes and is undefined after an
 * error. E_LENGTH, E_KEY, E_TAG. */
enum noise_error noise_handshake_read(struct noise_handshake *handshake,
				      const void *message,
				      size_t n,
				      uint8_t *ret_payload) WAT_MUST_CHECK;
/* After both messages: the ciphers of the two directions, and the handshake hash, which is of this
 * connection alone. Wipes the handshake. */
void noise_handshake_split(struct noise_handshake *handshake,
			   struct noise_cipher *ret_send,
			   struct noise_cipher *ret_receive,
			   uint8_t ret_hash[static NOISE_HASH_SIZE]);
void noise_handshake_wipe(struct noise_handshake *handshake);

/* A transport message: ret takes n + NOISE_TAG_SIZE bytes. E_LENGTH, E_EXHAUSTED. Buffers must not
 * overlap. */
enum noise_error noise_seal(struct noise_cipher *cipher, const void *plain, size_t n, uint8_t *ret)
	WAT_MUST_CHECK;
/* ret takes n - NOISE_TAG_SIZE bytes, and is undefined after an error. E_LENGTH, E_TAG,
 * E_EXHAUSTED. */
enum noise_error noise_open(struct noise_cipher *cipher, const void *sealed, size_t n, uint8_t *ret)
	WAT_MUST_CHECK;
/* A new key, which does not tell the one before; the nonce goes on. */
void noise_rekey(struct noise_cipher *cipher);
void noise_cipher_wipe(struct noise_cipher *cipher);

#endif
