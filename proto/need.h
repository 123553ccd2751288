/* need.h - what a service needs of the machine beside its state and its clients, as one word each:
 * FILES_READ:/path, FILES_WRITE:/path or NET_OUT. Declared in a .proto, told by the plugin's
 * manifest, granted by the configuration. Pure. */
#ifndef WAT_PROTO_NEED_H
#define WAT_PROTO_NEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* Bytes of a word with its NUL, and of all of a service's with blanks between them. */
#define NEED_WORD_SIZE 272u
#define NEED_PATH_MAX 255u
#define NEEDS_TEXT_SIZE 2048u
#define NEEDS_MAX 16u

/* Numbers of wat.NeedKind. */
enum need_kind { NEED_FILES_READ = 1, NEED_FILES_WRITE = 2, NEED_NET_OUT = 3 };

struct need {
	enum need_kind kind;
	const char *path; /* "" of NET_OUT; points into what it was made from */
};

/* A path of an absolute file or directory, in its shortest form, without blanks; not "/". Or, of
 * NET_OUT, none. */
bool need_is_valid(uint32_t kind, const char *path) WAT_MUST_CHECK;
/* Of a valid one. */
void need_format(const struct need *need, char ret_word[static NEED_WORD_SIZE]);
/* False: it is none. */
bool need_parse(const char *word, struct need *ret) WAT_MUST_CHECK;
/* Who may write may read, and who may do so below a directory, also below one that is in it. */
bool need_covers(const struct need *allowed, const struct need *wanted);
/* Is the path that one, or below it? Both in their shortest form. */
bool need_is_within(const char *path, const char *directory);

#endif
