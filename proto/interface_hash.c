/* interface_hash.c - BLAKE2b-256 of name, NUL and version. */
#include "proto/interface_hash.h"

#include <sodium.h>
#include <string.h>

#include "proto/support/bytes.h"

void interface_hash(const char *service, uint32_t version, uint8_t ret[static INTERFACE_HASH_SIZE])
{
	crypto_generichash_state state;
	uint8_t number[4];

	bytes_put32(number, version);
	(void)crypto_generichash_init(&state, NULL, 0, INTERFACE_HASH_SIZE);
	(void)crypto_generichash_update(&state, (const uint8_t *)service, strlen(service) + 1);
	(void)crypto_generichash_update(&state, number, sizeof number);
	(void)crypto_generichash_final(&state, ret, INTERFACE_HASH_SIZE);
}
