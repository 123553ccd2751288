/* denied.h - calls that a channel's capability does not allow, told to watd for its audit: the
 * first of a second at once, the others of that second as one. Instance's thread. */
#ifndef WAT_HOST_DENIED_H
#define WAT_HOST_DENIED_H

#include <stdbool.h>
#include <stdint.h>
#include <wat/host.pb-c.h>

struct channel;
struct service_loop;

struct denied {
	uint64_t invocation; /* of the BIND, and its peer */
	uint32_t uid, pid;
	char address[64];   /* as Attach gave it */
	bool told;          /* in this second */
	uint32_t n_held;    /* since */
	const char *method; /* of the last one; a constant of the plugin's */
};

void denied_init(struct denied *denied, const Wat__Host__AttachRequest *request);
void denied_add(struct channel *channel, const char *method);
/* The second is over, or the channel ends: tells what is held back. */
void denied_tell(struct channel *channel);
/* For all channels. */
void denied_end_second(struct service_loop *loop);

#endif
