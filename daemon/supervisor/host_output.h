/* host_output.h - what a host writes to its standard output and error: line by line into the log of
 * watd, and into what is kept of each instance. Loop thread; part of struct host. */
#ifndef WAT_SUPERVISOR_HOST_OUTPUT_H
#define WAT_SUPERVISOR_HOST_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/supervisor/output_log.h"
#include "proto/support/must_check.h"

struct event;
struct host;

#define HOST_LINE_MAX 1024u     /* bytes of a line; a longer one is as many lines as it takes */
#define HOST_OUTPUT_READ 16384u /* bytes at most of one read */

struct host_output {
	struct host *host;
	int fd;
	struct event *event;
	enum output_stream stream;
	char line[HOST_LINE_MAX];
	size_t n;
};

/* Takes *fd, the end of a pipe that does not block. -ENOMEM. */
int host_output_init(struct host_output *output,
		     struct host *host,
		     int *fd,
		     enum output_stream stream) WAT_MUST_CHECK;
void host_output_deinit(struct host_output *output);
/* One read. False at the end of the output, or when there is nothing now. */
bool host_output_read(struct host_output *output);
/* Everything that was written before the process ended. */
void host_output_drain(struct host_output *output);

#endif
