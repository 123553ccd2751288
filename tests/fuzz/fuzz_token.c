/* fuzz_token.c - tokens: one encoding each, as bytes and as text; and of all that is presented to
 * watd, only the genuine token, or the one chain made from it, with its genuine proof is taken.
 * Even first byte: text; odd: token and proof. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/caps/verify.h"
#include "tests/fuzz/genuine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct genuine genuine;
static struct keyring *keyring;
static struct grant_table *grants;

static void require(int condition)
{
	if (!condition)
		abort();
}

/* The keyring reads its key from a file. */
static void open_keyring(void)
{
	char dir[] = "/tmp/wat-fuzz-XXXXXX", path[64];
	const char *key_dir;
	int fd;

	require(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/node.key", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	require(write(fd, genuine.issuer_seed, 32) == 32);
	close(fd);
	require(keyring_open(dir, NULL, &key_dir, &keyring) == 0);
	unlink(path);
	rmdir(dir);
}

static void open_grants(void)
{
	struct store_grant row = {.role = TOKEN_USER, .state = 2, .method_mask = UINT64_MAX};
	struct grant *grant;

	grants = grant_table_new(NULL);
	memcpy(row.id, genuine.token.grant_id, 16);
	memcpy(row.instance_id, genuine.token.instance_id, 16);
	token_hash(&genuine.token, row.th0);
	require(grant_table_add(grants, &row, &grant) == 0);
}

static enum verify_instance find_instance(void *arg,
					  const uint8_t id[16],
					  uint32_t *ret_epoch,
					  uint64_t *ret_hash)
{
	(void)arg;
	*ret_epoch = genuine.token.epoch;
	*ret_hash = genuine.token.interface_hash;
	return memcmp(id, genuine.token.instance_id, 16) == 0 ? VERIFY_INSTANCE_FOUND
							      : VERIFY_INSTANCE_UNKNOWN;
}

static bool is_genuine(const struct verify_request *request,
		       const uint8_t *bytes,
		       size_t n,
		       const uint8_t *proof)
{
	return request->token_len == n && memcmp(request->token, bytes, n) == 0 &&
	       memcmp(request->proof, proof, TOKEN_PROOF_SIZE) == 0;
}

static wat_status present(const uint8_t *data, size_t n)
{
	struct verify verify = {.keyring = keyring,
				.grants = grants,
				.node_id = genuine.token.node_id,
				.now = genuine.token.not_before,
				.find_instance = find_instance};
	struct verify_request request = {.token = data,
					 .token_len = n,
					 .role = TOKEN_USER,
					 .chan_bind = genuine.binding,
					 .challenge = genuine.challenge,
					 .slot = genuine.slot};
	struct token token;
	struct token_terms terms;
	struct grant *grant = NULL;
	const char *why = NULL;
	wat_status status;

	request.proof_len = n >= TOKEN_PROOF_SIZE ? TOKEN_PROOF_SIZE : n;
	request.token_len = n - request.proof_len;
	request.proof = data + request.token_len;
	status = verify_bind(&verify, &request, &token, &terms, &grant, &why);
	if (status != WAT_OK) {
		require(why && *why);
		return status;
	}
	require(grant &&
		(is_genuine(&request, genuine.bytes, TOKEN_SIZE, genuine.proof) ||
		 is_genuine(&request, genuine.chain, GENUINE_CHAIN_SIZE, genuine.chain_proof)));
	return WAT_OK;
}

/* A verifier that takes nothing would pass for a good one. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint8_t both[GENUINE_CHAIN_SIZE + TOKEN_PROOF_SIZE];

	(void)argc;
	(void)argv;
	require(sodium_init() >= 0);
	genuine_make(&genuine);
	open_keyring();
	open_grants();
	memcpy(both, genuine.bytes, TOKEN_SIZE);
	memcpy(both + TOKEN_SIZE, genuine.proof, TOKEN_PROOF_SIZE);
	require(present(both, TOKEN_SIZE + TOKEN_PROOF_SIZE) == WAT_OK);
	memcpy(both, genuine.chain, GENUINE_CHAIN_SIZE);
	memcpy(both + GENUINE_CHAIN_SIZE, genuine.chain_proof, TOKEN_PROOF_SIZE);
	require(present(both, sizeof both) == WAT_OK);
	return 0;
}

static void decode_bytes(const uint8_t *data, size_t n)
{
	uint8_t again[TOKEN_CHAIN_MAX];
	struct token token;
	size_t length;

	if (token_decode(data, n, &token) != TOKEN_OK)
		return;
	token_encode(&token, again);
	length = token_length(&token);
	require(n == length + (token.has_seed ? 32 : 0));
	/* The flag of the seed is the file's, not the token's. */
	again[5] = token.has_seed;
	require(memcmp(data, again, length) == 0);
	require(!token.has_seed || memcmp(data + length, token.seed, 32) == 0);
}

static void decode_text(const uint8_t *data, size_t n)
{
	char text[TOKEN_TEXT_MAX], *copy = malloc(n + 1), *end;
	const char *start;
	struct token token;

	require(copy != NULL);
	memcpy(copy, data, n);
	copy[n] = '\0';
	if (token_from_text(copy, &token) == TOKEN_OK) {
		token_to_text(&token, text);
		start = copy + strspn(copy, " \t\r\n\v\f");
		end = (char *)start + strlen(start);
		while (end > start && strchr(" \t\r\n\v\f", end[-1]))
			*--end = '\0';
		require(strcmp(start, text) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] % 2 == 0) {
		decode_text(data + 1, n - 1);
	} else {
		decode_bytes(data + 1, n - 1);
		(void)present(data + 1, n - 1);
	}
	return 0;
}
