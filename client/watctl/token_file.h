/* token_file.h - files that hold one token: 0600, written whole or not at all. */
#ifndef WAT_WATCTL_TOKEN_FILE_H
#define WAT_WATCTL_TOKEN_FILE_H

#include "proto/support/must_check.h"

/* A place for a token that is yet to be made, so that none is made that can't be kept: the file
 * beside the final one exists and is open. */
struct token_file;

/* The directory must exist. Negative errno. */
int token_file_reserve(const char *path, struct token_file **ret) WAT_MUST_CHECK;
/* Writes the text and a newline, syncs, and takes the place of what was at the path. Once. */
int token_file_commit(struct token_file *file, const char *text) WAT_MUST_CHECK;
/* Leaves what was at the path if it was not committed. Returns NULL; takes NULL. */
struct token_file *token_file_free(struct token_file *file);

/* The first word of the file; free with token_text_free (nothing else may come there: it wipes a
 * token's room). -ENOENT, ..., -EFBIG when the file is larger than a token. */
int token_file_read(const char *path, char **ret_text) WAT_MUST_CHECK;
/* Wipes it first. */
void token_text_free(char *text);

static inline void token_text_freep(char **text)
{
	token_text_free(*text);
}

static inline void token_file_freep(struct token_file **file)
{
	token_file_free(*file);
}

#endif
