/* raw.h - capabilities without their types: messages are bytes. For generated code, language
 * bindings and tools; programs use the typed functions of a NAME.client.h. Return values as in
 * wat.h. */
#ifndef WAT_RAW_H
#define WAT_RAW_H

#include <wat/interface.h>
#include <wat/wat.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wat_capability wat_capability; /* an Admin or a User */

enum wat_role { WAT_ROLE_ADMIN = 1, WAT_ROLE_USER = 2 };

/* Binds a capability by its token (text). interface_hash 0: any interface. ACCESS_DENIED when the
 * token is of another role or interface, before anything is sent. */
WAT_API_CHECK int wat_capability_open(wat *,
				      int role,
				      uint64_t interface_hash,
				      const char *token,
				      wat_capability **ret);
/* Ends the channel in order (its lane too), not the grant. Returns NULL; takes NULL. */
WAT_API wat_capability *wat_capability_free(wat_capability *);
/* Token with its seed if this handle has it; free with wat_memory_free. */
WAT_API_CHECK int wat_capability_token(const wat_capability *, char **ret_text);
/* Full name of the service, and the instance's name. Valid as long as the handle. */
WAT_API const char *wat_capability_service(const wat_capability *);
WAT_API const char *wat_capability_instance(const wat_capability *);
/* The FileDescriptorSet of the interface; free with wat_memory_free. */
WAT_API_CHECK int wat_capability_schema(wat_capability *, uint8_t **ret_bytes, size_t *ret_n);

/* One call of a User, blocking. flags: enum wat_method_flags of the method (READ_ONLY lets it be
 * sent again after a loss); deadline_ms: 0, or a limit of the method's own. Reply: free with
 * wat_memory_free. */
WAT_API_CHECK int wat_call_raw(wat_capability *,
			       uint16_t method,
			       uint32_t flags,
			       uint32_t deadline_ms,
			       const void *request,
			       size_t n,
			       uint8_t **ret_reply,
			       size_t *ret_n);
/* status as above; reply is valid during the callback only; failure is NULL when status is 0. Must
 * not free the capability. */
typedef void wat_raw_done(void *arg,
			  int status,
			  const uint8_t *reply,
			  size_t n,
			  const struct wat_failure *failure);
/* Queues a call and returns; done is called once, from inside libwat, whatever happens. On a
 * non-zero return it is not called. The call is written at once, or, from inside a callback,
 * together with those that the next callbacks send: when they have run, at most 128 of them, or one
 * waits inside libwat, or 16 KiB have come together. */
WAT_API_CHECK int wat_send_raw(wat_capability *,
			       uint16_t method,
			       uint32_t flags,
			       uint32_t deadline_ms,
			       const void *request,
			       size_t n,
			       wat_raw_done *done,
			       void *arg);

/* Admin. Token with seed, unless the grant named a holder_pk; free with wat_memory_free. */
WAT_API_CHECK int wat_provision_raw(wat_capability *admin,
				    const struct wat_grant *,
				    char **ret_token);
WAT_API_CHECK int wat_deprovision_raw(wat_capability *admin, const char *user);
/* Gives a User more time, under the same grant, methods, limits and key. not_after: Unix seconds,
 * 0: watd's default from now on; INVALID_ARGUMENT if that is not later. The token that comes has no
 * seed: wat_token_renewed completes it with the one its holder has, which goes on for its own time.
 * Free with wat_memory_free. */
WAT_API_CHECK int wat_renew_raw(wat_capability *admin,
				const char *user,
				uint64_t not_after,
				char **ret_token);
/* Lets an instance that is isolated, since the pool died of it or may have, back into the pool.
 * FAILED_PRECONDITION when it is not isolated. */
WAT_API_CHECK int wat_release_raw(wat_capability *admin);
/* What happened to an instance, as watctl events tells it. Strings are valid during the callback,
 * "" where there is nothing. Only grows. */
struct wat_event {
	uint32_t size;
	uint32_t count;   /* how many of the kind it stands for */
	uint64_t seq;     /* strictly increasing on the node, with holes */
	uint64_t time_ms; /* Unix time */
	uint64_t generation, invocation;
	const char *kind; /* "death", "restart", "stop", "grant", ... */
	const char *user, *detail, *address;
	int status; /* of what was refused or failed */
};
struct wat_watch {
	uint32_t size;
	/* 0: what happens once wat_watch_raw has returned; else what happened after this number. */
	uint64_t after_seq;
	/* Each event, in order. Other than 0: that was enough, and the watch ends. */
	int (*event)(void *arg, const struct wat_event *);
	/* Some between the numbers may have been missed: they are not kept any more. NULL: never
	 * mind. */
	void (*lost)(void *arg, uint64_t after_seq, uint64_t before_seq);
	/* Once, the last callback: CANCELLED after an event that was enough, after wat_cancel with
	 * `arg`, and when the Admin's handle is freed; else why nothing more can be heard. */
	void (*ended)(void *arg, int status, const struct wat_failure *);
	void *arg;
};
/* Tells what happens to the Admin's instance, by callbacks from inside libwat as those of *_send
 * are; it counts as one call in wat_outstanding. watd keeps nothing for it but an open call: who is
 * slow hears later, and one that was away goes on where it was. Waits for watd if after_seq is 0.
 * Since WAT_1. */
WAT_API_CHECK int wat_watch_raw(wat_capability *admin, const struct wat_watch *);
/* Flushes this wat's channels to the instance first, so that every call sent before is served.
 * *ret_state: packed final state. */
