/* disk.h - whether the disk of the journals is full, as watd says it: of the whole process. Any
 * thread. */
#ifndef WAT_HOST_DISK_H
#define WAT_HOST_DISK_H

#include <stdbool.h>

#define DISK_EVENT_FULL 6 /* method of the EVENT to watd */

bool disk_is_full(void);
void disk_set_full(bool full);

#endif
