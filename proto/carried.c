/* carried.c - snapshots in messages and in descriptors. */
#include "proto/carried.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/check.h"
#include "proto/support/cleanup.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t r = write(fd, bytes, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		bytes += r;
		n -= (size_t)r;
	}
	return 0;
}

static int put_into_memory(const Wat__Host__Snapshot *snapshot, size_t n, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_(freep) uint8_t *bytes = malloc(n);
	int r;

	if (fd < 0)
		return -errno;
	if (!bytes)
		return -ENOMEM;
	(void)wat__host__snapshot__pack(snapshot, bytes);
	r = write_all(fd, bytes, n);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

int carried_put(Wat__Host__Snapshot *snapshot, Wat__Host__Carried *message, int *ret_fd)
{
	size_t n = wat__host__snapshot__get_packed_size(snapshot);

	*ret_fd = -1;
	if (n <= CARRIED_INLINE_MAX) {
		message->snapshot = snapshot;
		return 0;
	}
	message->in_descriptor = true;
	return n > CARRIED_MAX ? -EFBIG : put_into_memory(snapshot, n, ret_fd);
}

static int unpack(const uint8_t *bytes, size_t n, Wat__Host__Snapshot **ret)
{
	ProtobufCMessage *message;
	int r = check_unpack(&wat__host__snapshot__descriptor, NULL, bytes, n, &message, NULL);

	if (r == 0)
		*ret = (Wat__Host__Snapshot *)message;
	return r;
}

/* Sealed, it stays as it is: it can be mapped. */
static int open_memory(int fd, Wat__Host__Snapshot **ret)
{
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS), r;
	/* Not by fstat, which the sandbox of a host takes for stat. */
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	void *bytes;

	if (seals < 0 || (seals & SEALS) != SEALS || size <= 0 || size > (off_t)CARRIED_MAX)
		return -EBADMSG;
	bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	r = unpack(bytes, (size_t)size, ret);
	(void)munmap(bytes, (size_t)size);
	return r;
}

static int copy(const Wat__Host__Snapshot *from, Wat__Host__Snapshot **ret)
{
	size_t n = wat__host__snapshot__get_packed_size(from);
	_cleanup_(freep) uint8_t *bytes = malloc(n ? n : 1);

	if (!bytes)
		return -ENOMEM;
	(void)wat__host__snapshot__pack(from, bytes);
	return unpack(bytes, n, ret);
}

int carried_open(const Wat__Host__Carried *message, int fd, Wat__Host__Snapshot **ret)
{
	if (message && message->in_descriptor)
		return open_memory(fd, ret);
	return message && message->snapshot ? copy(message->snapshot, ret) : -EBADMSG;
}
