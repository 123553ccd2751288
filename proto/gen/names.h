/* names.h - C names from names in a .proto. All results are heap strings. Pure. */
#ifndef WAT_GEN_NAMES_H
#define WAT_GEN_NAMES_H

#include <stdbool.h>

/* HTTPRequest -> http_request: a run of capitals is one word. Dots become underscores. */
char *name_snake(const char *name);
char *name_upper(const char *name);
/* protobuf-c's own: acme.kv.v1.HTTPRequest -> Acme__Kv__V1__HTTPRequest, acme__kv__v1__httprequest,
 * ACME__KV__V1__HTTPREQUEST. */
char *name_pbc_type(const char *full);
char *name_pbc_lower(const char *full);
char *name_pbc_upper(const char *full);
/* Last component of a package that is not v[0-9]+; NULL if there is none. */
char *name_prefix(const char *package);
/* dir/kv.proto -> dir/kv */
char *name_stem(const char *file);
/* Letters, digits and underscores, not beginning with a digit. */
bool name_is_word(const char *name);
/* Small letters, digits and underscores, beginning with a letter. */
bool name_is_prefix(const char *name);
/* Could it name a C struct? */
bool name_is_identifier(const char *name);
/* Is it an identifier that C reserves? */
bool name_is_keyword(const char *name);
/* Words with dots between them: acme.kv.v1. */
bool name_is_path(const char *name);

/* printf into a heap string; the program ends when memory is out. */
char *name_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
