/* limits.h - sizes and counts that both ends keep to. */
#ifndef WAT_PROTO_LIMITS_H
#define WAT_PROTO_LIMITS_H

#define WAT_BODY_MAX (1024u * 1024u) /* bytes of a frame's body */
#define WAT_CONTROL_BODY_MAX \
	(WAT_BODY_MAX + 64u * 1024u) /* on a control connection: with a state */
#define WAT_BODY_MAX_UNBOUND 4096u   /* the same before the first BIND of a connection succeeded */
#define WAT_CALL_MEMORY_MAX (8u * 1024u * 1024u) /* arena of one call */
#define WAT_STATE_MAX (64u * 1024u)              /* packed state, unless the service says more */
#define WAT_STATE_MAX_MAX (1024u * 1024u)        /* what it may say at most */
#define WAT_DEPTH_MAX 64u                        /* nesting of messages */
#define WAT_SCHEMA_MAX (1024u * 1024u)           /* section .wat.schema */
#define WAT_NAME_MAX 63u           /* of an instance or a user: [a-z0-9][a-z0-9._-]{0,62} */
#define WAT_FAILURE_TEXT_MAX 1024u /* bytes of a failure's sentence */
#define WAT_LANE_REPLIES_MAX 256u  /* answers of a lane that the client has not confirmed */
#define WAT_SEGMENT_HEADER 40u     /* bytes of a journal's segment that has no record */
#define WAT_ID_SIZE 16u            /* node, instance and grant ids, lanes, request ids */
#define WAT_PROTOCOL_VERSION 1u
#define WAT_PLAIN_PREFACE "watplain" /* before the frames of a TCP connection without Noise */
#define WAT_SECURE_VERSION 1u        /* of the handshake and the records on TCP */

#endif
