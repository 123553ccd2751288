/* test_noise.c - the handshake and the records of TCP connections: published vectors, and what is
 * refused. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "proto/noise.h"
#include "proto/noise_record.h"
#include "proto/support/bytes.h"
#include "tests/lib/cases.h"

#define MESSAGES_MAX 6
#define BYTES_MAX 256

struct vector {
	const char *prologue, *server_sk, *server_pk, *initiator_e, *responder_e;
	const char *hash; /* NULL: not published */
	struct {
		const char *payload, *message;
	} messages[MESSAGES_MAX]; /* the initiator's and the responder's by turns */
};

/* Noise_NK_25519_ChaChaPoly_BLAKE2b: the first is from the vectors of cacophony
 * (vectors/cacophony.txt), the second from those of snow (tests/vectors/snow.txt). */
static const struct vector vectors[] = {
	{
		.prologue = "4a6f686e2047616c74",
		.server_sk = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
		.server_pk = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
		.initiator_e = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		.responder_e = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
		.hash = "f87aa4eb6416e5b0d2b6e6f0b7bc41f3c5986a5d32d55c08d67cbd412f3ec2fa"
			"04d8e358ab95b3bbfab054a140a98eccf4284bb6309b600981d451ecac484932",
		.messages =
			{
				{"4c756477696720766f6e204d69736573",
				 "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
				 "f3041e39b0c8ba56008f2d1183fea6ac83564ead0267b0842ec4c521ed1e140"
				 "7"},
				{"4d757272617920526f746862617264",
				 "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
				 "2281dcc1835131f305dca14525e15e27d1f32294aa835e40fc18be480c1db9"},
				{"462e20412e20486179656b",
				 "357e24e9f28ba22080666f7efacc01b2a0a4e358e742aeeff2aaf5"},
				{"4361726c204d656e676572",
				 "8b23b34ff3169de06a39551e969ca7876cc5122a4acff74bf2ec29"},
				{"4a65616e2d426170746973746520536179",
				 "5c104779b6f36e59fca73ed94b0ae092eae1d76dd109caf5060aaaedba385d70"
				 "76"},
				{"457567656e2042f6686d20766f6e2042617765726b",
				 "34ae0518d0cd3aa641ed372ea94935ceecd87f8c4b422ce21a33d3f6f5493891"
				 "e3e915d83f"},
			},
	},
	{
		.prologue = "5468657265206973206e6f20726967687420616e642077726f6e672e205468657265"
			    "2773206f6e6c792066756e20616e6420626f72696e672e",
		.server_sk = "0c0cac2c24c7ac76ab07049932d34f3aac2f791fd99ff957e81f685a7756138a",
		.server_pk = "7ff2c76e27af9ed6b83e0e8987e9a125c2879a990b200823f56c648f5974d41d",
		.initiator_e = "151f660015d45eea5f28ee50258f33373c75906fb58e4ab59ed52dab535161cb",
		.responder_e = "dafad8e4c6404375195a18b8f7cd7feb985220f2f2ecc307b381207193298c3b",
		.messages =
			{
				{"a3a6441fd70fea11009bf133cd42402e358ab1024ed36f5199fef05203d6cac"
				 "6",
				 "d956ead53c15c6e114e9ee181ed233e2287ef647b65f1bdf1c455760ac7f2a7"
				 "ce376799bd5adb227eb614be9db1d210bbe413a371e18ecfeb45bf4ca5eeb35"
				 "a9668e8423875e16144100af1f849b5986"},
				{"dba779f15f86d73d3c10aacecabd0dd1869308dc7f38f8c7f95274844e34618"
				 "b",
				 "77b149decc3c2339f0794c856db88c7de6ee665b923a43bad41bf5b54d80c51"
				 "d26cc588eeb0d1a50a055c305f47bc0dde983039526354548b0abb04c2d3c1e"
				 "5e7cc8d9cef41d0d4b7eb4b3cbfdd6a178"},
				{"a40e189598732182bd93f25667217b0897cdf1be327f16236046aae1b1a05d0"
				 "2",
				 "6595aea3a643319bb6f139f122d8fa32d7e1165721f5af678f51cf4d104c5b0"
				 "3aee688efa0ab2aa0f6e6309565653f4a"},
				{"f825cd333af9f37889ecdcbc2f2f4862c8e117a058420074072f0488a90a644"
				 "3",
				 "9b8d0a0cbad3638d2cbef5bd69d23661e16b0c8692b968190052ac13751f17a"
				 "c080e01d45668e04a365adaee3f9303d6"},
			},
	},
};

