/* keys_end.h - channels under a key that is good for nothing any more end. Loop thread. */
#ifndef WAT_SUPERVISOR_KEYS_END_H
#define WAT_SUPERVISOR_KEYS_END_H

#include <stdint.h>

struct node;
struct operation;

/* Those of every grant whose token the key has signed. Their peers are told to bind again, which is
 * refused; who was renewed with another key since goes on. operation (may be NULL) is concluded
 * when no call on such a channel can run any more. The key is out of the keyring before. */
void keys_end_channels(struct node *node, const uint8_t kid[8], struct operation *operation);

#endif
