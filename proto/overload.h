/* overload.h - the limits that connections and BINDs meet, and what is said of them: to a peer, in
 * the log, in the audit. Constant data. */
#ifndef WAT_PROTO_OVERLOAD_H
#define WAT_PROTO_OVERLOAD_H

#include <stddef.h>
#include <stdint.h>

/* Name, number on the wire (PROTOCOL.md, "TCP"), key of the configuration, sentence. New ones come
 * at the end. */
#define OVERLOADS(O)                                                                              \
	O(CONNECTIONS, 1, "max-connections", "watd has as many connections as it may have")       \
	O(OF_UID, 2, "max-connections-of-uid", "this uid has as many connections as it may have") \
	O(GATE_CONNECTIONS, 3, "gate-connections",                                                \
	  "watd's gate has as many connections as it may have")                                   \
	O(OF_ADDRESS, 4, "gate-connections-of-address",                                           \
	  "this address has as many connections as it may have")                                  \
	O(HANDSHAKES, 5, "handshake-rate", "this uid or address begins connections too fast")     \
	O(STRANGERS, 6, "max-unauthenticated",                                                    \
	  "too many connections have bound nothing yet, and chance took this one")                \
	O(BINDS, 7, "bind-rate", "this uid or address sends BINDs too fast")                      \
	O(DESCRIPTORS, 8, "LimitNOFILE= of the service", "there are no descriptors left")         \
	O(MEMORY, 9, "max-buffered", "too much waits in the buffers of all connections")

enum overload {
	OVERLOAD_NONE = 0,
#define OVERLOAD_ENUM(name, number, key, sentence) OVERLOAD_##name = number,
	OVERLOADS(OVERLOAD_ENUM)
#undef OVERLOAD_ENUM
		OVERLOADS_END, /* above all of them */
};

#define OVERLOAD_TEXT_MAX 160u

/* "max-connections"; NULL: there is none of this number. */
const char *overload_key(unsigned number);
/* "watd has as many connections as it may have (max-connections)". */
const char *overload_text(unsigned number, char ret[static OVERLOAD_TEXT_MAX]);

#define OVERLOAD_GOAWAY_MAX 256u
/* A whole frame, GOAWAY with OVERLOADED and that sentence; returns its size. */
size_t overload_goaway(unsigned number, uint8_t ret[static OVERLOAD_GOAWAY_MAX]);
/* Sends it over a socket that nothing was sent on, as far as that takes it. */
void overload_refuse(int fd, unsigned number);

#endif
