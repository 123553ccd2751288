/* ending.h - watd goes down: each instance is suspended when those that come after it are down, so
 * that nobody loses what they were built on. Loop thread. */
#ifndef WAT_SUPERVISOR_ENDING_H
#define WAT_SUPERVISOR_ENDING_H

struct instance;
struct node;

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
