/* host_disk.c - the journal of one instance in the test's hands. Runs in the test's process. */
#include "tests/unit/host_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

void disk_init(struct disk *disk)
{
	*disk = (struct disk){0};
}

static void set_snapshot(struct disk *disk, Wat__Host__Snapshot *snapshot)
{
	if (disk->snapshot)
		wat__host__snapshot__free_unpacked(disk->snapshot, NULL);
	disk->snapshot = snapshot;
}

static void remove_below(struct disk *disk, unsigned number)
{
	for (unsigned i = 0; i + 1 < number; i++)
		disk->fds[i] = fd_close(disk->fds[i]);
}

void disk_deinit(struct disk *disk)
{
	remove_below(disk, disk->n + 1);
	set_snapshot(disk, NULL);
}

unsigned disk_add(struct disk *disk)
{
	int fd = disk->dir ? open(disk->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
			   : memfd_create("segment", MFD_CLOEXEC);

	assert_true(fd >= 0 && disk->n < DISK_SEGMENTS_MAX);
	disk->fds[disk->n++] = fd;
	return disk->n;
}

static int copy_of(const struct disk *disk, unsigned number)
{
	int fd = fcntl(disk->fds[number - 1], F_DUPFD_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static void send(struct disk *disk, struct rig *rig, uint8_t instance, unsigned number, bool fresh)
{
	assert_int_equal(rig_segment(rig, instance, number, fresh, copy_of(disk, number)), WAT_OK);
}

static wat_status start_from_all(struct disk *disk,
				 struct rig *rig,
				 const struct rig_start *start,
				 bool fresh)
{
	struct rig_start with = *start;

	for (unsigned number = 1; number <= disk->n; number++)
		if (disk->fds[number - 1] >= 0)
			send(disk, rig, start->instance, number, false);
	if (fresh)
		send(disk, rig, start->instance, disk_add(disk), true);
	if (disk->snapshot)
		with.from = disk->snapshot;
	return rig_start(rig, &with);
}

wat_status disk_start(struct disk *disk, struct rig *rig, const struct rig_start *start)
{
	return start_from_all(disk, rig, start, true);
}

wat_status disk_replay(struct disk *disk, struct rig *rig, const struct rig_start *start)
{
	return start_from_all(disk, rig, start, false);
}

wat_status disk_roll(struct disk *disk, struct rig *rig, uint8_t instance)
{
	unsigned number = disk_add(disk);

	return rig_segment(rig, instance, number, true, copy_of(disk, number));
}

void disk_store(struct disk *disk, struct rig *rig)
{
	assert_non_null(rig->snapshot);
	set_snapshot(disk, TAKE(rig->snapshot));
	remove_below(disk, disk->n);
}

size_t disk_size(const struct disk *disk, unsigned number)
{
	struct stat st;

	assert_int_equal(fstat(disk->fds[number - 1], &st), 0);
	return (size_t)st.st_size;
}

void disk_cut(struct disk *disk, unsigned number, size_t size)
{
	assert_int_equal(ftruncate(disk->fds[number - 1], (off_t)size), 0);
}

void disk_flip(struct disk *disk, unsigned number, size_t at)
{
	uint8_t byte;

	assert_int_equal(pread(disk->fds[number - 1], &byte, 1, (off_t)at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(disk->fds[number - 1], &byte, 1, (off_t)at), 1);
}
