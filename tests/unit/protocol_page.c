/* protocol_page.c - the blocks of bytes in PROTOCOL.md and docs/journal.md. Any thread; owns
 * nothing. */
#include "tests/unit/protocol_page.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "tests/lib/cases.h"

#define PAGE_MAX (1024u * 1024u)

char *page_read(const char *name)
{
	char *text = malloc(PAGE_MAX), path[512];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", WAT_SOURCE_DIR, name);
	file = fopen(path, "re");
	if (!file || !text)
		fail_msg("%s can't be read", path);
	n = fread(text, 1, PAGE_MAX - 1, file);
	fclose(file);
	text[n] = '\0';
	return text;
}

/* Its first line. */
static const char *find_block(const char *page, const char *block)
{
	char fence[64];
	const char *at;

	(void)snprintf(fence, sizeof fence, "\n```wat %s\n", block);
	at = strstr(page, fence);
	if (!at)
		fail_msg("the page has no block \"%s\"", block);
	return at + strlen(fence);
}

static void append_text(struct page_value *value, const char *from, const char *end)
{
	size_t n = (size_t)(end - from);

	assert_true(value->n + n < sizeof value->bytes);
	memcpy(value->bytes + value->n, from, n);
	value->n += n;
	value->bytes[value->n] = '\0';
}

static void append_hex(struct page_value *value, const char *from, const char *end)
{
	size_t n;

	if (sodium_hex2bin(value->bytes + value->n, sizeof value->bytes - value->n, from,
			   (size_t)(end - from), " ", &n, NULL) != 0)
		fail_msg("no hex: %.*s", (int)(end - from), from);
	value->n += n;
}

static void append(struct page_value *value, const char *from, const char *end)
{
	const char *comment = memchr(from, '#', (size_t)(end - from));

	if (comment)
		end = comment;
	while (from < end && isspace((unsigned char)*from))
		from++;
	while (end > from && isspace((unsigned char)end[-1]))
		end--;
	if (*from == '"')
		append_text(value, from + 1, end - 1);
	else
		append_hex(value, from, end);
}

/* Where the value of a line begins. A line that begins with a space has no name. */
static const char *value_of(const char *line, const char *end)
{
	const char *equals = memchr(line, '=', (size_t)(end - line));

	if (*line == ' ')
		return line;
	if (!equals)
		fail_msg("no value: %.*s", (int)(end - line), line);
	return equals + 1;
}

static bool is_named(const char *line, const char *name)
{
	size_t n = strcspn(line, " ");

	return !name || (strlen(name) == n && memcmp(line, name, n) == 0);
}

struct page_value page_value(const char *page, const char *block, const char *name)
{
	struct page_value value = {.n = 0};
	const char *line = find_block(page, block), *end;
	bool wanted = false;

	for (; strncmp(line, "```", 3) != 0; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (*line != ' ')
			wanted = is_named(line, name);
		if (wanted)
			append(&value, value_of(line, end), end);
	}
	if (value.n == 0)
		fail_msg("block \"%s\" has no \"%s\"", block, name ? name : "value");
	return value;
}

void page_expect(const char *page, const char *block, const char *name, const void *bytes, size_t n)
{
	struct page_value value = page_value(page, block, name);

	if (value.n != n || memcmp(value.bytes, bytes, n) != 0)
		fail_msg("\"%s\" of block \"%s\" is not what the code makes", name ? name : "all",
			 block);
}
