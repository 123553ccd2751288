/* arena.h - memory of a call or a batch: bump allocation, reset as a whole. Not thread safe. */
#ifndef WAT_PROTO_ARENA_H
#define WAT_PROTO_ARENA_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *first, *current;
	size_t used;                  /* bytes handed out since the last reset */
	size_t cap;                   /* of used */
	ProtobufCAllocator allocator; /* the same memory for protobuf-c; its free does nothing */
};

/* Allocates nothing yet. The arena must not move afterwards: its allocator points to it. */
void arena_init(struct arena *arena, size_t cap);
void arena_deinit(struct arena *arena);
/* Gives everything back but the first chunk. */
void arena_reset(struct arena *arena);
/* Zeroed, aligned to 16; NULL when the cap is reached or memory is out. */
void *arena_alloc(struct arena *arena, size_t n);
char *arena_strdup(struct arena *arena, const char *string);

#endif
