/* image.h - what may lie on a disk whose power was cut at some entry of a recording: everything
 * that was made durable, and of what came after that some, none or all, in parts and in any order.
 *
 * A disk keeps whole sectors of 512 bytes. What a file or a directory was told after its last sync
 * is kept or lost independently of every other; a name is kept or lost as a whole. No filesystem of
 * today is as bad as that, but this is what is promised. Pure but for image_write. */
#ifndef WAT_TESTS_POWER_IMAGE_H
#define WAT_TESTS_POWER_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/power/power_log.h"

struct image;

/* Which of what was not made durable is there. */
enum image_mode {
	IMAGE_NOTHING,
	IMAGE_ALL,
	IMAGE_FIRST, /* of each file the first ones, the last of them in part */
	IMAGE_SOME,  /* any, any sectors of each */
	IMAGE_MIXED, /* each file another of the above */
	IMAGE_MODES
};

/* Where and how the power goes. */
struct image_cut {
	uint64_t end;       /* what comes from that entry on was never asked for */
	uint64_t lies_from; /* from that entry on the disk says of syncs what is not so; `end`:
			       never */
	enum image_mode mode;
	uint64_t seed;
};

/* Of the tree whose root is inode `root`. NULL: no memory. */
struct image *image_new(const struct power_log *log, uint64_t root, const struct image_cut *cut);
struct image *image_free(struct image *image);
/* Into an empty directory; -errno. */
int image_write(const struct image *image, const char *dir);
/* 0: the directory has just that. Else the first difference is in `why`. */
int image_compare(const struct image *image, const char *dir, char *why, size_t size);

#endif
