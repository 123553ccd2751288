/* base64.h - libsodium's base64, strict. Pure. */
#ifndef WAT_PROTO_BASE64_H
#define WAT_PROTO_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* Decodes all of the n characters, in one of libsodium's variants (sodium_base64_VARIANT_...), into
 * at most size bytes. False: it is no such text, or more than that; ret_bytes is then undefined. */
bool base64_decode(const char *text,
		   size_t n,
		   int variant,
		   uint8_t *ret_bytes,
		   size_t size,
		   size_t *ret_n) WAT_MUST_CHECK;

#endif
