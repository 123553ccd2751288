/* session_bind.h - BIND: a token and a proof become a handle or a channel. Loop thread. */
#ifndef WAT_SUPERVISOR_SESSION_BIND_H
#define WAT_SUPERVISOR_SESSION_BIND_H

#include "daemon/supervisor/session.h"

/* Answers the BIND now or, if the instance is about to be back, when it is or the client's time is
 * over. */
void session_bind(struct session *session, const struct frame *frame, const uint8_t *body);
/* Forgets the BINDs that wait: the session ends. */
void session_bind_forget(struct session *session);

#endif
