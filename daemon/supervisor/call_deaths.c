/* call_deaths.c - notes of calls that died, and the pages that they come from, as files. Loop
 * thread. */
#include "daemon/supervisor/call_deaths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/instance_table.h"
#include "daemon/supervisor/lock.h"
#include "proto/attribution.h"
#include "proto/support/bytes.h"
#include "proto/support/cleanup.h"

/* "page." and 16 hexadecimal digits; a note has the 32 of its instance. */
#define NAME_SIZE 33u
#define PAGE_PREFIX "page."

/* A note: magic 8, page 8, slot 4, deaths 4, id 8, lane 16, judged 4, 0 4, sum 8. */
#define NOTE_SIZE 64u
#define SUM_AT (NOTE_SIZE - 8u)
static const char magic[8] = "WATCALL1";

int call_deaths_init(const char *runtime_dir, const uint8_t node_id[16], int *ret_dir)
{
	char path[PATH_MAX], id[33];
	int fd, r = make_directory(runtime_dir, 0755);

	(void)sodium_bin2hex(id, sizeof id, node_id, 16);
	if (r < 0)
		return r;
	if (snprintf(path, sizeof path, "%s/calls.%s", runtime_dir, id) >= (int)sizeof path)
		return -ENAMETOOLONG;
	r = make_directory(path, 0700);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_dir = fd;
	return 0;
}

static void name_of_page(uint64_t page, char ret[static NAME_SIZE])
{
	(void)snprintf(ret, NAME_SIZE, PAGE_PREFIX "%016" PRIx64, page);
}

static void name_of_note(const uint8_t instance_id[16], char ret[static NAME_SIZE])
{
	(void)sodium_bin2hex(ret, NAME_SIZE, instance_id, 16);
}

