/* terminal.c - what can be shown where. The environment is read once per question. */
#include "client/watctl/terminal.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define COLUMNS_DEFAULT 80u
#define COLUMNS_MAX 10000u

static size_t columns_told(void)
{
	const char *text = getenv("COLUMNS");
	char *end;
	unsigned long n = text ? strtoul(text, &end, 10) : 0;

	return n > 0 && n <= COLUMNS_MAX && !*end ? n : 0;
}

size_t terminal_columns(void)
{
	struct winsize size = {0};
	size_t told = columns_told();

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (told > 0)
		return told;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

const char *terminal_ellipsis(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\u2026" : "...";
}

static bool has_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

void terminal_colour(FILE *out, enum terminal_tone tone)
{
	static const char *const codes[] = {
		[TERMINAL_GOOD] = "\033[32m",
		[TERMINAL_BAD] = "\033[1;31m",
		[TERMINAL_UNSURE] = "\033[33m",
		[TERMINAL_TITLE] = "\033[1m",
	};

	if (tone != TERMINAL_PLAIN && has_colour(out))
		(void)fputs(codes[tone], out);
}

void terminal_plain(FILE *out)
{
	if (has_colour(out))
		(void)fputs("\033[0m", out);
}

/* The character at text: its bytes, and what it stands for. Whoever prints it has seen to control
 * characters. */
static size_t character(const unsigned char *text, wchar_t *ret)
{
	size_t n = *text < 0xc0 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? *text : *text & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			n = 1;
			code = *text;
			break;
		}
		code = code << 6 | (text[i] & 0x3fu);
	}
	*ret = (wchar_t)code;
	return n;
}

/* Without a locale that knows it, a character takes one column. */
static size_t width_of(wchar_t code)
{
	int n = wcwidth(code);

	return n < 0 ? 1 : (size_t)n;
}

size_t terminal_width(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t width = 0;
	wchar_t code;

	while (*at) {
		at += character(at, &code);
		width += width_of(code);
	}
	return width;
}

size_t terminal_fit(const char *text, size_t columns)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t width = 0;
	wchar_t code;

	while (*at) {
		size_t n = character(at, &code);

		width += width_of(code);
		if (width > columns)
			break;
		at += n;
	}
	return (size_t)(at - (const unsigned char *)text);
}
