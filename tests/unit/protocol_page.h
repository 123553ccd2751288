/* protocol_page.h - the blocks of bytes in PROTOCOL.md and docs/journal.md, as a test reads them. A
 * block is fenced by ```wat NAME; its lines are `name = value # comment`, a value is hex with
 * spaces or a text in quotes, and a line that begins with a space continues the one before. */
#ifndef WAT_TESTS_PROTOCOL_PAGE_H
#define WAT_TESTS_PROTOCOL_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_VALUE_MAX 2048u

struct page_value {
	uint8_t bytes[PAGE_VALUE_MAX]; /* a text has a NUL behind it */
	size_t n;
};

/* The whole page, by its path in the source, on the heap; fails the test if it can't be read. */
char *page_read(const char *name);
/* The value of that name in that block; name NULL: all its values, one after the other. Fails the
 * test if there is none. */
struct page_value page_value(const char *page, const char *block, const char *name);
/* Fails the test if the value is not exactly these bytes. */
void page_expect(const char *page,
		 const char *block,
		 const char *name,
		 const void *bytes,
		 size_t n);

#endif