static size_t unhex(const char *hex, uint8_t ret[static BYTES_MAX])
{
	size_t n;

	assert_int_equal(sodium_hex2bin(ret, BYTES_MAX, hex, strlen(hex), NULL, &n, NULL), 0);
	return n;
}

/* Both ends of a connection. */
struct pair {
	struct noise_handshake initiator, responder;
	/* [0] is the initiator's. */
	struct noise_cipher send[2], receive[2];
	uint8_t hash[2][NOISE_HASH_SIZE];
};

static void pair_init(struct pair *pair, const struct vector *vector)
{
	uint8_t prologue[BYTES_MAX], a[BYTES_MAX], b[BYTES_MAX];
	size_t n = unhex(vector->prologue, prologue);

	unhex(vector->server_pk, a);
	unhex(vector->initiator_e, b);
	noise_initiator_init(&pair->initiator, prologue, n, a, b);
	unhex(vector->server_sk, a);
	unhex(vector->responder_e, b);
	noise_responder_init(&pair->responder, prologue, n, a, b);
}

static void pair_split(struct pair *pair)
{
	noise_handshake_split(&pair->initiator, &pair->send[0], &pair->receive[0], pair->hash[0]);
	noise_handshake_split(&pair->responder, &pair->send[1], &pair->receive[1], pair->hash[1]);
}

/* A connection with empty payloads, as watd makes it. */
static void pair_connect(struct pair *pair)
{
	uint8_t message[NOISE_HANDSHAKE_OVERHEAD], none[1];

	pair_init(pair, &vectors[0]);
	assert_int_equal(noise_handshake_write(&pair->initiator, NULL, 0, message), NOISE_OK);
	assert_int_equal(noise_handshake_read(&pair->responder, message, sizeof message, none), 0);
	assert_int_equal(noise_handshake_write(&pair->responder, NULL, 0, message), NOISE_OK);
	assert_int_equal(noise_handshake_read(&pair->initiator, message, sizeof message, none), 0);
	pair_split(pair);
}

static void play_handshake_message(struct pair *pair, const struct vector *vector, size_t i)
{
	struct noise_handshake *writer = i == 0 ? &pair->initiator : &pair->responder;
	struct noise_handshake *reader = i == 0 ? &pair->responder : &pair->initiator;
	uint8_t payload[BYTES_MAX], expected[BYTES_MAX], message[BYTES_MAX], read[BYTES_MAX];
	size_t n = unhex(vector->messages[i].payload, payload);

	assert_int_equal(unhex(vector->messages[i].message, expected),
			 n + NOISE_HANDSHAKE_OVERHEAD);
	assert_int_equal(noise_handshake_write(writer, payload, n, message), NOISE_OK);
	assert_memory_equal(message, expected, n + NOISE_HANDSHAKE_OVERHEAD);
	assert_int_equal(noise_handshake_read(reader, message, n + NOISE_HANDSHAKE_OVERHEAD, read),
			 NOISE_OK);
	assert_memory_equal(read, payload, n);
}

static void play_transport_message(struct pair *pair, const struct vector *vector, size_t i)
{
	uint8_t payload[BYTES_MAX], expected[BYTES_MAX], message[BYTES_MAX], read[BYTES_MAX];
	size_t n = unhex(vector->messages[i].payload, payload);

	assert_int_equal(unhex(vector->messages[i].message, expected), n + NOISE_TAG_SIZE);
	assert_int_equal(noise_seal(&pair->send[i % 2], payload, n, message), NOISE_OK);
	assert_memory_equal(message, expected, n + NOISE_TAG_SIZE);
	assert_int_equal(noise_open(&pair->receive[1 - i % 2], message, n + NOISE_TAG_SIZE, read),
			 NOISE_OK);
	assert_memory_equal(read, payload, n);
}

