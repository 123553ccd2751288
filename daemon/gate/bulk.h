/* bulk.h - does a peer send one call at a time, or many at once? Who sends many waits for its own
 * ones most of the time, and need not be served before those who send few. Pure. */
#ifndef WAT_GATE_BULK_H
#define WAT_GATE_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BULK_FRAMES 8u           /* in one read, or */
#define BULK_BYTES (16u * 1024u) /* so much, is much */
#define BULK_MUCH 4 /* for each such read the score goes up, and for any other by 1 down */
#define BULK_SCORE_MAX 64

struct bulk {
	uint8_t score;
	bool is;
};

/* What one read brought. One who sent much a few times is none of those, and one who was for long
 * is not at once taken for another; nor by a little in between. */
static inline void bulk_weigh(struct bulk *bulk, size_t n_frames, size_t n_bytes)
{
	bool is_much = n_frames >= BULK_FRAMES || n_bytes >= BULK_BYTES;
	int score = bulk->score + (is_much ? BULK_MUCH : -1);

	if (score >= BULK_SCORE_MAX)
		bulk->is = true;
	else if (score <= 0)
		bulk->is = false;
	bulk->score = (uint8_t)(score > BULK_SCORE_MAX ? BULK_SCORE_MAX : score < 0 ? 0 : score);
}

#endif
