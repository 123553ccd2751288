/* backup.h - a backup: first a checkpoint of everything that runs, then a copy of the database,
 * which waits to be read by whoever asked for it. One at a time. Loop thread; the node owns it. */
#ifndef WAT_SUPERVISOR_BACKUP_H
#define WAT_SUPERVISOR_BACKUP_H

#include <stdint.h>

struct backup;
struct operation;

/* Begins one; the operation is concluded or failed by it. */
void backup_begin(struct operation *operation);
/* Up to n bytes from the offset on: how many, or a negative errno. -ENOENT: there is no such backup
 * any more. *ret_size: of all. */
int64_t backup_read(struct backup *backup,
		    const uint8_t id[static 16],
		    uint64_t offset,
		    uint8_t *to,
		    uint64_t n,
		    uint64_t *ret_size);
/* When nothing of the store's is called any more. NULL is allowed; returns NULL. */
struct backup *backup_free(struct backup *backup);
/* What one that a watd of before was making left behind; at start. */
void backup_sweep(const char *state_dir);

#endif
