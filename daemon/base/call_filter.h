/* call_filter.h - a list of the system calls that a process may still make, which the kernel holds
 * it to (seccomp). Everything that is not in the list fails with EPERM, and a call of another
 * architecture kills the process. Pure but for call_filter_enter. */
#ifndef WAT_BASE_CALL_FILTER_H
#define WAT_BASE_CALL_FILTER_H

#include <errno.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define CALL_FILTER_MAX 640u

struct call_filter {
	struct sock_filter rules[CALL_FILTER_MAX];
	unsigned short n;
	bool full; /* it did not fit */
};

/* One of a call's six arguments. The kernel reads an int from the low half of its register. */
enum argument_is {
	ARGUMENT_IS,      /* the low half is the value */
	ARGUMENT_IS_WIDE, /* all of it is */
	ARGUMENT_WITHOUT, /* the low half has none of these bits */
};
struct call_argument {
	unsigned number;
	enum argument_is is;
	uint64_t value;
};
/* No call has more conditions. */
#define CALL_ARGUMENTS_MAX 4u

void call_filter_init(struct call_filter *filter);
void call_filter_allow(struct call_filter *filter, const int *calls, size_t n);
/* If all of the arguments are so. The same call may be there several times: any of them will do. */
void call_filter_allow_when(struct call_filter *filter,
			    int call,
			    const struct call_argument *arguments,
			    size_t n);
/* Fails with this errno, whatever else the list says later. */
void call_filter_fail(struct call_filter *filter, int call, int error);

/* From here on, for this thread and those that it starts; every_thread: for all of the process. It
 * comes on top of what there is: a call has to pass all of them. The process can't have
 * no_new_privs unset. A negative errno. */
int call_filter_enter(struct call_filter *filter, bool every_thread) WAT_MUST_CHECK;

#endif
