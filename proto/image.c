/* image.c - an instance as a file. */
#include "proto/image.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

static const char magic[8] = {'W', 'A', 'T', 'I', 'M', 'G', '1', '\n'};

int image_pack(const Wat__Node__Image *image, uint8_t **ret, size_t *ret_n)
{
	size_t n = wat__node__image__get_packed_size(image);
	uint8_t *bytes = malloc(IMAGE_HEADER + n);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, magic, sizeof magic);
	(void)wat__node__image__pack(image, bytes + IMAGE_HEADER);
	(void)crypto_generichash(bytes + sizeof magic, 32, bytes + IMAGE_HEADER, n, NULL, 0);
	*ret = bytes;
	*ret_n = IMAGE_HEADER + n;
	return 0;
}

int image_open(const uint8_t *bytes, size_t n, Wat__Node__Image **ret)
{
	uint8_t digest[32];
	ProtobufCMessage *message;
	int r;

	if (n < IMAGE_HEADER || memcmp(bytes, magic, sizeof magic) != 0)
		return -ENODATA;
	(void)crypto_generichash(digest, sizeof digest, bytes + IMAGE_HEADER, n - IMAGE_HEADER,
				 NULL, 0);
	if (memcmp(digest, bytes + sizeof magic, sizeof digest) != 0)
		return -EBADMSG;
	r = check_unpack(&wat__node__image__descriptor, NULL, bytes + IMAGE_HEADER,
			 n - IMAGE_HEADER, &message, NULL);
	if (r == 0)
		*ret = (Wat__Node__Image *)message;
	return r;
}
