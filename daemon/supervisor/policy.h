/* policy.h - what the configuration says of the restarts of an instance. Loop thread. */
#ifndef WAT_SUPERVISOR_POLICY_H
#define WAT_SUPERVISOR_POLICY_H

struct instance;
struct node;

/* From the [instance] of its name. Without one `when` stays as it is, and the rest is the default.
 */
void policy_take(struct instance *instance);
/* The same of all: the configuration is another. */
void policy_take_all(struct node *node);

#endif
