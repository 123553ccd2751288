/* test_protocol.c - the bytes in PROTOCOL.md are those that watd's own code makes of the fixed
 * inputs there. tests/protocol/ does the same with code that is none of watd's. */
#include <string.h>
#include <sodium.h>
#include <wat/envelope.pb-c.h>

#include "counter.client.h"
#include "counter.pb-c.h"
#include "proto/check.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/noise_record.h"
#include "proto/status.h"
#include "proto/support/bytes.h"
#include "proto/token.h"
#include "tests/lib/cases.h"
#include "tests/unit/protocol_page.h"

#define TOKEN_BLOCK "token"
#define SECURE_BLOCK "secure"

struct world {
	char *page;
	struct token token; /* made from the page's inputs, and from nothing that they give */
	uint8_t holder_sk[64], challenge[32], chan_bind[32];
	struct token_bind bind;
	uint8_t encoded[TOKEN_SIZE], proof[TOKEN_PROOF_SIZE];
};

static void take(const struct world *w, const char *name, void *ret, size_t n)
{
	struct page_value value = page_value(w->page, TOKEN_BLOCK, name);

	assert_int_equal(value.n, n);
	memcpy(ret, value.bytes, n);
}

static uint64_t take_number(const struct world *w, const char *name, size_t n)
{
	uint8_t bytes[8] = {0};

	take(w, name, bytes, n);
	return bytes_get64(bytes);
}

static void expect(const struct world *w, const char *name, const void *bytes, size_t n)
{
	page_expect(w->page, TOKEN_BLOCK, name, bytes, n);
}

static void take_inputs(struct world *w)
{
	struct token *token = &w->token;

	token->role = TOKEN_USER;
	token->epoch = (uint32_t)take_number(w, "epoch", 4);
	token->method_mask = take_number(w, "method_mask", 8);
	token->interface_hash = take_number(w, "interface_hash", 8);
	token->not_before = take_number(w, "not_before", 8);
	token->not_after = take_number(w, "not_after", 8);
	take(w, "node_id", token->node_id, 16);
	take(w, "instance_id", token->instance_id, 16);
	take(w, "grant_id", token->grant_id, 16);
	take(w, "holder_seed", token->seed, 32);
	take(w, "challenge", w->challenge, 32);
	w->bind = (struct token_bind){
		.chan_bind = w->chan_bind,
		.challenge = w->challenge,
		.node_id = token->node_id,
		.slot = take_number(w, "slot", 8),
	};
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	uint8_t seed[32], pk[32], sk[64];

	assert_true(sodium_init() >= 0);
	w->page = page_read("proto/PROTOCOL.md");
	take_inputs(w);
	take(w, "issuer_seed", seed, 32);
	crypto_sign_seed_keypair(pk, sk, seed);
	expect(w, "issuer_pk", pk, 32);
	token_kid(pk, w->token.kid);
	crypto_sign_seed_keypair(w->token.holder_pk, w->holder_sk, w->token.seed);
	token_sign(&w->token, sk);
	assert_true(token_verify_signature(&w->token, pk));
	token_encode(&w->token, w->encoded);
	token_unix_binding(w->chan_bind);
	token_prove(&w->token, &w->bind, w->holder_sk, w->proof);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	free(w->page);
	free(w);
	return 0;
}

/* Each hash, signature and encoding of the page is what token.c makes (row 17). */
static void test_token(void **state)
{
	struct world *w = *state;
	uint8_t hash[TOKEN_HASH_SIZE];
	struct token again;

	expect(w, "kid", w->token.kid, 8);
	expect(w, "holder_pk", w->token.holder_pk, 32);
	expect(w, "role", &w->token.role, 1);
	token_hash(&w->token, hash);
	expect(w, "th0", hash, sizeof hash);
	expect(w, "sig", w->token.sig, 64);
	token_chain_hash(&w->token, hash);
	expect(w, "ch0", hash, sizeof hash);
	expect(w, "token", w->encoded, sizeof w->encoded);
	expect(w, "chan_bind", w->chan_bind, sizeof w->chan_bind);
	expect(w, "proof", w->proof, sizeof w->proof);
	assert_true(token_verify_proof(&w->token, &w->bind, w->proof));
	assert_int_equal(token_decode(w->encoded, sizeof w->encoded, &again), TOKEN_OK);
	assert_memory_equal(again.grant_id, w->token.grant_id, 16);
}

/* The attenuated token of the page is good, and holds what the page says of it. */
static void test_attenuated(void **state)
{
	struct world *w = *state;
	struct page_value bytes = page_value(w->page, "attenuated", "token");
	struct page_value text = page_value(w->page, "attenuated", "text_public");
	struct page_value chain = page_value(w->page, "attenuated", "ch1");
	struct page_value proof = page_value(w->page, "attenuated", "proof");
	uint8_t hash[TOKEN_HASH_SIZE];
	struct token token, again;

	assert_int_equal(token_decode(bytes.bytes, bytes.n, &token), TOKEN_OK);
	assert_int_equal(token_from_text((const char *)text.bytes, &again), TOKEN_OK);
	assert_int_equal(token_verify_chain(&token), TOKEN_OK);
	assert_int_equal(token_terms(&again).method_mask, 1);
	token_chain_hash(&again, hash);
	assert_memory_equal(hash, chain.bytes, sizeof hash);
	assert_true(token_verify_proof(&token, &w->bind, proof.bytes));
	assert_false(token_verify_proof(&w->token, &w->bind, proof.bytes));
}

