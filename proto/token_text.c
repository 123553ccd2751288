/* token_text.c - tokens as text: a prefix, then base64url of the bytes and of the first 4 bytes of
 * their hash. */
#include <sodium.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/token.h"

#define PREFIX_SIZE 6u
#define SUM_SIZE 4u

static void checksum(const uint8_t *bytes, size_t n, uint8_t sum[static SUM_SIZE])
{
	uint8_t hash[32];

	crypto_generichash(hash, sizeof hash, bytes, n, NULL, 0);
	memcpy(sum, hash, SUM_SIZE);
}

void token_to_text(const struct token *token, char ret_text[static TOKEN_TEXT_MAX])
{
	uint8_t bytes[TOKEN_SIZE_MAX + SUM_SIZE];
	size_t n = token_length(token);

	token_encode(token, bytes);
	if (token->has_seed) {
		bytes[5] |= 1;
		memcpy(bytes + n, token->seed, TOKEN_SEED_SIZE);
		n += TOKEN_SEED_SIZE;
	}
	checksum(bytes, n, bytes + n);
	memcpy(ret_text, token->has_seed ? "wats1_" : "watc1_", PREFIX_SIZE);
	sodium_bin2base64(ret_text + PREFIX_SIZE, TOKEN_TEXT_MAX - PREFIX_SIZE, bytes, n + SUM_SIZE,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(bytes, sizeof bytes);
}

static enum token_error decode_bytes(const uint8_t *bytes,
				     size_t n,
				     bool secret,
				     struct token *ret_token)
{
	uint8_t sum[SUM_SIZE];
	enum token_error error;

	if (n < SUM_SIZE)
		return TOKEN_E_LENGTH;
	checksum(bytes, n - SUM_SIZE, sum);
	if (memcmp(sum, bytes + n - SUM_SIZE, SUM_SIZE) != 0)
		return TOKEN_E_FORMAT;
	error = token_decode(bytes, n - SUM_SIZE, ret_token);
	if (error == TOKEN_OK && ret_token->has_seed != secret)
		return TOKEN_E_FORMAT;
	return error;
}

enum token_error token_from_text(const char *text, struct token *ret_token)
{
	static const char space[] = " \t\r\n";
	uint8_t bytes[TOKEN_SIZE_MAX + SUM_SIZE];
	enum token_error error;
	size_t n, n_bytes;
	bool secret;

	text += strspn(text, space);
	n = strcspn(text, space);
	if (text[n + strspn(text + n, space)] != '\0' || n < PREFIX_SIZE || n >= TOKEN_TEXT_MAX)
		return TOKEN_E_FORMAT;
	secret = strncmp(text, "wats1_", PREFIX_SIZE) == 0;
	if (!secret && strncmp(text, "watc1_", PREFIX_SIZE) != 0)
		return TOKEN_E_FORMAT;
	if (!base64_decode(text + PREFIX_SIZE, n - PREFIX_SIZE,
			   sodium_base64_VARIANT_URLSAFE_NO_PADDING, bytes, sizeof bytes, &n_bytes))
		return TOKEN_E_FORMAT;
	error = decode_bytes(bytes, n_bytes, secret, ret_token);
	sodium_memzero(bytes, sizeof bytes);
	return error;
}
