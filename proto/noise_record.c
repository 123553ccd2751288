/* noise_record.c - transport messages in a stream of bytes. Pure. */
#include "proto/noise_record.h"

#include <assert.h>

#include "proto/support/bytes.h"

/* The nonce counts the records of the direction, on both sides. */
static void rekey_when_due(struct noise_cipher *cipher)
{
	if (cipher->nonce % NOISE_REKEY_RECORDS == 0)
		noise_rekey(cipher);
}

enum noise_error noise_record_seal(struct noise_cipher *cipher,
				   const void *plain,
				   size_t n,
				   uint8_t *ret)
{
	enum noise_error error;

	if (n == 0 || n > NOISE_RECORD_PLAIN_MAX)
		return NOISE_E_LENGTH;
	bytes_put16(ret, (uint16_t)(n + NOISE_TAG_SIZE));
	error = noise_seal(cipher, plain, n, ret + NOISE_RECORD_HEADER);
	if (error == NOISE_OK)
		rekey_when_due(cipher);
	return error;
}

enum noise_error noise_record_measure(const uint8_t *bytes, size_t n, size_t *ret_size)
{
	size_t size;

	*ret_size = 0;
	if (n < NOISE_RECORD_HEADER)
		return NOISE_OK;
	size = (size_t)bytes_get16(bytes) + NOISE_RECORD_HEADER;
	if (size <= NOISE_RECORD_OVERHEAD)
		return NOISE_E_LENGTH;
	if (size <= n)
		*ret_size = size;
	return NOISE_OK;
}

enum noise_error noise_record_open(struct noise_cipher *cipher,
				   const uint8_t *record,
				   size_t size,
				   uint8_t *ret)
{
	enum noise_error error;

	assert(size > NOISE_RECORD_OVERHEAD && size == bytes_get16(record) + NOISE_RECORD_HEADER);
	error = noise_open(cipher, record + NOISE_RECORD_HEADER, size - NOISE_RECORD_HEADER, ret);
	if (error == NOISE_OK)
		rekey_when_due(cipher);
	return error;
}
