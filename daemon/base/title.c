/* title.c - a title over the memory of the arguments, as the kernel shows that. */
#include "daemon/base/title.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char *room;
static size_t room_size; /* of the arguments, their NULs included */

void title_init(int argc, char **argv)
{
	if (argc < 1)
		return;
	room = argv[0];
	room_size = strlen(argv[0]) + 1;
	for (int i = 1; i < argc && argv[i] == room + room_size; i++)
		room_size += strlen(argv[i]) + 1;
}

void title_set(const char *format, ...)
{
	char text[TITLE_ROOM];
	va_list arguments;
	size_t n;

	if (room_size < 3)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	n = strlen(text) < room_size - 2 ? strlen(text) : room_size - 2;
	memcpy(room, text, n);
	memset(room + n, '\0', room_size - n);
	/* A last byte that is no NUL tells the kernel that this is a title: it shows it up to the
	 * first NUL, without the empty arguments behind it. */
	room[room_size - 1] = '.';
}
