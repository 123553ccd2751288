/* label.h - what ps and top call a host and its threads. */
#ifndef WAT_HOST_LABEL_H
#define WAT_HOST_LABEL_H

#include <wat/host.pb-c.h>

struct control;

/* Before an instance of its own is loaded: its plugin may be long about it. Main thread. */
void label_single(const Wat__Host__StartRequest *start);
/* The pool, by how many instances are in it now; leaves a single host as it is. Main thread. */
void label_pool(const struct control *control);
/* The calling thread is this instance's. */
void label_thread(const char *instance);

#endif
