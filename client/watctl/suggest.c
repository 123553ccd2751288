/* suggest.c - the name that was probably meant: edit distance over letters of either case.
 * Pure. */
#include "client/watctl/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 64u

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both at most WORD_MAX long. Row i is for the first i letters of a; three of them are enough. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		const size_t *before = rows[(i + 1) % 3], *last = rows[(i + 2) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1,
				       last[j - 1] + !is_same(a[i - 1], b[j - 1]));
			/* Two that changed places are one mistake. */
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return rows[n_a % 3][n_b];
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
