/* gate.h - the process watd-gate, in front of clients that can't be handed a descriptor: TCP, and
 * gate.sock. watd starts it, again when it dies, and takes its word for who is connected there: the
 * sessions that it brings are bound to the handshakes that it says. Loop thread. The node owns it.
 */
#ifndef WAT_SUPERVISOR_GATE_H
#define WAT_SUPERVISOR_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/must_check.h"

struct activation;
struct gate;
struct node;
struct options;

/* Opens what the options say, takes the TCP sockets that were passed, and starts the process. *ret
 * is NULL if there is nothing of either. Negative errno; said in the log. */
int gate_new(struct node *node, struct activation *passed, struct gate **ret) WAT_MUST_CHECK;
/* Kills the process, if it runs. Returns NULL; takes NULL. */
struct gate *gate_free(struct gate *gate);

#define GATE_ADDRESS_MAX 384u
/* The address of its socket i for TCP, as clients use it; false: there are no more. NULL has none.
 */
bool gate_address(const struct gate *gate, size_t i, char ret[static GATE_ADDRESS_MAX]);
/* The path of its unix socket; "": there is none. */
const char *gate_socket(const struct gate *gate);

/* The options have other limits than before. NULL is allowed. */
void gate_tell_limits(struct gate *gate);
/* No more connections from now on. NULL is allowed. */
void gate_stop_accepting(struct gate *gate);
/* Ends the sessions behind it, then the process; node_check_progress is called when it has ended.
 * True: it has. NULL has. */
bool gate_end(struct gate *gate);

/* watd --print-address: prints the addresses that clients use, one a line. An exit code. */
int gate_print_addresses(const struct options *options);

#endif
