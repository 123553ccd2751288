/* confined.c - runs watd under a filter that is as strict as that of watd.service, or stricter: a
 * system call that is not in the list kills, where the service's manager lets it fail; only a
 * setpriority fails, which watd-gate does without. Takes watd's arguments. $CONFINED_CALLS is a
 * file with the numbers of the calls that are allowed, $CONFINED_WATD the program.
 *
 * Beside the list, as MemoryDenyWriteExecute, RestrictAddressFamilies and RestrictNamespaces do: no
 * memory that is written and executed, unix sockets only, no namespaces. Root becomes another uid,
 * which is root's outside still, for libraries make other calls when they are root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which audit architecture?"
#endif

#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define RULES_MAX 2048

struct program {
	struct sock_filter rules[RULES_MAX];
	unsigned short n;
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "confined: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void add(struct program *program, struct sock_filter rule)
{
	if (program->n == RULES_MAX)
		fail("too many rules");
	program->rules[program->n++] = rule;
}

static void load(struct program *program, size_t offset)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void end(struct program *program, unsigned action)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + 8u * (i)) /* its lower half */

/* Kills a call whose argument, masked, is (or, with `differs`, is not) the value. */
static void kill_if(struct program *program,
		    unsigned call,
		    unsigned argument,
		    unsigned mask,
		    unsigned value,
		    bool differs)
{
	load(program, offsetof(struct seccomp_data, nr));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4));
	load(program, ARGUMENT(argument));
	add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, differs ? 1 : 0,
						  differs ? 0 : 1));
	end(program, SECCOMP_RET_KILL_PROCESS);
}

/* Any of the bits. */
static void kill_bits(struct program *program, unsigned call, unsigned argument, unsigned bits)
{
	kill_if(program, call, argument, bits, 0, true);
}

static void add_list(struct program *program, const char *path)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	unsigned call, n = 0;

	if (!file)
		fail("no list of calls");
	load(program, offsetof(struct seccomp_data, nr));
	for (; fscanf(file, "%u", &call) == 1; n++) {
		add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
		end(program, SECCOMP_RET_ALLOW);
	}
	fclose(file);
	if (n < 100)
		fail("the list of calls is too short to be one");
	end(program, SECCOMP_RET_KILL_PROCESS);
}

static void build(struct program *program, const char *list)
{
	load(program, offsetof(struct seccomp_data, arch));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	end(program, SECCOMP_RET_KILL_PROCESS);
	/* Its flags are in memory, where no filter can see them: libc then takes clone. */
	load(program, offsetof(struct seccomp_data, nr));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
	end(program, SECCOMP_RET_ERRNO | ENOSYS);
	load(program, offsetof(struct seccomp_data, nr));
	add(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpriority, 0, 1));
	end(program, SECCOMP_RET_ERRNO | EPERM);
	kill_bits(program, SYS_clone, 0, NAMESPACES);
	kill_bits(program, SYS_unshare, 0, NAMESPACES);
	kill_if(program, SYS_setns, 0, 0, 0, false);
	kill_if(program, SYS_socket, 0, ~0u, AF_UNIX, true);
	kill_if(program, SYS_mmap, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC, false);
	kill_bits(program, SYS_mprotect, 2, PROT_EXEC);
	kill_bits(program, SYS_pkey_mprotect, 2, PROT_EXEC);
	add_list(program, list);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static void become_another(void)
{
	if (geteuid() != 0)
		return;
	if (unshare(CLONE_NEWUSER) < 0)
		fail("no user namespace");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "1000 0 1");
	write_file("/proc/self/gid_map", "1000 0 1");
	if (geteuid() != 1000)
		fail("another uid");
}

int main(int argc, char **argv)
{
	static struct program program;
	struct sock_fprog loaded;
	const char *watd = getenv("CONFINED_WATD");

	(void)argc;
	build(&program, getenv("CONFINED_CALLS"));
	become_another();
	loaded = (struct sock_fprog){.len = program.n, .filter = program.rules};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded) < 0)
		fail("the filter");
	if (watd)
		execv(watd, argv);
	fail("watd");
}
