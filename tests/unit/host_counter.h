/* host_counter.h - what the tests with counter.so share. */
#ifndef WAT_TESTS_HOST_COUNTER_H
#define WAT_TESTS_HOST_COUNTER_H

#include "tests/unit/host_rig.h"

#include "counter.service.h"

#define COUNTER_PLUGIN WAT_BUILD_DIR "/plugins/counter.so"

enum counter_method { COUNTER_GET, COUNTER_INCREMENT, COUNTER_RESET };

/* A rig as the state of a test. */
int counter_set_up(void **state);
int counter_tear_down(void **state);
/* Instance i of counter.Counter; its Start runs. */
wat_status counter_begin(struct rig *rig, uint8_t instance, int64_t value, bool pool);
/* Of a packed state. */
int64_t counter_value_of(const uint8_t *bytes, size_t n);
/* Of the last frame. */
int64_t counter_reply_of(const struct peer *peer);
/* One call and its status. */
wat_status counter_add(struct peer *peer, int64_t n);
int64_t counter_read(struct peer *peer);
/* n increments by 1, queued. */
void counter_queue(struct peer *peer, size_t n);

#endif
