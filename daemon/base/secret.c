/* secret.c - memory for keys. Any thread. */
#include "daemon/base/secret.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int secret_alloc(size_t n, void **ret)
{
	/* sodium_malloc locks the pages (as far as RLIMIT_MEMLOCK goes), guards them, and leaves
	 * them out of core dumps. The secret ends at the end of its last page; all of its pages
	 * stay with this process. */
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *secret = sodium_malloc(n);
	uintptr_t first, last;

	if (!secret)
		return -ENOMEM;
	first = (uintptr_t)secret & ~(page - 1);
	last = ((uintptr_t)secret + n + page - 1) & ~(page - 1);
	if (madvise((void *)first, last - first, MADV_DONTFORK) < 0) {
		int r = -errno;

		sodium_free(secret);
		return r;
	}
	*ret = secret;
	return 0;
}

void *secret_free(void *secret)
{
	sodium_free(secret);
	return NULL;
}
