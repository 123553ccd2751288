/* machine.h - processes as the kernel counts them: their time, memory and cores. Reads /proc. */
#ifndef WAT_BENCH_MACHINE_H
#define WAT_BENCH_MACHINE_H

#include <sched.h>
#include <stddef.h>
#include <sys/types.h>

/* CPU time of the process and all below it that live, in seconds, user and system. */
double tree_cpu_s(pid_t root);
/* Puts all their threads on these cores; what they start later inherits it. */
void tree_pin(pid_t root, const cpu_set_t *cores);
/* The same for one process alone. */
void process_pin(pid_t pid, const cpu_set_t *cores);

struct memory {
	double rss; /* bytes; what several processes map counts in each */
	double pss; /* bytes, shared pages divided among those who map them; 0: may not be read */
};
struct memory tree_memory(pid_t root);
struct memory process_memory(pid_t pid);
/* Of the whole machine: what the kernel's own objects take, in bytes. */
double kernel_memory(void);

/* The cores that this process may use, and the last of them alone. Its number. */
int cores_here(cpu_set_t *ret_all, cpu_set_t *ret_last);
/* "AMD EPYC"; the first of them. */
void processor_name(char *ret_name, size_t size);

#endif