WAT_API_CHECK int wat_stop_raw(wat_capability *admin, uint8_t **ret_state, size_t *ret_n);
/* Users that were never deprovisioned, as the stop by this Admin found them: how many, with the
 * first 256 in *ret (NULL if there are none), which live as long as the Admin's handle. */
struct wat_user_left {
	const char *name;
	const uint8_t *grant_id; /* 16 bytes */
	uint32_t channels;       /* that it had open */
};
WAT_API size_t wat_users_left(const wat_capability *admin,
			      const struct wat_user_left **ret,
			      size_t *ret_n);

/* Node. ret_token: the Admin's token. */
WAT_API_CHECK int wat_spawn_raw(wat_node *,
				const char *service,
				const char *name,
				const struct wat_spawn *,
				const void *state,
				size_t n,
				char **ret_token);
/* start: *ret_token is NULL when a failed incarnation goes on. */
WAT_API_CHECK int wat_start_raw(wat_node *,
				const char *name,
				const struct wat_spawn *,
				char **ret_token);
/* An instance from a file that `watctl export` made. name NULL: as in the file; tier and durability
 * as in the file, unless given. */
WAT_API_CHECK int wat_import_raw(wat_node *,
				 const void *file,
				 size_t n,
				 const char *name,
				 const struct wat_spawn *,
				 char **ret_token);
enum wat_admin_flags { WAT_ADMIN_ONLY = 1 }; /* every other Admin of the instance ends */
/* One more Admin of an instance, however it began. flags: enum wat_admin_flags; ret_ended (NULL:
 * not wanted): how many others ended. RESOURCE_EXHAUSTED when it has as many as it may have. */
WAT_API_CHECK int wat_mint_admin_raw(wat_node *,
				     const char *name,
				     uint32_t flags,
				     char **ret_token,
				     uint32_t *ret_ended);
/* A User of an instance; the members live as long as the list. */
struct wat_user_info {
	uint32_t size; /* of this struct; the entries of a list are this far apart */
	uint32_t channels;
	const char *name;
	const uint8_t *grant_id;                /* 16 bytes */
	uint64_t methods;                       /* bit n: it may call method n */
	uint64_t created, not_after, last_used; /* Unix seconds; last_used 0: never */
	uint32_t rate, in_flight;               /* 0: no limit */
	uint32_t flags;                         /* enum wat_user_flags */
	uint32_t reserved;
};
enum wat_user_flags {
	WAT_USER_SESSION = 1, /* ends when its last channel goes */
	WAT_USER_SOON = 2     /* ends within a week, and was made for longer */
};
/* Who may call an instance, and with `methods` (a mask; 0: whatever it is) only who may call one of
 * those. *ret is one block of memory, freed with wat_memory_free, NULL if *ret_n is 0. */
WAT_API_CHECK int wat_users_raw(wat_node *,
				const char *name,
				uint64_t methods,
				struct wat_user_info **ret,
				size_t *ret_n);
/* Ends every capability of an instance, Admins' and Users': when it returns, no call of any of them
 * can run. ret_ended (NULL: not wanted): how many there were. */
WAT_API_CHECK int wat_revoke_all_raw(wat_node *, const char *name, uint32_t *ret_ended);
/* A method of the node's own interface (wat/node.proto) by number, bytes in and out. What is lost
 * with its connection is written again if it is done once all the same: reads, and what has a
 * request id. Others, Kill and whatever is newer than this library, end with DISCONNECTED "may have
 * run". */
WAT_API_CHECK int wat_node_call_raw(wat_node *,
				    uint16_t method,
				    const void *request,
				    size_t n,
				    uint8_t **ret_reply,
				    size_t *ret_n);

/* What the generated typed functions are made of: they pack the message, call the function above,
 * and unpack the answer. A capability that was made is returned even if it can't be bound at once
 * (a grant for another holder's key never can): its token is to be had, and calls try again. A
 * generated handle (counter_user *) is a wat_capability * under another name. */
WAT_API_CHECK int wat_stub_spawn(wat_node *,
				 const struct wat_interface *,
				 const char *name,
				 const struct wat_spawn *,
				 const ProtobufCMessage *state,
				 wat_capability **ret_admin);
WAT_API_CHECK int wat_stub_open(wat *,
				const struct wat_interface *,
				int role,
				const char *token,
				wat_capability **ret);
WAT_API_CHECK int wat_stub_provision(wat_capability *admin,
				     const struct wat_interface *,
				     const struct wat_grant *,
				     wat_capability **ret_user);
WAT_API_CHECK int wat_stub_call(wat_capability *user,
				const struct wat_interface *,
				uint16_t method,
				const ProtobufCMessage *in,
				ProtobufCMessage **ret_out);
typedef void wat_stub_done(void *arg,
			   int status,
			   const ProtobufCMessage *out,
			   const struct wat_failure *failure);
/* typed_done: the typed callback, with a generated signature (void *arg, int status, const OUT
 * *out, const struct wat_failure *), called through wat_stub_done's shape by `call_done`, which the
 * generated code supplies. */
typedef void wat_stub_invoke(void (*typed_done)(void),
			     void *arg,
			     int status,
			     const ProtobufCMessage *out,
			     const struct wat_failure *failure);
WAT_API_CHECK int wat_stub_send(wat_capability *user,
				const struct wat_interface *,
				uint16_t method,
				const ProtobufCMessage *in,
				wat_stub_invoke *invoke,
				void (*typed_done)(void),
				void *arg);
WAT_API_CHECK int wat_stub_stop(wat_capability *admin,
				const struct wat_interface *,
				ProtobufCMessage **ret_state);

#ifdef __cplusplus
}
#endif

#endif
