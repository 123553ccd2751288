/* terminal.h - what can be shown where: width, colour, characters. Only a terminal has a width or a
 * colour; $NO_COLOR and TERM=dumb leave that out too. */
#ifndef WAT_WATCTL_TERMINAL_H
#define WAT_WATCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns of stdout: $COLUMNS, else what the terminal says, else 80. 0: it is no terminal, so
 * nothing is cut. */
size_t terminal_columns(void);
/* "…", or "..." where the locale has no such character. A constant. */
const char *terminal_ellipsis(void);

enum terminal_tone { TERMINAL_PLAIN, TERMINAL_GOOD, TERMINAL_BAD, TERMINAL_UNSURE, TERMINAL_TITLE };
/* From here on, until terminal_plain; nothing where there is no colour. */
void terminal_colour(FILE *out, enum terminal_tone tone);
void terminal_plain(FILE *out);

/* Columns that UTF-8 text takes; a byte that is none takes one. */
size_t terminal_width(const char *text);
/* Bytes of the longest beginning of text that fits into so many columns. */
size_t terminal_fit(const char *text, size_t columns);

#endif
