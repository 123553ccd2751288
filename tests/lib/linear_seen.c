/* linear_seen.c - a set of digests. Two configurations with one digest of 128 bits are taken for
 * the same; none such are known. */
#include "tests/lib/linear_seen.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#define SIZE_FIRST 1024u

static struct linear_digest digest_of(const uint32_t *position,
				      size_t n_clients,
				      const void *state,
				      size_t state_size)
{
	crypto_generichash_state hash;
	struct linear_digest digest;

	(void)crypto_generichash_init(&hash, NULL, 0, sizeof digest);
	(void)crypto_generichash_update(&hash, (const uint8_t *)position,
					n_clients * sizeof *position);
	(void)crypto_generichash_update(&hash, state, state_size);
	(void)crypto_generichash_final(&hash, (uint8_t *)&digest, sizeof digest);
	/* All zero is an empty place. */
	digest.words[0] |= 1;
	return digest;
}

/* Where it is, or where it would be. */
static struct linear_digest *place_of(struct linear_digest *table,
				      size_t size,
				      const struct linear_digest *digest)
{
	size_t i = digest->words[1] & (size - 1);

	while (table[i].words[0] != 0 &&
	       (table[i].words[0] != digest->words[0] || table[i].words[1] != digest->words[1]))
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int grow(struct linear_seen *seen)
{
	size_t size = seen->size ? seen->size * 2 : SIZE_FIRST;
	struct linear_digest *table = calloc(size, sizeof *table);

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < seen->size; i++)
		if (seen->table[i].words[0] != 0)
			*place_of(table, size, &seen->table[i]) = seen->table[i];
	free(seen->table);
	seen->table = table;
	seen->size = size;
	return 0;
}

int linear_seen_add(struct linear_seen *seen,
		    const uint32_t *position,
		    size_t n_clients,
		    const void *state,
		    size_t state_size)
{
	struct linear_digest digest = digest_of(position, n_clients, state, state_size), *place;
	int r = seen->n * 2 >= seen->size ? grow(seen) : 0;

	if (r < 0)
		return r;
	place = place_of(seen->table, seen->size, &digest);
	if (place->words[0] != 0)
		return 0;
	*place = digest;
	seen->n++;
	return 1;
}

void linear_seen_deinit(struct linear_seen *seen)
{
	free(seen->table);
	*seen = (struct linear_seen){NULL, 0, 0};
}