/* The proof's hash, which token.c keeps to itself, is what the holder's key signs in it. */
static void test_bind_hash(void **state)
{
	struct world *w = *state;
	uint8_t message[48];

	memcpy(message, "wat-cap-bind--v1", 16);
	take(w, "bind_hash", message + 16, 32);
	assert_int_equal(
		crypto_sign_verify_detached(w->proof, message, sizeof message, w->token.holder_pk),
		0);
}

/* The interface's hash is the one that the generator gives the service. */
static void test_interface(void **state)
{
	struct world *w = *state;
	struct page_value service = page_value(w->page, TOKEN_BLOCK, "service");
	uint8_t hash[8];

	assert_string_equal((const char *)service.bytes, counter_interface.name);
	bytes_put64(hash, counter_interface.hash);
	expect(w, "interface_hash", hash, sizeof hash);
}

/* The text of the page is read back, with its seed or without. */
static void test_text(void **state)
{
	struct world *w = *state;
	char text[TOKEN_TEXT_MAX];
	struct page_value value;
	struct token again;

	token_to_text(&w->token, text);
	expect(w, "text_public", text, strlen(text));
	w->token.has_seed = true;
	token_to_text(&w->token, text);
	expect(w, "text_secret", text, strlen(text));
	value = page_value(w->page, TOKEN_BLOCK, "text_secret");
	assert_int_equal(token_from_text((const char *)value.bytes, &again), TOKEN_OK);
	assert_true(again.has_seed);
	assert_memory_equal(again.seed, w->token.seed, 32);
}

/* The frame in the block of that name is what frame.c and the messages give, byte for byte, and is
 * taken for that by frame.c and check.c. */
static void expect_frame(const struct world *w,
			 const char *block,
			 struct frame frame,
			 const ProtobufCMessage *message)
{
	size_t n = message ? protobuf_c_message_get_packed_size(message) : 0;
	uint8_t bytes[FRAME_HEADER_SIZE + 1024];
	struct page_value value = page_value(w->page, block, NULL);
	ProtobufCMessage *again;
	struct frame decoded;

	assert_true(n <= 1024);
	frame.body_len = (uint32_t)n;
	frame_encode(&frame, bytes);
	if (message)
		protobuf_c_message_pack(message, bytes + FRAME_HEADER_SIZE);
	page_expect(w->page, block, NULL, bytes, FRAME_HEADER_SIZE + n);
	assert_int_equal(frame_decode(value.bytes, WAT_BODY_MAX_UNBOUND, &decoded), FRAME_OK);
	assert_int_equal(decoded.type, frame.type);
	assert_int_equal(decoded.id, frame.id);
	assert_int_equal(decoded.method, frame.method);
	assert_int_equal(decoded.budget, frame.budget);
	assert_int_equal(decoded.flags, frame.flags);
	assert_int_equal(decoded.body_len, value.n - FRAME_HEADER_SIZE);
	if (!message)
		return;
	assert_int_equal(check_unpack(message->descriptor, NULL, value.bytes + FRAME_HEADER_SIZE,
				      decoded.body_len, &again, NULL),
			 0);
	protobuf_c_message_free_unpacked(again, NULL);
}

static struct page_value secure(const struct world *w, const char *name, size_t n)
{
	struct page_value value = page_value(w->page, SECURE_BLOCK, name);

	assert_int_equal(value.n, n);
	return value;
}

static void expect_message(const struct world *w,
			   const char *name,
			   struct noise_handshake *writer,
			   struct noise_handshake *reader)
{
	uint8_t record[NOISE_RECORD_HEADER + NOISE_HANDSHAKE_OVERHEAD], none[1];

	bytes_put16(record, NOISE_HANDSHAKE_OVERHEAD);
	assert_int_equal(noise_handshake_write(writer, NULL, 0, record + NOISE_RECORD_HEADER), 0);
	page_expect(w->page, SECURE_BLOCK, name, record, sizeof record);
	assert_int_equal(noise_handshake_read(reader, record + NOISE_RECORD_HEADER,
					      NOISE_HANDSHAKE_OVERHEAD, none),
			 0);
}

/* The handshake, what the proofs are bound to, and the first record are what noise.c makes of the
 * page's keys (row 38). */
