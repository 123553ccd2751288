/* arena.h - memory of a call or a batch: bump allocation, reset as a whole. Not thread safe. */
#ifndef WAT_PROTO_ARENA_H
#define WAT_PROTO_ARENA_H

#include <stddef.h>
#include <string.h>
#include <protobuf-c/protobuf-c.h>

#define ARENA_ALIGN 16u

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

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
/* For arena_alloc_raw, where a new chunk may be needed. n: a multiple of ARENA_ALIGN. */
void *arena_alloc_slowly(struct arena *arena, size_t n);

/* Aligned to 16, and to be filled by the caller: nothing is said of what it holds. NULL when the
 * cap is reached or memory is out. Inline: most often the chunk at hand has the room. */
static inline void *arena_alloc_raw(struct arena *arena, size_t n)
{
	struct arena_chunk *chunk = arena->current;
	void *memory;

	if (n > arena->cap)
		return NULL;
	n = n ? (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1) : ARENA_ALIGN;
	if (n > arena->cap - arena->used)
		return NULL;
	if (!chunk || n > chunk->size - chunk->used)
		return arena_alloc_slowly(arena, n);
	memory = chunk->data + chunk->used;
	chunk->used += n;
	arena->used += n;
	return memory;
}

/* The same, zeroed. */
static inline void *arena_alloc(struct arena *arena, size_t n)
{
	void *memory = arena_alloc_raw(arena, n);

	return memory ? memset(memory, 0, n) : NULL;
}

char *arena_strdup(struct arena *arena, const char *string);

#endif
