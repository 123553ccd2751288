/* service_requests.h - what the control thread asks of an instance. Instance's thread. */
#ifndef WAT_HOST_SERVICE_REQUESTS_H
#define WAT_HOST_SERVICE_REQUESTS_H

struct request;
struct service_loop;

/* Does it and sends the answer. */
void service_loop_serve(struct service_loop *loop, struct request *request);

#endif
