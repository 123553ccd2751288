/* arena.c - bump allocation in chunks, reset as a whole. */
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK_MIN 4096u

/* protobuf-c sets all that it allocates. */
static void *allocator_alloc(void *data, size_t n)
{
	return arena_alloc_raw(data, n);
}

static void allocator_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer;
}

void arena_init(struct arena *arena, size_t cap)
{
	*arena = (struct arena){
		.cap = cap,
		.allocator = {allocator_alloc, allocator_free, arena},
	};
}

static void chunks_free(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void arena_deinit(struct arena *arena)
{
	chunks_free(arena->first);
	arena->first = arena->current = NULL;
	arena->used = 0;
}

void arena_reset(struct arena *arena)
{
	arena->used = 0;
	if (!arena->first)
		return;
	chunks_free(arena->first->next);
	arena->first->next = NULL;
	arena->first->used = 0;
	arena->current = arena->first;
}

static struct arena_chunk *chunk_add(struct arena *arena, size_t n)
{
	size_t size = arena->current ? arena->current->size * 2 : ARENA_CHUNK_MIN;
	struct arena_chunk *chunk;

	if (size > 256 * 1024)
		size = 256 * 1024;
	if (size < n)
		size = n;
	chunk = malloc(sizeof *chunk + size);
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->size = size;
	chunk->used = 0;
	if (arena->current)
		arena->current->next = chunk;
	else
		arena->first = chunk;
	arena->current = chunk;
	return chunk;
}

void *arena_alloc_slowly(struct arena *arena, size_t n)
{
	return chunk_add(arena, n) ? arena_alloc_raw(arena, n) : NULL;
}

char *arena_strdup(struct arena *arena, const char *string)
{
	size_t n = strlen(string) + 1;
	char *copy = arena_alloc_raw(arena, n);

	return copy ? memcpy(copy, string, n) : NULL;
}
