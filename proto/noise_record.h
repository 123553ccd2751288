/* noise_record.h - transport messages in a stream of bytes: each after its length, with a new key
 * every so often. Pure. Format: PROTOCOL.md, "TCP". */
#ifndef WAT_PROTO_NOISE_RECORD_H
#define WAT_PROTO_NOISE_RECORD_H

#include "proto/noise.h"

#define NOISE_RECORD_HEADER 2u /* u16: bytes that follow */
#define NOISE_RECORD_OVERHEAD (NOISE_RECORD_HEADER + NOISE_TAG_SIZE)
#define NOISE_RECORD_PLAIN_MAX (NOISE_MESSAGE_MAX - NOISE_TAG_SIZE)
#define NOISE_REKEY_RECORDS 65536u /* records of one direction under one key */

/* A record of 1 to NOISE_RECORD_PLAIN_MAX bytes; ret takes NOISE_RECORD_OVERHEAD more. E_LENGTH,
 * E_EXHAUSTED. */
enum noise_error noise_record_seal(struct noise_cipher *cipher,
				   const void *plain,
				   size_t n,
				   uint8_t *ret) WAT_MUST_CHECK;

/* The record at the front of n bytes that arrived. *ret_size: how many of them it takes, 0 when it
 * is not whole yet. E_LENGTH: nobody seals a record of this length. */
enum noise_error noise_record_measure(const uint8_t *bytes, size_t n, size_t *ret_size)
	WAT_MUST_CHECK;

/* A whole record of the measured size; ret takes size - NOISE_RECORD_OVERHEAD bytes. E_TAG: it is
 * not the next one that the other side sealed; after that the connection is of no use. */
enum noise_error noise_record_open(struct noise_cipher *cipher,
				   const uint8_t *record,
				   size_t size,
				   uint8_t *ret) WAT_MUST_CHECK;

#endif
