/* utf8.h - is a byte string text? Pure. */
#ifndef WAT_PROTO_UTF8_H
#define WAT_PROTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF) without U+0000, which
 * a C string would silently be cut at. */
bool utf8_is_text(const uint8_t *bytes, size_t n);
/* How many bytes at the front are such text. */
size_t utf8_prefix(const uint8_t *bytes, size_t n);

/* What is no such text in a string becomes '?', byte by byte: a reader would refuse the message
 * that holds it. */
void utf8_clean(char *text);

/* The largest length <= max that does not end inside a character of text. */
size_t utf8_cut(const char *text, size_t max);

#endif