/* Every byte of both sides' messages, and the handshake hash, are those that others published. */
static void test_vectors(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++) {
		const struct vector *vector = &vectors[v];
		struct pair pair;
		uint8_t expected[BYTES_MAX];

		pair_init(&pair, vector);
		unhex(vector->server_pk, expected);
		assert_memory_equal(pair.responder.s_pk, expected, NOISE_KEY_SIZE);
		play_handshake_message(&pair, vector, 0);
		play_handshake_message(&pair, vector, 1);
		pair_split(&pair);
		assert_memory_equal(pair.hash[0], pair.hash[1], NOISE_HASH_SIZE);
		if (vector->hash) {
			assert_int_equal(unhex(vector->hash, expected), NOISE_HASH_SIZE);
			assert_memory_equal(pair.hash[0], expected, NOISE_HASH_SIZE);
		}
		for (size_t i = 2; i < MESSAGES_MAX && vector->messages[i].payload; i++)
			play_transport_message(&pair, vector, i);
	}
}

/* Nothing of a handshake is left in it after the split or a failure but that it is over. */
static void assert_wiped(const struct noise_handshake *handshake)
{
	struct noise_handshake wiped = {.failed = true};

	assert_true(handshake->failed);
	assert_memory_equal(&handshake->ck, &wiped.ck, sizeof wiped.ck);
	assert_memory_equal(&handshake->h, &wiped.h, sizeof wiped.h);
	assert_memory_equal(&handshake->s_sk, &wiped.s_sk, sizeof wiped.s_sk);
	assert_memory_equal(&handshake->e_sk, &wiped.e_sk, sizeof wiped.e_sk);
	assert_memory_equal(&handshake->cipher, &wiped.cipher, sizeof wiped.cipher);
}

static void test_wiping(void **state)
{
	struct pair pair;

	(void)state;
	pair_connect(&pair);
	assert_wiped(&pair.initiator);
	assert_wiped(&pair.responder);
	noise_cipher_wipe(&pair.send[0]);
	assert_true(sodium_is_zero(pair.send[0].key, NOISE_KEY_SIZE));
	/* Nothing is sealed under a key that is no secret. */
	assert_int_equal(noise_seal(&pair.send[0], "x", 1, (uint8_t[17]){0}), NOISE_E_EXHAUSTED);
}

/* Each single flipped bit of either handshake message ends the handshake. */
static void test_flipped_handshake(void **state)
{
	uint8_t message[NOISE_HANDSHAKE_OVERHEAD], read[1];
	struct pair pair;

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
		enum noise_error error;

		pair_init(&pair, &vectors[0]);
		assert_int_equal(noise_handshake_write(&pair.initiator, NULL, 0, message), 0);
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		error = noise_handshake_read(&pair.responder, message, sizeof message, read);
		assert_true(error == NOISE_E_TAG || error == NOISE_E_KEY);
		assert_wiped(&pair.responder);
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		pair_init(&pair, &vectors[0]);
		assert_int_equal(noise_handshake_write(&pair.initiator, NULL, 0, message), 0);
		assert_int_equal(
			noise_handshake_read(&pair.responder, message, sizeof message, read), 0);
		assert_int_equal(noise_handshake_write(&pair.responder, NULL, 0, message), 0);
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		error = noise_handshake_read(&pair.initiator, message, sizeof message, read);
		assert_true(error == NOISE_E_TAG || error == NOISE_E_KEY);
		assert_wiped(&pair.initiator);
	}
}

/* A message is refused by a server with another key, and one of another prologue by everyone; so is
 * an answer by who did not have the right key. */
