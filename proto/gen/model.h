/* model.h - what the generator knows of a .proto: names, methods, comments; everything checked. The
 * strings live as long as the program. */
#ifndef WAT_GEN_MODEL_H
#define WAT_GEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <google/protobuf/compiler/plugin.pb-c.h>
#include <google/protobuf/descriptor.pb-c.h>

#include "proto/need.h"

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;
typedef Google__Protobuf__MethodDescriptorProto method_proto;
typedef Google__Protobuf__FieldDescriptorProto field_proto;

struct type {
	const message_proto *proto;
	const file_proto *file;
	char *full;    /* acme.kv.v1.Item */
	char *c_name;  /* kv_item */
	char *pbc;     /* Acme__Kv__V1__Item */
	char *pbc_low; /* acme__kv__v1__item */
	char *pbc_up;  /* ACME__KV__V1__ITEM */
};

struct method {
	const char *name;
	char *snake;
	const struct type *in, *out;
	const char *comment; /* "" if none */
	uint32_t flags;      /* enum wat_method_flags */
	uint32_t deadline_ms;
};

/* The lifecycle handlers; a bit each in service->lifecycle. */
enum lifecycle {
	LIFECYCLE_START,
	LIFECYCLE_STOP,
	LIFECYCLE_PROVISION,
	LIFECYCLE_DEPROVISION,
	LIFECYCLE_DISCONNECT,
	LIFECYCLE_N
};

struct service {
	const service_proto *proto;
	char *full;
	char *c_name; /* kv_store, or kv */
	const struct type *state;
	const char *self;   /* name of the live form's struct; NULL: none */
	char *state_c_type; /* what handlers get: "kv_state", or "struct cache" */
	const char *comment;
	uint32_t version;
	uint32_t state_max; /* bytes */
	uint32_t durability;
	bool deterministic;
	uint64_t hash;
	unsigned lifecycle; /* bits */
	struct need needs[NEEDS_MAX];
	size_t n_needs;
	struct method *methods;
	size_t n_methods;
};

struct file {
	const file_proto *proto;
	char *prefix;
	char *stem;
	bool builtin;
	struct type *types; /* of all files of the import closure */
	size_t n_types;
	struct service *services;
	size_t n_services;
	const file_proto **closure; /* imports before importers, without google's descriptor.proto;
				       the file itself last */
	size_t n_closure;
};

/* Builds the model of one file. NULL: refused; *ret_error says file:line:column: error: what. */
struct file *model_new(const Google__Protobuf__Compiler__CodeGeneratorRequest *request,
		       const file_proto *proto,
		       bool builtin,
		       char **ret_error);

/* A scalar or a string: what a _with function takes. *ret_c_type is its C type. */
bool field_is_simple(const field_proto *field, const char **ret_c_type);
bool is_empty(const struct type *type);
/* At most 4 fields in and 1 out, all of them simple. */
bool method_has_with(const struct method *method);
/* "start", "provision", ... */
const char *lifecycle_name(enum lifecycle lifecycle);
/* The handler gets a user. */
bool lifecycle_of_user(enum lifecycle lifecycle);

#endif
