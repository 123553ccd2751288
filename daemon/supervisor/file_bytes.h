/* file_bytes.h - a file, whole. Any thread. */
#ifndef WAT_SUPERVISOR_FILE_BYTES_H
#define WAT_SUPERVISOR_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* The bytes of a regular file of at most `max`, to be freed, a zero behind them. path is taken from
 * dir_fd, as openat does. -EFBIG: it has more; -ENXIO: it is no regular file; else -errno. */
int file_bytes_read(int dir_fd, const char *path, size_t max, uint8_t **ret, size_t *ret_n)
	WAT_MUST_CHECK;

/* Makes the file of these bytes, whole or not at all, by way of TEMPORARY in the same directory.
 * It is on the disk when this returns. */
int file_bytes_write(int dir_fd,
		     const char *name,
		     const char *temporary,
		     const void *bytes,
		     size_t n) WAT_MUST_CHECK;

#endif
