/* read_file.c - whole files, and stdin. */
#include "client/watctl/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/support/cleanup.h"

/* JSON of a body of 1 MiB can be several times as long; more than this can't be one. */
#define JSON_MAX (16u * 1024u * 1024u)

static int read_stream(FILE *stream, char **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	size_t used = 0, size = 0;

	while (!feof(stream)) {
		if (used == size) {
			char *grown;

			if (size >= JSON_MAX)
				return -EFBIG;
			size = size ? size * 2 : 4096;
			grown = realloc(text, size);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		used += fread(text + used, 1, size - used, stream);
		if (ferror(stream))
			return -EIO;
	}
	*ret = TAKE(text);
	*ret_n = used;
	return 0;
}

int read_file(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_(file_closep) FILE *file = fopen(path, "re");

	return file ? read_stream(file, ret, ret_n) : -errno;
}

int read_stdin(char **ret, size_t *ret_n)
{
	return read_stream(stdin, ret, ret_n);
}
