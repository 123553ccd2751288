/* journal_files.h - the segments of the instances' journals, as files: state_dir/journal/, each
 * named after its incarnation and number. watd opens and locks them; what is in them it never
 * reads. Loop thread. */
#ifndef WAT_SUPERVISOR_JOURNAL_FILES_H
#define WAT_SUPERVISOR_JOURNAL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* Makes the directory. */
int journal_files_init(const char *state_dir, int *ret_dir_fd) WAT_MUST_CHECK;

/* Numbers of the incarnation's segments, rising, on the heap. */
int journal_files_list(int dir_fd,
		       const uint8_t instance_id[16],
		       uint64_t **ret_numbers,
		       size_t *ret_n) WAT_MUST_CHECK;
/* Opens a segment, a new one or one that is there, and takes its lock, which every copy of the
 * descriptor holds: -EWOULDBLOCK while a host of before still lives. */
int journal_files_open(int dir_fd,
		       const uint8_t instance_id[16],
		       uint64_t number,
		       bool fresh,
		       int *ret_fd) WAT_MUST_CHECK;
/* The same for reading it only, without the lock: whoever appends to it goes on. */
int journal_files_open_to_read(int dir_fd,
			       const uint8_t instance_id[16],
			       uint64_t number,
			       int *ret_fd) WAT_MUST_CHECK;
/* Removes those below the number. What can't be removed is logged, and tried again with the next.
 */
void journal_files_remove_below(int dir_fd, const uint8_t instance_id[16], uint64_t number);

/* Moves all of the incarnation into the directory's own `aside`, where nobody touches them. Returns
 * how many; a failure is logged. */
size_t journal_files_set_aside(int dir_fd, const uint8_t instance_id[16]);

enum journal_fate { JOURNAL_KEEP, JOURNAL_SET_ASIDE, JOURNAL_REMOVE };
/* Does with each file what `judge` says of its incarnation. */
void journal_files_sweep(int dir_fd,
			 enum journal_fate (*judge)(void *arg, const uint8_t instance_id[16]),
			 void *arg);

#endif