static void test_wrong_key(void **state)
{
	uint8_t message[NOISE_HANDSHAKE_OVERHEAD], read[1], key[NOISE_KEY_SIZE];
	struct noise_handshake other;
	struct pair pair;

	(void)state;
	memset(key, 9, sizeof key);
	pair_init(&pair, &vectors[0]);
	assert_int_equal(noise_handshake_write(&pair.initiator, NULL, 0, message), 0);
	noise_responder_init(&other, "John Galt", 9, key, key);
	assert_int_equal(noise_handshake_read(&other, message, sizeof message, read), NOISE_E_TAG);
	noise_responder_init(&other, "John Gult", 9, pair.responder.s_sk, key);
	assert_int_equal(noise_handshake_read(&other, message, sizeof message, read), NOISE_E_TAG);
	/* Made with the right public key, answered without the secret one. */
	noise_initiator_init(&other, "John Galt", 9, pair.responder.s_pk, key);
	assert_int_equal(noise_handshake_write(&other, NULL, 0, message), 0);
	noise_initiator_init(&other, "John Galt", 9, pair.responder.s_pk, key);
	assert_int_equal(noise_handshake_write(&other, NULL, 0, message), 0);
	assert_int_equal(noise_handshake_read(&other, message, sizeof message, read), NOISE_E_TAG);
}

/* Points of small order, which give everyone the same secret, are refused as server keys and as
 * ephemeral ones. */
static void test_small_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		uint8_t point[BYTES_MAX], message[NOISE_HANDSHAKE_OVERHEAD], read[1], key[32];
		struct noise_handshake handshake;
		struct pair pair;

		memset(key, 9, sizeof key);
		unhex(points[i], point);
		noise_initiator_init(&handshake, NULL, 0, point, key);
		assert_int_equal(noise_handshake_write(&handshake, NULL, 0, message), NOISE_E_KEY);
		pair_init(&pair, &vectors[0]);
		memcpy(message, point, NOISE_KEY_SIZE);
		assert_int_equal(
			noise_handshake_read(&pair.responder, message, sizeof message, read),
			NOISE_E_KEY);
		assert_int_equal(noise_handshake_write(&pair.initiator, NULL, 0, message), 0);
		memcpy(message, point, NOISE_KEY_SIZE);
		assert_int_equal(
			noise_handshake_read(&pair.initiator, message, sizeof message, read),
			NOISE_E_KEY);
	}
}

/* Messages that are shorter or longer than any can be are refused before anything is computed. */
static void test_lengths(void **state)
{
	uint8_t *large = calloc(1, NOISE_MESSAGE_MAX + 64u), *out = malloc(NOISE_MESSAGE_MAX + 64u);
	struct pair pair;

	(void)state;
	for (size_t n = 0; n < NOISE_HANDSHAKE_OVERHEAD; n++) {
		pair_init(&pair, &vectors[0]);
		assert_int_equal(noise_handshake_read(&pair.responder, large, n, out),
				 NOISE_E_LENGTH);
	}
	pair_init(&pair, &vectors[0]);
	assert_int_equal(noise_handshake_read(&pair.responder, large, NOISE_MESSAGE_MAX + 1u, out),
			 NOISE_E_LENGTH);
	assert_int_equal(noise_handshake_write(&pair.initiator, large,
					       NOISE_MESSAGE_MAX - NOISE_HANDSHAKE_OVERHEAD + 1u,
					       out),
			 NOISE_E_LENGTH);
	pair_connect(&pair);
	for (size_t n = 0; n < NOISE_TAG_SIZE; n++)
		assert_int_equal(noise_open(&pair.receive[0], large, n, out), NOISE_E_LENGTH);
	assert_int_equal(noise_seal(&pair.send[0], large, NOISE_RECORD_PLAIN_MAX + 1u, out),
			 NOISE_E_LENGTH);
	assert_int_equal(noise_seal(&pair.send[0], large, NOISE_RECORD_PLAIN_MAX, out), NOISE_OK);
	assert_int_equal(noise_open(&pair.receive[1], out, NOISE_MESSAGE_MAX, large), NOISE_OK);
	free(large);
	free(out);
}

static void seal(struct noise_cipher *cipher, const char *text, uint8_t record[static 64])
{
	assert_int_equal(noise_record_seal(cipher, text, strlen(text), record), NOISE_OK);
}

