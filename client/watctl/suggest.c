/* suggest.c - the name that was probably meant: Levenshtein distance over letters of either case.
 * Pure. */
#include "client/watctl/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 64u

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Both at most WORD_MAX long. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			int same = tolower((unsigned char)a[i - 1]) ==
				   tolower((unsigned char)b[j - 1]);
			size_t next = least(row[j] + 1, row[j - 1] + 1, diagonal + !same);

			diagonal = row[j];
			row[j] = next;
		}
	}
	return row[n_b];
}

const char *suggest(const char *word, const char *const *first, size_t n, size_t stride)
{
	size_t n_word = strlen(word), best = SIZE_MAX;
	const char *found = NULL;

	if (n_word > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const char *name =
			*(const char *const *)(const void *)((const char *)first + i * stride);
		size_t n_name = strlen(name), d;

		if (n_name > WORD_MAX)
			continue;
		d = distance(word, n_word, name, n_name);
		if (d < best && d <= n_name / 3) {
			best = d;
			found = name;
		}
	}
	return found;
}
