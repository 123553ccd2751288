/* interface.h - what generated code and the loops that serve it share. Public: installed as
 * <wat/interface.h>. Everything here is constant data or a plain struct; nothing is linked against.
 */
#ifndef WAT_INTERFACE_H
#define WAT_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>
#include <wat/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum wat_method_flags {
	WAT_METHOD_READ_ONLY = 1u << 0,
	WAT_METHOD_LATER = 1u << 1,
	WAT_METHOD_INTERNAL = 1u << 2,
	WAT_METHOD_VALIDATES_FIRST = 1u << 3
};

enum wat_interface_flags {
	/* Its journal holds calls, which are run again after a death, in place of states. */
	WAT_INTERFACE_DETERMINISTIC = 1u << 0
};

/* Methods count from 0 in order of declaration; a capability's mask has one bit for each. */
#define WAT_METHODS_MAX 64

struct wat_method {
	const char *name; /* "Increment" */
	const ProtobufCMessageDescriptor *input;
	const ProtobufCMessageDescriptor *output;
	uint32_t flags;       /* enum wat_method_flags */
	uint32_t deadline_ms; /* 0: none */
};

struct wat_interface {
	uint32_t size; /* of this struct, for growth */
	uint32_t version;
	const char *name; /* full name, "counter.Counter" */
	uint64_t hash; /* first 8 bytes of BLAKE2b-256(name, NUL, version as u32 LE), little endian
			*/
	const ProtobufCMessageDescriptor *state;
	const struct wat_method *methods;
	uint32_t n_methods;
	uint32_t state_max; /* bytes of the packed state; 0: 65,536 */
	uint32_t flags;     /* enum wat_interface_flags; not there in older plugins, see size */
};

struct wat_call;

/* Who holds a grant. */
struct wat_user {
	uint8_t id[16]; /* of the grant; never given to another one */
	const char *name;
};

/* Where a handler runs, and for whom. Valid while the call is. */
struct wat_context {
	uint32_t size;        /* of this struct */
	const char *service;  /* full name */
	const char *instance; /* its name */
	const char *method;   /* "Increment"; "Start", "Provision", ... in lifecycle handlers */
	uint64_t invocation;  /* counts the handlers that this generation ran, from 1 */
	uint64_t start_ns;    /* Unix time when this one began */
	uint64_t connection;  /* number of the channel: rises and is never used again on a node;
				 0 in lifecycle handlers */
	const struct wat_user *user; /* whose call it is; NULL in Start and Stop */
};

/* What serves the calls. A table with a version and a size, so that an older plugin runs in a newer
 * host. */
#define WAT_CALL_API_VERSION 1u
struct wat_call_api {
	uint32_t version;
	uint32_t size;
	wat_status (*fail)(struct wat_call *, wat_status, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
	void *(*alloc)(struct wat_call *, size_t);
	char *(*copy_string)(struct wat_call *, const char *);
	wat_status (*reply)(struct wat_call *, const ProtobufCMessage *);
	wat_status (*take)(struct wat_call *);
	void (*panic)(struct wat_call *, const char *file, int line, const char *format, ...)
		__attribute__((noreturn, format(printf, 4, 5)));
	void (*log)(struct wat_call *, int level, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
	uint64_t (*now)(struct wat_call *); /* Unix time in nanoseconds */
	void (*random)(struct wat_call *, void *, size_t);
	const struct wat_context *(*context)(struct wat_call *);
};

/* First member of every generated call handle. */
struct wat_call {
	const struct wat_call_api *api;
	const struct wat_method *method; /* NULL in lifecycle handlers */
	uint64_t id;                     /* of the call in its lane */
};

/* A handler without its types. `out` is NULL for a method that answers later. */
typedef wat_status wat_handler(struct wat_call *,
			       void *state,
			       const ProtobufCMessage *in,
			       ProtobufCMessage *out);
/* START and STOP. */
typedef wat_status wat_lifecycle_handler(struct wat_call *, void *state);
/* PROVISION, DEPROVISION and DISCONNECT. */
typedef wat_status wat_user_handler(struct wat_call *, void *state, const struct wat_user *);

/* The live form of a state: handlers get it in place of the message. load and save return 0, the
 * status that wat_fail gave, or a negative errno. */
struct wat_self {
	int (*load)(struct wat_call *, const ProtobufCMessage *state, void **ret_self);
	int (*save)(struct wat_call *, const void *self, ProtobufCMessage *state);
	void (*free)(void *self);
};

struct wat_service {
	uint32_t size;
	const struct wat_interface *interface;
	wat_handler *const *handlers;    /* interface->n_methods of them */
	wat_lifecycle_handler *on_start; /* NULL: none */
	wat_lifecycle_handler *on_stop;
	wat_user_handler *on_provision;
	wat_user_handler *on_deprovision;
	wat_user_handler *on_disconnect;
	const struct wat_self *self; /* NULL: handlers get the message */
};

#ifdef __cplusplus
}
#endif

#endif
