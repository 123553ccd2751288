/* channel_write.h - what a channel answers goes out. Instance's thread. */
#ifndef WAT_HOST_CHANNEL_WRITE_H
#define WAT_HOST_CHANNEL_WRITE_H

#include <stdint.h>

struct channel;
struct service_loop;

/* What the calls did is in the journal first; then one write. What the socket does not take goes
 * when it does. */
void channel_flush(struct channel *channel);
/* The same, but the write may wait for the end of the loop's turn, so that the other channels that
 * can be read now are answered with it. n_calls: about so many are answered. */
void channel_flush_soon(struct channel *channel, uint64_t n_calls);
/* May the answers that wait go on waiting at that time (monotonic)? If not, they go out. */
void channels_write_late(struct service_loop *loop, uint64_t now_ns);
/* The end of the turn: they go out. */
void channels_write(struct service_loop *loop);

#endif
