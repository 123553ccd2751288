/* ending.h - watd goes down: each instance is suspended when those that come after it are down, so
 * that nobody loses what they were built on. Loop thread. */
#ifndef WAT_SUPERVISOR_ENDING_H
#define WAT_SUPERVISOR_ENDING_H

struct instance;
struct node;

/* watd has begun to go down: BINDs that wait for an instance, and operations that wait for their
 * turn, are told so. */
void ending_wake(struct node *node);
/* Sessions that wait for nothing but what somebody else might do some day are closed with GOAWAY:
 * they need not wait for the last instance. Called again when others have their answers. */
void ending_release(struct node *node);
/* Whoever may be suspended now is. Called again whenever one is down. */
void ending_run(struct node *node);
/* An instance's end has begun: if it takes long, the log says so now and then, and what it waits
 * for. Nothing else comes of it: whoever wants an end to that must kill its process. */
void ending_watch(struct node *node);
/* The timer of that. */
void ending_overdue(struct node *node);
/* One that is on its way, or can't be asked yet: what the end waits for; NULL: none. */
const struct instance *ending_waits_for(const struct node *node);

#endif
