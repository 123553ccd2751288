/* status_line.h - a watd's instances in one line, for people who look at its service. Loop thread.
 */
#ifndef WAT_SUPERVISOR_STATUS_LINE_H
#define WAT_SUPERVISOR_STATUS_LINE_H

#include <stddef.h>

struct instance_table;

enum status_phase { STATUS_STARTING, STATUS_READY, STATUS_ENDING };

/* "7 instances ready, 1 stopped, 1 failed: c3": how many there are in each state, and the names of
 * those that somebody may want to look at. While watd ends: what it waits for. Cut at size. */
void status_line(const struct instance_table *table,
		 enum status_phase phase,
		 char *text,
		 size_t size);

#endif
