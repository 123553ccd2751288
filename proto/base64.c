/* base64.c - libsodium's base64, strict: bytes over 127, which it takes for the last two characters
 * of the alphabet, are refused. Runs on any thread. */
#include "proto/base64.h"

#include <sodium.h>

bool base64_decode(const char *text,
		   size_t n,
		   int variant,
		   uint8_t *ret_bytes,
		   size_t size,
		   size_t *ret_n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] > 127)
			return false;
	return sodium_base642bin(ret_bytes, size, text, n, NULL, ret_n, NULL, variant) == 0;
}
