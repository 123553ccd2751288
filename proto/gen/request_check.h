/* request_check.h - is a request one that protoc could have made? */
#ifndef WAT_GEN_REQUEST_CHECK_H
#define WAT_GEN_REQUEST_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <google/protobuf/compiler/plugin.pb-c.h>

/* A request out of bytes from anywhere; lives as long as the program. NULL: it is none, for the
 * reason in *ret_problem (a heap string). What protoc writes is read, but for text that is not
 * UTF-8. */
Google__Protobuf__Compiler__CodeGeneratorRequest *request_read(const uint8_t *bytes,
							       size_t n,
							       char **ret_problem);

/* What is missing, as a heap string; NULL: nothing. Everything that has a name has one afterwards,
 * no file comes twice, and none imports itself, directly or through others. */
char *request_check(const Google__Protobuf__Compiler__CodeGeneratorRequest *request);

#endif
