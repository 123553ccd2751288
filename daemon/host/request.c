/* request.c - a request's beginning and end. Any one thread. */
#include "daemon/host/request.h"

#include <stdlib.h>

#include "proto/failure.h"
#include "proto/support/cleanup.h"

void request_init(struct request *request,
		  enum request_kind kind,
		  const ProtobufCMessage *in,
		  int fd)
{
	*request = (struct request){.kind = kind, .in = in, .fd = fd};
	list_init(&request->out.link);
	list_init(&request->lives);
	list_init(&request->segments);
}

struct segment *segment_free(struct segment *segment)
{
	list_remove(&segment->link);
	(void)fd_close(segment->fd);
	free(segment);
	return NULL;
}

void request_deinit(struct request *request)
{
	request->fd = fd_close(request->fd);
	request->failure = failure_free(request->failure);
	if (request->snapshot)
		wat__host__snapshot__free_unpacked(TAKE(request->snapshot), NULL);
	list_for_each_safe (i, &request->segments)
		(void)segment_free(container_of(i, struct segment, link));
	list_for_each_safe (i, &request->lives) {
		list_remove(i);
		free(container_of(i, struct recovered_life, link));
	}
}
