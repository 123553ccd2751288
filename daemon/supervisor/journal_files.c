/* journal_files.c - segments as files. Loop thread. */
#include "daemon/supervisor/journal_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/log.h"
#include "proto/support/cleanup.h"

/* 32 hexadecimal digits of the incarnation, a dot, 16 of the number. */
#define NAME_SIZE 50

static void name_of(const uint8_t instance_id[16], uint64_t number, char ret[static NAME_SIZE])
{
	char id[33];

	(void)sodium_bin2hex(id, sizeof id, instance_id, 16);
	(void)snprintf(ret, NAME_SIZE, "%s.%016llx", id, (unsigned long long)number);
}

static bool parse(const char *name, uint8_t ret_id[16], uint64_t *ret_number)
{
	size_t n = 0;
	char *end;

	if (strlen(name) != NAME_SIZE - 1 || name[32] != '.' ||
	    strspn(name + 33, "0123456789abcdef") != 16)
		return false;
	if (sodium_hex2bin(ret_id, 16, name, 32, NULL, &n, NULL) != 0 || n != 16)
		return false;
	*ret_number = strtoull(name + 33, &end, 16);
	return *end == '\0';
}

int journal_files_init(const char *state_dir, int *ret_dir_fd)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s/journal", state_dir) >= (int)sizeof path)
		return -ENAMETOOLONG;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_dir_fd = fd;
	return 0;
}

static int for_each(
	int dir_fd,
	int (*visit)(void *arg, const char *name, const uint8_t id[16], uint64_t number),
	void *arg)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	const struct dirent *entry;
	DIR *dir;

	if (copy < 0)
		return -errno;
	dir = fdopendir(copy);
	if (!dir) {
		r = -errno;
		(void)close(copy);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		uint8_t id[16];
		uint64_t number;

		if (parse(entry->d_name, id, &number))
			r = visit(arg, entry->d_name, id, number);
	}
	(void)closedir(dir);
	return r;
}

struct listing {
	const uint8_t *id;
	uint64_t *numbers;
	size_t n;
};

static int add(void *arg, const char *name, const uint8_t id[16], uint64_t number)
{
	struct listing *listing = arg;
	uint64_t *numbers;

	(void)name;
	if (memcmp(id, listing->id, 16) != 0)
		return 0;
	numbers = reallocarray(listing->numbers, listing->n + 1, sizeof *numbers);
	if (!numbers)
		return -ENOMEM;
	numbers[listing->n++] = number;
	listing->numbers = numbers;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

int journal_files_list(int dir_fd,
		       const uint8_t instance_id[16],
		       uint64_t **ret_numbers,
		       size_t *ret_n)
{
	struct listing listing = {.id = instance_id};
	int r = for_each(dir_fd, add, &listing);

	if (r < 0) {
		free(listing.numbers);
		return r;
	}
	if (listing.n > 0)
		qsort(listing.numbers, listing.n, sizeof *listing.numbers, compare);
	*ret_numbers = listing.numbers;
	*ret_n = listing.n;
	return 0;
}

int journal_files_open(int dir_fd,
		       const uint8_t instance_id[16],
		       uint64_t number,
		       bool fresh,
		       int *ret_fd)
{
	_cleanup_(fd_closep) int fd = -1;
	char name[NAME_SIZE];

	name_of(instance_id, number, name);
	fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (fresh ? O_CREAT | O_EXCL : 0),
		    0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	/* The name has to be as durable as what will be in the file. */
	if (fresh && fsync(dir_fd) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

int journal_files_open_to_read(int dir_fd,
			       const uint8_t instance_id[16],
			       uint64_t number,
			       int *ret_fd)
{
	char name[NAME_SIZE];
	int fd;

	name_of(instance_id, number, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static void remove_file(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		log_warning("an old segment of a journal can't be removed", "file", name, "error",
			    strerror(errno));
}

void journal_files_remove_below(int dir_fd, const uint8_t instance_id[16], uint64_t number)
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	char name[NAME_SIZE];
	size_t n = 0;

	if (journal_files_list(dir_fd, instance_id, &numbers, &n) < 0)
		return;
	for (size_t i = 0; i < n && numbers[i] < number; i++) {
		name_of(instance_id, numbers[i], name);
		remove_file(dir_fd, name);
		CRASH_HERE(segment_dropped);
	}
}

static int move_aside(int dir_fd, const char *name)
{
	char to[NAME_SIZE + 24];

	if (mkdirat(dir_fd, "aside", 0700) < 0 && errno != EEXIST)
		return -errno;
	(void)snprintf(to, sizeof to, "aside/%s", name);
	/* One of the same name that is there already stays: numbers begin anew after a restore. */
	for (unsigned i = 1; renameat2(dir_fd, name, dir_fd, to, RENAME_NOREPLACE) < 0; i++) {
		if (errno != EEXIST || i == 0)
			return -errno;
		(void)snprintf(to, sizeof to, "aside/%s.%u", name, i);
	}
	return 0;
}

static bool set_aside(int dir_fd, const char *name)
{
	int r = move_aside(dir_fd, name);

	if (r < 0)
		log_error("a segment of a journal can't be set aside", "file", name, "error",
			  strerror(-r));
	return r == 0;
}

size_t journal_files_set_aside(int dir_fd, const uint8_t instance_id[16])
{
	_cleanup_(freep) uint64_t *numbers = NULL;
	char name[NAME_SIZE];
	size_t n = 0, done = 0;

	if (journal_files_list(dir_fd, instance_id, &numbers, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		name_of(instance_id, numbers[i], name);
		done += set_aside(dir_fd, name);
	}
	return done;
}

struct sweep {
	int dir_fd;
	enum journal_fate (*judge)(void *arg, const uint8_t instance_id[16]);
	void *arg;
};

static int sweep(void *arg, const char *name, const uint8_t id[16], uint64_t number)
{
	const struct sweep *s = arg;

	(void)number;
	switch (s->judge(s->arg, id)) {
	case JOURNAL_SET_ASIDE:
		(void)set_aside(s->dir_fd, name);
		return 0;
	case JOURNAL_REMOVE:
		remove_file(s->dir_fd, name);
		return 0;
	case JOURNAL_KEEP:
	default:
		return 0;
	}
}

void journal_files_sweep(int dir_fd,
			 enum journal_fate (*judge)(void *arg, const uint8_t instance_id[16]),
			 void *arg)
{
	struct sweep s = {dir_fd, judge, arg};
	int r = for_each(dir_fd, sweep, &s);

	if (r < 0)
		log_warning("old journals can't be looked for", "error", strerror(-r));
}
