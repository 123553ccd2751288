/* interface_hash.h - what an interface is known by: the hash of its service's full name and major
 * version, to which methods may be appended. Tokens and manifests have its first 8 bytes. Pure. */
#ifndef WAT_PROTO_INTERFACE_HASH_H
#define WAT_PROTO_INTERFACE_HASH_H

#include <stdint.h>

#define INTERFACE_HASH_SIZE 32u

void interface_hash(const char *service, uint32_t version, uint8_t ret[static INTERFACE_HASH_SIZE]);

#endif