static enum noise_error open_text(struct noise_cipher *cipher,
				  const uint8_t *record,
				  char ret[static 64])
{
	size_t size;
	enum noise_error error = noise_record_measure(record, 64, &size);

	if (error != NOISE_OK)
		return error;
	assert_true(size > NOISE_RECORD_OVERHEAD);
	ret[size - NOISE_RECORD_OVERHEAD] = '\0';
	return noise_record_open(cipher, record, size, (uint8_t *)ret);
}

/* A record is opened once, in its turn, by its receiver, as it was sealed: else not at all. */
static void test_record_order(void **state)
{
	uint8_t first[64] = {0}, second[64] = {0};
	char text[64];
	struct pair pair;

	(void)state;
	pair_connect(&pair);
	seal(&pair.send[0], "first", first);
	seal(&pair.send[0], "second", second);
	/* Out of order; to whoever sent it. */
	assert_int_equal(open_text(&pair.receive[1], second, text), NOISE_E_TAG);
	assert_int_equal(open_text(&pair.receive[0], first, text), NOISE_E_TAG);
	assert_int_equal(open_text(&pair.receive[1], first, text), NOISE_OK);
	assert_string_equal(text, "first");
	/* Twice. */
	assert_int_equal(open_text(&pair.receive[1], first, text), NOISE_E_TAG);
	assert_int_equal(open_text(&pair.receive[1], second, text), NOISE_OK);
	assert_string_equal(text, "second");
}

