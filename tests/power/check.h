/* check.h - a watd that starts on a crash image, held against what was answered before. */
#ifndef WAT_TESTS_POWER_CHECK_H
#define WAT_TESTS_POWER_CHECK_H

#include "tests/power/image.h"
#include "tests/power/recording.h"

/* What is wrong fails the test; the caller has said which cut it is. */
void check_image(struct recording *recording, const struct image_cut *cut);
/* The same of a disk that lied. It may have lost anything, but nothing is torn, and what does not
 * start says why. How many calls were answered as durable, and are gone. */
uint64_t check_lying_image(struct recording *recording, const struct image_cut *cut);

#endif
