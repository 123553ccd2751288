/* io.h - protoc's request in, its answer out. */
#ifndef WAT_GEN_IO_H
#define WAT_GEN_IO_H

#include <stddef.h>
#include <stdint.h>

/* To the end; on the heap. NULL: an error, or no memory. */
uint8_t *io_read_all(int fd, size_t *ret_n);
/* 0, or a negative errno. */
int io_write_all(int fd, const uint8_t *bytes, size_t n) __attribute__((warn_unused_result));

#endif
