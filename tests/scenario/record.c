/* record.c - the memory of a recording. */
#include "tests/scenario/record.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

static size_t size_of(uint32_t n_calls)
{
	return sizeof(struct record) + (size_t)RECORD_CLIENTS * n_calls * sizeof(struct linear_op);
}

int record_map(int fd, struct record **ret)
{
	struct stat st;
	void *memory;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size < sizeof(struct record))
		return -EINVAL;
	memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

static int make_barrier(struct record *record)
{
	pthread_barrierattr_t shared;
	int r = pthread_barrierattr_init(&shared);

	if (r == 0)
		r = pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	if (r == 0)
		r = pthread_barrier_init(&record->begin, &shared, RECORD_CLIENTS);
	(void)pthread_barrierattr_destroy(&shared);
	return -r;
}

int record_new(uint32_t n_calls, struct record **ret, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = memfd_create("record", MFD_CLOEXEC);
	struct record *record;
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)size_of(n_calls)) < 0)
		return -errno;
	r = record_map(fd, &record);
	if (r < 0)
		return r;
	record->n_calls = n_calls;
	r = make_barrier(record);
	if (r < 0) {
		(void)munmap(record, size_of(n_calls));
		return r;
	}
	*ret = record;
	*ret_fd = fd_take(&fd);
	return 0;
}

void record_free(struct record *record)
{
	(void)pthread_barrier_destroy(&record->begin);
	(void)munmap(record, size_of(record->n_calls));
}

struct linear_op *record_ops(struct record *record, uint32_t c)
{
	return record->ops + (size_t)c * record->n_calls;
}

struct linear_client record_history(struct record *record, uint32_t c)
{
	struct linear_op *ops = record_ops(record, c);
	uint32_t n = record->clients[c].n_made;

	for (uint32_t i = 0; i < n; i++)
		if (ops[i].responded == 0)
			ops[i].responded = LINEAR_PENDING;
	return (struct linear_client){ops, n};
}
