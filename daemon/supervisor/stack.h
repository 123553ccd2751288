/* stack.h - what a host noted of a stack, as texts for people: functions of the plugin and of the
 * host program by name, where the file is still the one that was mapped; others by their place in
 * the file. The host may have written anything, so everything is copied and checked before it is
 * used. Loop thread. */
#ifndef WAT_SUPERVISOR_STACK_H
#define WAT_SUPERVISOR_STACK_H

#include <stddef.h>
#include <stdint.h>

#include <wat/envelope.pb-c.h>

struct host;
struct instance;

/* Of the fault that the thread of the instance ended its host by, which is still there. Without
 * memory, or with nothing noted, there are no frames. */
void stack_add_fault(Wat__Envelope__Cause *cause, const struct instance *instance);
/* Of a panic, as its host tells it. What is not of the plugin before the plugin is left out. */
void stack_add_panic(Wat__Envelope__Cause *cause,
		     const struct instance *instance,
		     const uint64_t *addresses,
		     size_t n);
/* The innermost frame of the plugin; "": there is none. Valid as long as the cause. */
const char *stack_innermost(const Wat__Envelope__Cause *cause, const struct instance *instance);
/* Gives the frames to a cause that has none; NULL: to nobody. */
void stack_move(Wat__Envelope__Cause *from, Wat__Envelope__Cause *to);
/* One line in the log. */
void stack_log(const Wat__Envelope__Cause *cause, const struct instance *instance);

#endif
