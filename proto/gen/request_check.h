/* request_check.h - is a request one that protoc could have made? */
#ifndef WAT_GEN_REQUEST_CHECK_H
#define WAT_GEN_REQUEST_CHECK_H

#include <google/protobuf/compiler/plugin.pb-c.h>

/* What is missing, as a heap string; NULL: nothing. Everything that has a name has one afterwards,
 * and no file imports itself, directly or through others. */
char *request_check(const Google__Protobuf__Compiler__CodeGeneratorRequest *request);

#endif