/* Of a record no bit can be changed, and a part of one is none. */
static void test_record_bits(void **state)
{
	uint8_t record[64] = {0};
	char text[64];
	struct pair pair;
	size_t n = strlen("watd") + NOISE_RECORD_OVERHEAD, size;

	(void)state;
	pair_connect(&pair);
	seal(&pair.send[1], "watd", record);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(noise_record_measure(record, i, &size), NOISE_OK);
		assert_int_equal(size, 0);
	}
	for (size_t bit = 16; bit < 8 * n; bit++) {
		record[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(open_text(&pair.receive[0], record, text), NOISE_E_TAG);
		record[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* The length is not sealed itself, but the tag is then elsewhere. */
	for (uint16_t wrong = NOISE_TAG_SIZE + 1; wrong < 62; wrong++) {
		uint16_t right = bytes_get16(record);

		if (wrong == right)
			continue;
		bytes_put16(record, wrong);
		assert_int_equal(open_text(&pair.receive[0], record, text), NOISE_E_TAG);
		bytes_put16(record, right);
	}
	assert_int_equal(open_text(&pair.receive[0], record, text), NOISE_OK);
}

/* Lengths that no record has are refused as soon as they are there. */
static void test_record_lengths(void **state)
{
	uint8_t *plain = calloc(1, NOISE_RECORD_PLAIN_MAX + 1u);
	uint8_t *record = malloc(NOISE_RECORD_PLAIN_MAX + 1u + NOISE_RECORD_OVERHEAD);
	struct pair pair;
	size_t size;

	(void)state;
	pair_connect(&pair);
	for (uint16_t n = 0; n <= NOISE_TAG_SIZE; n++) {
		bytes_put16(record, n);
		assert_int_equal(noise_record_measure(record, 2, &size), NOISE_E_LENGTH);
	}
	assert_int_equal(noise_record_seal(&pair.send[0], plain, 0, record), NOISE_E_LENGTH);
	assert_int_equal(
		noise_record_seal(&pair.send[0], plain, NOISE_RECORD_PLAIN_MAX + 1u, record),
		NOISE_E_LENGTH);
	assert_int_equal(noise_record_seal(&pair.send[0], plain, NOISE_RECORD_PLAIN_MAX, record),
			 NOISE_OK);
	assert_int_equal(noise_record_measure(record, 65536, &size), NOISE_OK);
	assert_int_equal(size, 0);
	assert_int_equal(noise_record_measure(record, 65537, &size), NOISE_OK);
	assert_int_equal(size, 65537);
	free(plain);
	free(record);
}

/* After 65,536 records a direction has another key, on both sides at once, and its old one opens
 * nothing any more; the other direction keeps its own. */
static void test_rekey(void **state)
{
	struct noise_cipher old;
	uint8_t record[64] = {0}, key[2][NOISE_KEY_SIZE];
	char text[64];
	struct pair pair;

	(void)state;
	pair_connect(&pair);
	memcpy(key[0], pair.send[0].key, NOISE_KEY_SIZE);
	memcpy(key[1], pair.send[1].key, NOISE_KEY_SIZE);
	for (unsigned i = 0; i < NOISE_REKEY_RECORDS; i++) {
		assert_memory_equal(pair.send[0].key, key[0], NOISE_KEY_SIZE);
		seal(&pair.send[0], "again", record);
		assert_int_equal(open_text(&pair.receive[1], record, text), NOISE_OK);
	}
	assert_memory_not_equal(pair.send[0].key, key[0], NOISE_KEY_SIZE);
	assert_memory_equal(pair.send[0].key, pair.receive[1].key, NOISE_KEY_SIZE);
	assert_memory_equal(pair.send[1].key, key[1], NOISE_KEY_SIZE);
	seal(&pair.send[0], "renewed", record);
	old = pair.receive[1];
	memcpy(old.key, key[0], NOISE_KEY_SIZE);
	assert_int_equal(open_text(&old, record, text), NOISE_E_TAG);
	assert_int_equal(open_text(&pair.receive[1], record, text), NOISE_OK);
	assert_string_equal(text, "renewed");
	/* The specification's REKEY: the nonce goes on. */
	assert_int_equal(pair.send[0].nonce, NOISE_REKEY_RECORDS + 1u);
}

/* The last nonce but one is used, the last never: an error comes first, and nothing is sealed. */
static void test_exhaustion(void **state)
{
	uint8_t record[64] = {0}, untouched[64];
	char text[64];
	struct pair pair;

	(void)state;
	pair_connect(&pair);
	pair.send[0].nonce = pair.receive[1].nonce = UINT64_MAX - 1;
	seal(&pair.send[0], "last", record);
	memcpy(untouched, record, sizeof record);
	assert_int_equal(noise_record_seal(&pair.send[0], "more", 4, record), NOISE_E_EXHAUSTED);
	assert_memory_equal(record + 2, untouched + 2, sizeof record - 2);
	assert_int_equal(open_text(&pair.receive[1], record, text), NOISE_OK);
	assert_int_equal(open_text(&pair.receive[1], record, text), NOISE_E_EXHAUSTED);
	assert_int_equal(pair.send[0].nonce, UINT64_MAX);
}

/* Two connections to the same server have other hashes and keys. */
static void test_hash_is_fresh(void **state)
{
	uint8_t message[NOISE_HANDSHAKE_OVERHEAD], read[1], key[NOISE_KEY_SIZE], sk[BYTES_MAX];
	struct pair one, two;

	(void)state;
	pair_connect(&one);
	pair_init(&two, &vectors[0]);
	memset(key, 9, sizeof key);
	unhex(vectors[0].server_sk, sk);
	noise_responder_init(&two.responder, "John Galt", 9, sk, key);
	assert_int_equal(noise_handshake_write(&two.initiator, NULL, 0, message), 0);
	assert_int_equal(noise_handshake_read(&two.responder, message, sizeof message, read), 0);
	assert_int_equal(noise_handshake_write(&two.responder, NULL, 0, message), 0);
	assert_int_equal(noise_handshake_read(&two.initiator, message, sizeof message, read), 0);
	pair_split(&two);
	assert_memory_not_equal(one.hash[0], two.hash[0], NOISE_HASH_SIZE);
	assert_memory_not_equal(one.send[0].key, two.send[0].key, NOISE_KEY_SIZE);
	assert_memory_not_equal(two.send[0].key, two.send[1].key, NOISE_KEY_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),           cmocka_unit_test(test_wiping),
		cmocka_unit_test(test_flipped_handshake), cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_small_order),       cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_record_order),      cmocka_unit_test(test_record_bits),
		cmocka_unit_test(test_record_lengths),    cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_exhaustion),        cmocka_unit_test(test_hash_is_fresh),
	};

	if (sodium_init() < 0)
		return 1;
	return test_run_cases(tests, NULL, NULL);
}
