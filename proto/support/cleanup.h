/* cleanup.h - scope-bound ownership: _cleanup_(f) calls f(&variable) at the end of the scope,
 * TAKE() moves out of it. */
#ifndef WAT_SUPPORT_CLEANUP_H
#define WAT_SUPPORT_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* The pointer's value; the variable becomes NULL. */
#define TAKE(pointer)                                      \
	({                                                 \
		__typeof__(pointer) *take_p_ = &(pointer); \
		__typeof__(pointer) take_v_ = *take_p_;    \
		*take_p_ = NULL;                           \
		take_v_;                                   \
	})

/* Defines x_freep for use with _cleanup_, from a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, destructor)          \
	static inline void destructor##p(type *p) \
	{                                         \
		if (*p)                           \
			destructor(*p);           \
	}                                         \
	struct cleanup_semicolon_##destructor

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes, keeps errno, returns -1. A negative descriptor is none. */
static inline int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

static inline void fd_closep(int *fd)
{
	*fd = fd_close(*fd);
}

static inline int fd_take(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

static inline void file_closep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#endif
