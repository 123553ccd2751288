/* child.h - programs that the benchmark starts. They end with it, whatever ends it. */
#ifndef WAT_BENCH_CHILD_H
#define WAT_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts it; what it writes goes to the file log, or, if that is NULL, into a pipe whose end is in
 * *ret_out. */
pid_t child_start(char *const *arguments, const char *log, int *ret_out);
/* Waits until somebody listens at the unix socket; the process must not end before. */
void child_wait_socket(pid_t pid, const char *path);
/* Waits for its end: what it used, in seconds of CPU time. It must have succeeded. */
double child_wait(pid_t pid);
/* SIGTERM, and waits. */
void child_end(pid_t pid);

/* The same for a TCP port of 127.0.0.1. */
void child_wait_port(pid_t pid, unsigned port);

/* A connection to a unix socket, blocking. */
int socket_connect(const char *path);
/* To a TCP port of 127.0.0.1, without delay. */
int port_connect(unsigned port);
/* A TCP port of 127.0.0.1 that nobody listens at. */
unsigned port_free(void);
/* Is there such a program in $PATH? */
bool program_exists(const char *name);

#endif
