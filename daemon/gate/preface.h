/* preface.h - how a TCP connection begins: with a handshake, or, where that is allowed, without. */
#ifndef WAT_GATE_PREFACE_H
#define WAT_GATE_PREFACE_H

#include "daemon/gate/peer.h"
#include "proto/support/must_check.h"

/* Reads what begins the connection, and no more: 0, the transport is decided; -EAGAIN: more is to
 * come; -EPROTO: it begins as none does, or as it must not here; other negative errnos. */
int preface_read(struct peer *peer) WAT_MUST_CHECK;

#endif
