/* listener.h - a listening unix socket whose connections become sessions. Loop thread. */
#ifndef WAT_SUPERVISOR_LISTENER_H
#define WAT_SUPERVISOR_LISTENER_H

#include <stdbool.h>

#include "proto/support/must_check.h"

struct listener;
struct node;

/* Binds PATH with the mode; a socket that nobody listens on any more is replaced. -EADDRINUSE:
 * somebody does; -ENAMETOOLONG: more than 107 bytes. */
int listener_new(struct node *node,
		 const char *path,
		 unsigned mode,
		 bool admin,
		 struct listener **ret) WAT_MUST_CHECK;
/* A socket that listens already; the descriptor is consumed. Whoever bound it removes its path. */
int listener_adopt(struct node *node, int fd, bool admin, struct listener **ret) WAT_MUST_CHECK;
/* "" for a socket without a path. Valid as long as the listener. */
const char *listener_path(const struct listener *listener);
/* Accepts nothing any more: somebody else does, by a copy of the descriptor, which stays the
 * listener's. */
void listener_lend(struct listener *listener);
int listener_fd(const struct listener *listener);
/* Closes, and removes the path that it bound. */
struct listener *listener_free(struct listener *listener);

#endif
