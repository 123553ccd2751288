/* host_disk.h - the journal of one instance in the test's hands, as watd holds it: its segments,
 * and the snapshot that is in the store. A host gets copies of the descriptors; the test may look
 * at the bytes, cut them and change them. */
#ifndef WAT_TESTS_HOST_DISK_H
#define WAT_TESTS_HOST_DISK_H

#include "tests/unit/host_rig.h"

#define DISK_SEGMENTS_MAX 16u

struct disk {
	int fds[DISK_SEGMENTS_MAX]; /* segment i + 1; -1: removed */
	unsigned n;
	const char *dir;               /* where new segments are; NULL: in memory */
	Wat__Host__Snapshot *snapshot; /* NULL: none is stored */
};

void disk_init(struct disk *disk);
void disk_deinit(struct disk *disk);
/* A new empty segment; its number. */
unsigned disk_add(struct disk *disk);

/* Starts the instance from the snapshot and the segments, with a fresh one. What it answers is not
 * stored. */
wat_status disk_start(struct disk *disk, struct rig *rig, const struct rig_start *start);
/* The same without a fresh one, for a state of before: start->replay and what belongs to it. */
wat_status disk_replay(struct disk *disk, struct rig *rig, const struct rig_start *start);
/* The instance goes on in a fresh segment. What it answers is not stored. */
wat_status disk_roll(struct disk *disk, struct rig *rig, uint8_t instance);
/* The rig's last answer is stored: it is the snapshot, and segments before the newest go. */
void disk_store(struct disk *disk, struct rig *rig);

size_t disk_size(const struct disk *disk, unsigned number);
void disk_cut(struct disk *disk, unsigned number, size_t size);
/* Changes one bit. */
void disk_flip(struct disk *disk, unsigned number, size_t at);

#endif
