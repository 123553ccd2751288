/* utf8.c - well-formed UTF-8, by the table of RFC 3629 section 4. Pure; any thread. */
#include "proto/utf8.h"

#include <string.h>

/* Bytes of the character that starts here; 0 if none does. */
static size_t character(const uint8_t *at, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return at[0] ? 1 : 0;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (length > n)
		return 0;
	/* Overlong forms, surrogates and what is above U+10FFFF show in the second byte. */
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Eight characters of ASCII at once: no high bit, and no byte that is zero. */
static bool is_ascii8(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return !((word | (word - 0x0101010101010101u)) & 0x8080808080808080u);
}

size_t utf8_prefix(const uint8_t *bytes, size_t n)
{
	size_t left = n;

	while (left > 0) {
		size_t length = left >= 8 && is_ascii8(bytes) ? 8 : character(bytes, left);

		if (length == 0)
			break;
		bytes += length;
		left -= length;
	}
	return n - left;
}

bool utf8_is_text(const uint8_t *bytes, size_t n)
{
	return utf8_prefix(bytes, n) == n;
}

void utf8_clean(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = character((const uint8_t *)text, left);

		if (n == 0) {
			*text = '?';
			n = 1;
		}
		text += n;
		left -= n;
	}
}

size_t utf8_cut(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}
