/* options.h - our options on files, services and methods, and where things stand in the source. */
#ifndef WAT_GEN_OPTIONS_H
#define WAT_GEN_OPTIONS_H

#include "proto/gen/model.h"
#include <wat/options.pb-c.h>

/* Of our extension on the options of files, services and methods. */
#define OPTION_NUMBER 50817

/* NULL: the element has none. A field that this generator does not know is refused: *ret_unknown is
 * true. */
Wat__FileOptions *options_of_file(const file_proto *file, bool *ret_unknown);
Wat__ServiceOptions *options_of_service(const service_proto *service, bool *ret_unknown);
Wat__MethodOptions *options_of_method(const method_proto *method, bool *ret_unknown);

/* "file:line:column", counted from 1; n numbers of path as in SourceCodeInfo. */
char *location_of(const file_proto *file, const int32_t *path, size_t n);
/* The comment above an element, else the one behind it; "" if there is none. */
const char *comment_of(const file_proto *file, const int32_t *path, size_t n);

#endif
