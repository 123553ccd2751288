/* power_log.c - the shared recording. Any process, any thread. */
#include "tests/power/power_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the kernel's own names: in a process under the layer the library's are the layer's. */
int power_log_map(const char *path, struct power_log **ret)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	void *memory;

	if (fd < 0)
		return -errno;
	memory = mmap(NULL, POWER_LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

int power_log_make(const char *path, uint64_t device, struct power_log **ret)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r;
	pthread_mutexattr_t shared;

	if (fd < 0)
		return -errno;
	r = ftruncate(fd, (off_t)POWER_LOG_SIZE) < 0 ? -errno : power_log_map(path, ret);
	(void)close(fd);
	if (r < 0)
		return r;
	(*ret)->device = device;
	(void)pthread_mutexattr_init(&shared);
	(void)pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutex_init(&(*ret)->lock, &shared);
	(void)pthread_mutexattr_destroy(&shared);
	return -r;
}

void power_log_unmap(struct power_log *log)
{
	(void)munmap(log, POWER_LOG_SIZE);
}

void power_log_lock(struct power_log *log)
{
	if (pthread_mutex_lock(&log->lock) != EOWNERDEAD)
		return;
	log->n_broken++;
	(void)pthread_mutex_consistent(&log->lock);
}

void power_log_unlock(struct power_log *log)
{
	(void)pthread_mutex_unlock(&log->lock);
}

void power_log_add(struct power_log *log,
		   const struct power_entry *entry,
		   const void *first,
		   size_t n_first,
		   const void *second,
		   size_t n_second)
{
	struct power_entry *at = (struct power_entry *)(void *)(log->entries + log->end);
	size_t n = n_first + n_second, size = (sizeof *entry + n + 7) & ~(size_t)7;

	if (size > POWER_LOG_SIZE - sizeof *log - log->end) {
		log->n_missed++;
		return;
	}
	memcpy(at, entry, sizeof *entry);
	at->size = (uint32_t)size;
	at->n = (uint32_t)n;
	if (n_first > 0)
		memcpy(at->bytes, first, n_first);
	if (n_second > 0)
		memcpy(at->bytes + n_first, second, n_second);
	log->end += size;
}

void power_log_mark(struct power_log *log, uint64_t what, uint64_t who, uint64_t number)
{
	power_log_lock(log);
	power_log_add(
		log,
		&(struct power_entry){.kind = POWER_MARK, .file = what, .other = who, .at = number},
		NULL, 0, NULL, 0);
	power_log_unlock(log);
}
