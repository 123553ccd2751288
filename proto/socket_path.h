/* socket_path.h - where a client looks for watd when nobody says where it is. Any thread. */
#ifndef WAT_PROTO_SOCKET_PATH_H
#define WAT_PROTO_SOCKET_PATH_H

#include "proto/support/must_check.h"

/* For root, the system's watd. For others their own ($XDG_RUNTIME_DIR/watd/watd.sock, without it
 * /run/user/UID/watd/watd.sock), and where that is not there, the system's if it is. Heap; NULL: no
 * memory. */
char *socket_path_default(void) WAT_MUST_CHECK;

/* The same for another uid, another $XDG_RUNTIME_DIR (NULL: unset), another path of the system's.
 */
char *socket_path_choose(unsigned uid, const char *runtime_dir, const char *system) WAT_MUST_CHECK;

#endif
