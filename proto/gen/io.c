/* io.c - whole streams. */
#include "proto/gen/io.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Takes the bytes. */
static uint8_t *grow(uint8_t *bytes, size_t size)
{
	uint8_t *grown = realloc(bytes, size);

	if (!grown)
		free(bytes);
	return grown;
}

uint8_t *io_read_all(int fd, size_t *ret_n)
{
	size_t n = 0, size = 65536;
	uint8_t *bytes = malloc(size);
	ssize_t r;

	while (bytes && (r = read(fd, bytes + n, size - n)) != 0) {
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			free(bytes);
			return NULL;
		}
		n += (size_t)r;
		if (n == size)
			bytes = grow(bytes, size *= 2);
	}
	*ret_n = n;
	return bytes;
}

int io_write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t r = write(fd, bytes, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		bytes += r;
		n -= (size_t)r;
	}
	return 0;
}
