/* admission.h - who gets a control connection, and how fast BINDs may come: limits of all, of each
 * uid and address, and random early drop of those that have bound nothing. The admin socket is
 * exempt: who manages the node sees who is there, and ends them. Loop thread. The node has it. */
#ifndef WAT_SUPERVISOR_ADMISSION_H
#define WAT_SUPERVISOR_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/sources.h"
#include "proto/overload.h"
#include "proto/support/list.h"
#include "proto/support/must_check.h"

struct node;
struct origin;
struct session;

struct admission {
	struct sources sources;
	struct list strangers; /* sessions of the client socket that have bound nothing */
	size_t n_strangers;
	size_t buffered; /* bytes in the buffers of all sessions */
};

void admission_init(struct admission *admission);
/* After the last session. */
void admission_deinit(struct admission *admission);

/* A connection to the client socket: 0, and *ret is its source; else what is in its way, which is
 * noted. One of the strangers may have had to go for it. */
enum overload admission_begin(struct node *node,
			      int fd,
			      const struct origin *peer,
			      struct source **ret) WAT_MUST_CHECK;
/* The same of the admin socket, which nothing limits but descriptors. */
enum overload admission_of_admin(struct node *node, int fd, const struct origin *peer)
	WAT_MUST_CHECK;
/* The same of one that the gate has taken. */
enum overload admission_of_gate(struct node *node,
				int fd,
				const struct source_key *key,
				struct source **ret) WAT_MUST_CHECK;

/* The session is new and has bound nothing; or it has bound something, or ends. */
void admission_add_stranger(struct session *session);
void admission_remove_stranger(struct session *session);

/* May it send one more BIND now? */
bool admission_may_bind(struct session *session) WAT_MUST_CHECK;
/* After it has read or written. False: it holds too much of what all of them may. */
bool admission_account(struct session *session) WAT_MUST_CHECK;

#endif
