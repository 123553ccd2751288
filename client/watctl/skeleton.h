/* skeleton.h - the files that watctl new writes. Their texts are those of skeleton/, with @NAME@,
 * @UPPER@ and @SERVICE@ in place of the plugin's names. */
#ifndef WAT_WATCTL_SKELETON_H
#define WAT_WATCTL_SKELETON_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/must_check.h"

struct skeleton_file {
	const char *path; /* with the same marks */
	const char *text;
};
extern const struct skeleton_file skeleton_files[];
extern const size_t n_skeleton_files;

/* Words of a-z and 0-9 that begin with a letter, joined by _: a package, the beginning of C names
 * and a CMake target in one. *ret_why: a constant that says what is wrong. */
bool skeleton_name_ok(const char *name, const char **ret_why) WAT_MUST_CHECK;
/* The text with the names in place; free(). NULL when memory is out. */
char *skeleton_fill(const char *text, const char *name);

#endif
