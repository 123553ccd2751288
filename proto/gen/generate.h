/* generate.h - from protoc's request to the generated files. Memory is given back by the end of the
 * program. */
#ifndef WAT_GEN_GENERATE_H
#define WAT_GEN_GENERATE_H

#include <google/protobuf/compiler/plugin.pb-c.h>

/* out is initialized by the caller; afterwards it has files, or an error. */
void generate_response(const Google__Protobuf__Compiler__CodeGeneratorRequest *in,
		       Google__Protobuf__Compiler__CodeGeneratorResponse *out);

#endif
