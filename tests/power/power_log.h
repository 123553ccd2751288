/* power_log.h - what watd and its hosts asked the disk to do, in the order in which it was done,
 * and what a test said meanwhile. Memory that the test and all processes under its layer share, so
 * that it outlives each of them.
 *
 * A call and its entry are one step under the lock. Who is killed with the lock in hand leaves a
 * recording that can't be trusted: a test takes the lock first, and keeps it until they are dead.
 */
#ifndef WAT_TESTS_POWER_LOG_H
#define WAT_TESTS_POWER_LOG_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define POWER_LOG_SIZE (UINT64_C(1) << 30) /* of a sparse file */

enum power_kind {
	POWER_CREATE = 1, /* name in directory `file` is `other` */
	POWER_MKDIR,      /* the same, a directory */
	POWER_LINK,       /* the same, of a file that is there */
	POWER_UNLINK,     /* name in directory `file` goes */
	POWER_RENAME,     /* name in directory `file` becomes the second name in `other` */
	POWER_WRITE,      /* the bytes at `at` of `file` */
	POWER_TRUNCATE,   /* `file` has `at` bytes */
	POWER_EXTEND,     /* `file` has at least `at` bytes */
	POWER_SYNC,       /* `file` is durable as of entry `at`, which is where it began; `other`
			   * is 1 if the thread of a host did that which writes to it */
	POWER_MARK,       /* the test's: `file`, `other`, `at` and the bytes as it likes */
};

/* Of 8 bytes each, one after another. */
struct power_entry {
	uint32_t size; /* of all of it */
	uint32_t kind;
	uint64_t file, other; /* inode numbers */
	uint64_t at;
	uint32_t n;
	uint32_t padding;
	uint8_t bytes[]; /* n of them: data, or names each with its NUL */
};

/* What goes wrong at the next calls that match, as the test sets it; read with the lock held. */
enum power_call { POWER_CALL_WRITE = 1, POWER_CALL_SYNC = 2, POWER_CALL_TRUNCATE = 4 };

struct power_fault {
	uint32_t calls;   /* enum power_call, or-ed; 0: nothing goes wrong */
	uint32_t in_host; /* 1: of hosts; 0: of watd */
	int32_t error;    /* errno; 0: the call does half of what it was asked to */
	uint32_t after;   /* so many go well first */
	uint32_t times;   /* then so many go wrong */
	uint32_t n_done;  /* that went wrong */
};

struct power_log {
	pthread_mutex_t lock;
	uint64_t device;   /* of the files that count */
	uint64_t end;      /* of the entries, in bytes from `entries` */
	uint32_t n_broken; /* somebody died with the lock */
	uint32_t n_missed; /* entries that had no room */
	struct power_fault fault;
	uint8_t entries[];
};

/* -errno. The file is made; free with power_log_unmap. */
int power_log_make(const char *path, uint64_t device, struct power_log **ret);
int power_log_map(const char *path, struct power_log **ret);
void power_log_unmap(struct power_log *log);

void power_log_lock(struct power_log *log);
void power_log_unlock(struct power_log *log);
/* With the lock. The bytes are those of the first, then of the second. Returns where the entry is;
 * its size is set here. */
void power_log_add(struct power_log *log,
		   const struct power_entry *entry,
		   const void *first,
		   size_t n_first,
		   const void *second,
		   size_t n_second);
/* Of the test's own, with the lock taken here. */
void power_log_mark(struct power_log *log, uint64_t what, uint64_t who, uint64_t number);

static inline const struct power_entry *power_log_at(const struct power_log *log, uint64_t at)
{
	return (const struct power_entry *)(const void *)(log->entries + at);
}

#endif
