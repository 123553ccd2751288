/* connection.h - how watctl reaches watd. What is opened here is closed by watctl_deinit. */
#ifndef WAT_WATCTL_CONNECTION_H
#define WAT_WATCTL_CONNECTION_H

#include <protobuf-c/protobuf-c.h>

#include "client/watctl/watctl.h"

/* Sets ctl->connection: to watd.sock for commands that act with a token, to admin.sock beside it
 * (and then ctl->node too) for those that act with the node capability. Once. */
int connection_open(struct watctl *ctl) WAT_MUST_CHECK;

/* A method of the node, by its name in wat/node.proto, with messages of its types; opens the
 * connection. instance: for the message when it fails, or NULL. *ret_reply: free with
 * protobuf_c_message_free_unpacked. */
int connection_node_call(struct watctl *ctl,
			 const char *method,
			 const char *instance,
			 const ProtobufCMessage *request,
			 ProtobufCMessage **ret_reply) WAT_MUST_CHECK;

/* What a call's result is to the user: an exit code; said. */
int connection_said(struct watctl *ctl, const char *what, const char *instance, int r)
	WAT_MUST_CHECK;

/* The same on a connection that is open, without a word: 0, a status or a negative errno, as libwat
 * has them; -EBADMSG when the answer can't be read. */
int connection_node_try(struct watctl *ctl,
			const char *method,
			const ProtobufCMessage *request,
			ProtobufCMessage **ret_reply) WAT_MUST_CHECK;

static inline void protobuf_c_messagep(void *p)
{
	if (*(ProtobufCMessage **)p)
		protobuf_c_message_free_unpacked(*(ProtobufCMessage **)p, NULL);
}

#endif