static int open_at(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static void drop(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		log_warning("a note of a call that died can't be removed", "name", name, "error",
			    strerror(errno));
}

/* Pages. */

int call_deaths_new_page(int dir, uint32_t n_slots, uint64_t *ret_page, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = -1;
	char name[NAME_SIZE];
	uint64_t page;
	int r;

	do {
		randombytes_buf(&page, sizeof page);
		name_of_page(page, name);
		fd = page == 0 ? -EEXIST : open_at(dir, name, O_RDWR | O_CREAT | O_EXCL);
	} while (fd == -EEXIST);
	if (fd < 0)
		return fd;
	/* A hole that finds no memory when the host writes to it would be the host's end. */
	r = posix_fallocate(fd, 0, (off_t)(n_slots * sizeof(struct attribution_slot)));
	if (r == 0)
		r = posix_fallocate(fd, offsetof(struct attribution, fault),
				    sizeof(struct attribution) -
					    offsetof(struct attribution, fault));
	if (r != 0) {
		drop(dir, name);
		return -r;
	}
	*ret_page = page;
	*ret_fd = fd_take(&fd);
	return 0;
}

void call_deaths_drop_page(int dir, uint64_t page)
{
	char name[NAME_SIZE];

	if (page == 0)
		return;
	name_of_page(page, name);
	drop(dir, name);
}

/* Mapping it would give whoever cuts the file a way to end watd. */
int call_deaths_read_page(int dir, uint64_t page, uint32_t slot, struct call_found *ret)
{
	_cleanup_(fd_closep) int fd = -1;
	struct attribution_slot bytes;
	char name[NAME_SIZE];
	ssize_t n;

	if (slot >= ATTRIBUTION_SLOTS)
		return -EBADMSG;
	name_of_page(page, name);
	fd = open_at(dir, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = pread(fd, &bytes, sizeof bytes, (off_t)(slot * sizeof bytes));
	if (n < 0)
		return -errno;
	if (n != (ssize_t)sizeof bytes)
		return -EBADMSG;
	ret->running = atomic_load(&bytes.method_plus_1);
	ret->faulted = atomic_load(&bytes.faulted) != 0;
	ret->id = atomic_load(&bytes.call_id);
	memcpy(ret->lane, bytes.lane, sizeof ret->lane);
	return 0;
}

/* Notes. */

/* Of these bytes as the instance's. */
static void sum_of(const uint8_t *bytes,
		   const uint8_t instance_id[16],
		   uint8_t ret[static crypto_shorthash_BYTES])
{
	(void)crypto_shorthash(ret, bytes, SUM_AT, instance_id);
}

int call_deaths_note(int dir, const uint8_t instance_id[16], const struct call_note *note)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t bytes[NOTE_SIZE] = {0};
	char name[NAME_SIZE];
	ssize_t n;

	memcpy(bytes, magic, 8);
	bytes_put64(bytes + 8, note->page);
	bytes_put32(bytes + 16, note->slot);
	bytes_put32(bytes + 20, note->deaths);
	bytes_put64(bytes + 24, note->id);
	memcpy(bytes + 32, note->lane, 16);
	bytes_put32(bytes + 48, note->judged);
	sum_of(bytes, instance_id, bytes + SUM_AT);
	name_of_note(instance_id, name);
	fd = open_at(dir, name, O_WRONLY | O_CREAT);
	if (fd < 0)
		return fd;
	n = pwrite(fd, bytes, sizeof bytes, 0);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof bytes ? 0 : -EIO;
}

int call_deaths_read(int dir, const uint8_t instance_id[16], struct call_note *ret)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t bytes[NOTE_SIZE + 1], sum[crypto_shorthash_BYTES];
	char name[NAME_SIZE];
	ssize_t n;

	name_of_note(instance_id, name);
	fd = open_at(dir, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = pread(fd, bytes, sizeof bytes, 0);
	if (n < 0)
		return -errno;
	if (n != NOTE_SIZE || memcmp(bytes, magic, 8) != 0)
		return -EBADMSG;
	sum_of(bytes, instance_id, sum);
	if (memcmp(bytes + SUM_AT, sum, sizeof sum) != 0)
		return -EBADMSG;
	*ret = (struct call_note){.page = bytes_get64(bytes + 8),
				  .slot = bytes_get32(bytes + 16),
				  .deaths = bytes_get32(bytes + 20),
				  .id = bytes_get64(bytes + 24),
				  .judged = bytes_get32(bytes + 48) != 0};
	memcpy(ret->lane, bytes + 32, sizeof ret->lane);
	return 0;
}

void call_deaths_forget(int dir, const uint8_t instance_id[16])
{
	char name[NAME_SIZE];

	name_of_note(instance_id, name);
	drop(dir, name);
}

/* What is left of before. */

struct wanted {
	const struct instance_table *instances;
	uint64_t *pages;
	size_t n;
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static int list_pages(int dir, struct wanted *wanted)
{
	wanted->pages = calloc(wanted->instances->n + 1, sizeof *wanted->pages);
	if (!wanted->pages)
		return -ENOMEM;
	list_for_each (i, &wanted->instances->all) {
		const struct instance *instance = container_of(i, struct instance, all);
		struct call_note note;

		if (wanted->n < wanted->instances->n &&
		    call_deaths_read(dir, instance->id, &note) == 0 && note.page != 0)
			wanted->pages[wanted->n++] = note.page;
	}
	qsort(wanted->pages, wanted->n, sizeof *wanted->pages, compare);
	return 0;
}

static bool is_wanted(const struct wanted *wanted, const char *name)
{
	const size_t n_prefix = strlen(PAGE_PREFIX);
	uint8_t id[16];
	uint64_t page;
	size_t n;

	if (strncmp(name, PAGE_PREFIX, n_prefix) == 0) {
		page = strtoull(name + n_prefix, NULL, 16);
		return bsearch(&page, wanted->pages, wanted->n, sizeof page, compare) != NULL;
	}
	return sodium_hex2bin(id, sizeof id, name, strlen(name), NULL, &n, NULL) == 0 && n == 16 &&
	       instance_table_by_id(wanted->instances, id) != NULL;
}

static void drop_unwanted(int dir, const struct wanted *wanted)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!entries) {
		(void)fd_close(copy);
		return;
	}
	while ((entry = readdir(entries)))
		if (entry->d_name[0] != '.' && !is_wanted(wanted, entry->d_name))
			drop(dir, entry->d_name);
	(void)closedir(entries);
}

void call_deaths_sweep(int dir, const struct instance_table *instances)
{
	struct wanted wanted = {.instances = instances};

	if (list_pages(dir, &wanted) == 0)
		drop_unwanted(dir, &wanted);
	free(wanted.pages);
}
