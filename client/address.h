/* address.h - where watd listens, and whether it is who it should be. */
#ifndef WAT_CLIENT_ADDRESS_H
#define WAT_CLIENT_ADDRESS_H

#include "proto/support/must_check.h"

/* Path of the socket: the argument, $WAT_SOCKET, the default. Heap; NULL: no memory. */
char *address_resolve(const char *address);
/* A connected, non-blocking socket whose peer may be trusted with a proof. Negative errno; -EPERM:
 * the peer is somebody else. */
int address_connect(const char *path) WAT_MUST_CHECK;

#endif
