/* leaks.h - what a process holds: descriptors and children. Main thread of a test. */
#ifndef WAT_TESTS_LEAKS_H
#define WAT_TESTS_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/support/cleanup.h"

struct leaks;

/* In a new process: it ends with its parent, and what its children leave behind becomes its own
 * children. */
bool leaks_hold_children(pid_t parent);
/* Free with leaks_free. The program ends when memory is out. */
struct leaks *leaks_note(void);
struct leaks *leaks_free(struct leaks *leaks);
/* Prints each descriptor and child that was not there before; returns how many. A host whose watd
 * was killed ends by itself: it is waited for. */
size_t leaks_compare(const struct leaks *before);
void leaks_print_files(const char *dir);

DEFINE_CLEANUP(struct leaks *, leaks_free);

#endif