static void test_secure(void **state)
{
	struct world *w = *state;
	struct page_value sk = secure(w, "server_sk", 32), prologue = secure(w, "prologue", 9);
	struct page_value hello = page_value(w->page, "frame HELLO", NULL);
	struct noise_handshake client, server;
	struct noise_cipher send, receive;
	uint8_t hash[NOISE_HASH_SIZE], binding[32], record[256];

	noise_responder_init(&server, prologue.bytes, prologue.n, sk.bytes,
			     secure(w, "server_e", 32).bytes);
	page_expect(w->page, SECURE_BLOCK, "server_pk", server.s_pk, 32);
	noise_initiator_init(&client, prologue.bytes, prologue.n, server.s_pk,
			     secure(w, "client_e", 32).bytes);
	expect_message(w, "first", &client, &server);
	expect_message(w, "second", &server, &client);
	noise_handshake_split(&client, &send, &receive, hash);
	page_expect(w->page, SECURE_BLOCK, "hash", hash, sizeof hash);
	token_noise_binding(hash, binding);
	page_expect(w->page, SECURE_BLOCK, "chan_bind", binding, sizeof binding);
	token_plain_binding(binding);
	page_expect(w->page, SECURE_BLOCK, "chan_bind_plain", binding, sizeof binding);
	assert_int_equal(noise_record_seal(&send, hello.bytes, hello.n, record), NOISE_OK);
	page_expect(w->page, SECURE_BLOCK, "record", record, hello.n + NOISE_RECORD_OVERHEAD);
}

static void test_greeting(void **state)
{
	struct world *w = *state;
	Wat__Envelope__Hello hello = WAT__ENVELOPE__HELLO__INIT;
	Wat__Envelope__Welcome welcome = WAT__ENVELOPE__WELCOME__INIT;

	hello.version = WAT_PROTOCOL_VERSION;
	hello.program = (char *)"example/1";
	expect_frame(w, "frame HELLO", (struct frame){.type = FRAME_HELLO}, &hello.base);
	welcome.version = WAT_PROTOCOL_VERSION;
	welcome.challenge = (ProtobufCBinaryData){32, w->challenge};
	welcome.node_id = (ProtobufCBinaryData){16, w->token.node_id};
	welcome.program = (char *)"watd/0.1.0";
	welcome.max_body = WAT_BODY_MAX;
	expect_frame(w, "frame WELCOME", (struct frame){.type = FRAME_WELCOME}, &welcome.base);
}

static void test_binding(void **state)
{
	struct world *w = *state;
	Wat__Envelope__Bind bind = WAT__ENVELOPE__BIND__INIT;
	Wat__Envelope__Bound bound = WAT__ENVELOPE__BOUND__INIT;
	Wat__Envelope__Attached attached = WAT__ENVELOPE__ATTACHED__INIT;
	uint8_t lane[WAT_ID_SIZE];

	for (uint8_t i = 0; i < sizeof lane; i++)
		lane[i] = (uint8_t)(0xa0 + i);
	bind.role = WAT__ENVELOPE__ROLE__USER;
	bind.token = (ProtobufCBinaryData){TOKEN_SIZE, w->encoded};
	bind.proof = (ProtobufCBinaryData){TOKEN_PROOF_SIZE, w->proof};
	bind.lane = (ProtobufCBinaryData){sizeof lane, lane};
	expect_frame(w, "frame BIND",
		     (struct frame){.type = FRAME_BIND, .id = w->bind.slot, .budget = 30000},
		     &bind.base);
	bound.handle = 1;
	bound.service = (char *)"counter.Counter";
	bound.instance = (char *)"c1";
	bound.instance_id = (ProtobufCBinaryData){16, w->token.instance_id};
	bound.method_mask = w->token.method_mask;
	expect_frame(
		w, "frame BOUND",
		(struct frame){.type = FRAME_BOUND, .flags = FRAME_FLAG_FD, .id = w->bind.slot},
		&bound.base);
	attached.generation = 1;
	expect_frame(w, "frame ATTACHED", (struct frame){.type = FRAME_ATTACHED}, &attached.base);
}

static void test_calls(void **state)
{
	struct world *w = *state;
	struct frame call = {.type = FRAME_CALL, .method = 1, .id = 1, .budget = 30000};
	Counter__Amount amount = COUNTER__AMOUNT__INIT;
	Counter__Value value = COUNTER__VALUE__INIT;
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;

	amount.n = 5;
	expect_frame(w, "frame CALL", call, &amount.base);
	value.value = 12;
	expect_frame(w, "frame REPLY", (struct frame){.type = FRAME_REPLY, .id = 1}, &value.base);
	call.id = 2;
	amount.n = INT64_MAX;
	expect_frame(w, "frame CALL.2", call, &amount.base);
	failure.text = (char *)"12 + 9223372036854775807 does not fit";
	expect_frame(w, "frame FAIL",
		     (struct frame){.type = FRAME_FAIL, .id = 2, .budget = WAT_OUT_OF_RANGE},
		     &failure.base);
	expect_frame(w, "frame DROP", (struct frame){.type = FRAME_DROP}, NULL);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_token),     CASE(test_attenuated), CASE(test_bind_hash),
		CASE(test_interface), CASE(test_text),       CASE(test_secure),
		CASE(test_greeting),  CASE(test_binding),    CASE(test_calls),
	};

	return test_run_cases(tests, NULL, NULL);
}
