/* members.h - what protobuf-c calls the fields of a message in C, and what it gets wrong. */
#ifndef WAT_GEN_MEMBERS_H
#define WAT_GEN_MEMBERS_H

#include "proto/gen/model.h"

#define MEMBERS_PATH_MAX 66u

/* fooBar -> foobar, class -> class_. A heap string. */
char *member_name(const field_proto *field);

/* A field of the file's messages that would be no member of a C struct (a word that C or C++
 * reserves and protobuf-c does not mend, a macro, a member twice): the sentence, and its place as
 * in SourceCodeInfo. NULL: there is none. */
char *members_find_bad(const file_proto *file,
		       int32_t ret_path[static MEMBERS_PATH_MAX],
		       size_t *ret_n);

#endif
