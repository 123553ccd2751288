/* disk.c - one flag for all instances of the process. */
#include "daemon/host/disk.h"

#include <stdatomic.h>

static atomic_bool full;

bool disk_is_full(void)
{
	return atomic_load_explicit(&full, memory_order_relaxed);
}

void disk_set_full(bool now)
{
	atomic_store_explicit(&full, now, memory_order_relaxed);
}
