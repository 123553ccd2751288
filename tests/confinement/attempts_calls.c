/* attempts_calls.c - calls that nobody needs who serves calls, straight to the kernel. Their
 * arguments are such that they do no harm where they are let through. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/confinement/attempts.h"

/* Stand for what is known when it is tried. */
enum { WATD = -7001, KEY = -7002, TABLE = -7003, NOWHERE = -7004, ROOT = -7005 };

struct call {
	const char *name;
	long number, arguments[5];
};

#define CALL(name, ...)             \
	{                           \
#name, SYS_##name,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
#define CALL_AS(words, name, ...)   \
	{                           \
		words, SYS_##name,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

static const struct call calls[] = {
	/* Processes. */
	CALL(ptrace, PTRACE_SEIZE, WATD),
	CALL_AS("ptrace oneself", ptrace, PTRACE_TRACEME),
	CALL(process_vm_readv, WATD),
	CALL(process_vm_writev, WATD),
	CALL(process_madvise, -1),
	CALL(kill, WATD),
	CALL_AS("kill everybody", kill, -1),
	CALL_AS("kill the group", kill, 0),
	CALL(tkill, WATD),
	CALL(tgkill, WATD, WATD),
	CALL(rt_sigqueueinfo, WATD, 0),
	CALL(rt_tgsigqueueinfo, WATD, WATD),
	CALL(pidfd_open, WATD),
	CALL(pidfd_send_signal, -1),
	CALL(pidfd_getfd, -1),
	CALL(kcmp, WATD, WATD),
	CALL(execve, NOWHERE),
	CALL(execveat, AT_FDCWD, NOWHERE),
	CALL(clone3, 0, 0),
	CALL(unshare, 0),
	CALL(setns, -1),
	CALL(wait4, -1, 0, 1),
	CALL(setsid),
	CALL(setpgid, 0, 0),
	CALL(setpriority, 0, 0, 0),
	CALL(sched_setaffinity, WATD),
	CALL(sched_setscheduler, WATD),
	CALL(ioprio_set, 1, WATD),
	CALL(personality, 0x0400000),
	CALL_AS("prctl PR_SET_PDEATHSIG", prctl, PR_SET_PDEATHSIG, 0),
	CALL_AS("prctl PR_SET_DUMPABLE", prctl, PR_SET_DUMPABLE, 1),
	CALL_AS("prctl PR_SET_SECCOMP", prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0),
	CALL_AS("prctl PR_CAPBSET_DROP", prctl, PR_CAPBSET_DROP, 0),
	CALL_AS("prctl PR_SET_PTRACER", prctl, PR_SET_PTRACER, -1),
	/* Rights and limits. */
	CALL(setuid, 0),
	CALL(setgid, 0),
	CALL(setresuid, 0, 0, 0),
	CALL(setgroups, 0, 0),
	CALL(capset, 0, 0),
	CALL(setrlimit, RLIMIT_FSIZE, TABLE),
	CALL_AS("prlimit64 of itself", prlimit64, 0, RLIMIT_FSIZE, TABLE),
	CALL_AS("prlimit64 of watd", prlimit64, WATD, RLIMIT_FSIZE, 0, TABLE),
	CALL_AS("seccomp of its own", seccomp, SECCOMP_SET_MODE_FILTER, 0, 0),
	CALL_AS("seccomp strict", seccomp, SECCOMP_SET_MODE_STRICT, 0, 0),
	CALL(landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION),
	CALL(landlock_add_rule, -1),
	/* Files by name, of which the content does not matter. */
	CALL_AS("open to write", openat, AT_FDCWD, KEY, O_WRONLY | O_CLOEXEC),
	CALL_AS("open to cut", openat, AT_FDCWD, KEY, O_RDONLY | O_TRUNC | O_CLOEXEC),
	CALL_AS("open a path only", openat, AT_FDCWD, KEY, O_PATH | O_CLOEXEC),
	CALL_AS("open the root", openat, AT_FDCWD, ROOT, O_RDONLY | O_DIRECTORY),
	CALL(openat2, AT_FDCWD, KEY, TABLE, 24),
	CALL(open_by_handle_at, AT_FDCWD, TABLE, 0),
	CALL(name_to_handle_at, AT_FDCWD, KEY, TABLE, TABLE, 0),
	CALL(unlinkat, AT_FDCWD, KEY, 0),
	CALL(renameat2, AT_FDCWD, KEY, AT_FDCWD, NOWHERE, 0),
	CALL(linkat, AT_FDCWD, KEY, AT_FDCWD, NOWHERE, 0),
	CALL(symlinkat, KEY, AT_FDCWD, NOWHERE),
	CALL(mkdirat, AT_FDCWD, NOWHERE, 0700),
	CALL(mknodat, AT_FDCWD, NOWHERE, S_IFIFO | 0600),
	CALL(fchmodat, AT_FDCWD, KEY, 0644),
	CALL(fchownat, AT_FDCWD, KEY, 0, 0, 0),
	CALL(fchmod, 1, 0666),
	CALL(truncate, KEY, 0),
	CALL(utimensat, AT_FDCWD, KEY, 0, 0),
	CALL(setxattr, KEY, NOWHERE, KEY, 1, 0),
	CALL(getxattr, KEY, NOWHERE, 0, 0),
	CALL(readlinkat, AT_FDCWD, KEY, TABLE, 1),
	CALL(faccessat, AT_FDCWD, KEY, 0),
	CALL(statx, AT_FDCWD, KEY, 0, 0, TABLE),
	CALL(getdents64, 0, TABLE, 16),
	CALL(chdir, ROOT),
	CALL(fchdir, 0),
	CALL(chroot, ROOT),
	CALL(mount, 0, 0, 0, 0, 0),
	CALL(umount2, NOWHERE, 0),
	CALL(pivot_root, NOWHERE, NOWHERE),
	CALL(open_tree, AT_FDCWD, KEY, 0),
	CALL(move_mount, -1),
	CALL(fsopen, NOWHERE, 0),
	CALL(inotify_init1, 0),
	CALL(fanotify_init, 0, 0),
	CALL(quotactl, 0, 0, 0, 0),
	CALL(sendfile, 1, 0, 0, 0),
	CALL(splice, 0, 0, 1, 0, 0),
	CALL(copy_file_range, 0, 0, 1, 0, 0),
	/* Others. */
	CALL_AS("socket of unix", socket, AF_UNIX, SOCK_STREAM, 0),
	CALL_AS("socket of IPv4", socket, AF_INET, SOCK_STREAM, 0),
	CALL_AS("socket of IPv6", socket, AF_INET6, SOCK_DGRAM, 0),
	CALL_AS("socket of netlink", socket, AF_NETLINK, SOCK_RAW, 0),
	CALL_AS("socket of packets", socket, AF_PACKET, SOCK_RAW, 0),
	CALL_AS("socket of vsock", socket, AF_VSOCK, SOCK_STREAM, 0),
	CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, TABLE),
	CALL(connect, 3, TABLE, 16),
	CALL(bind, 3, TABLE, 16),
	CALL(listen, 3, 1),
	CALL(accept4, 3, 0, 0, 0),
	CALL(getsockopt, 3, SOL_SOCKET, SO_PEERCRED, TABLE, TABLE),
	CALL(setsockopt, 3, SOL_SOCKET, SO_SNDBUF, TABLE, 4),
	CALL(getpeername, 3, TABLE, TABLE),
	CALL(shmget, 0, 4096, 0600 | 01000),
	CALL(msgget, 0, 0600 | 01000),
	CALL(semget, 0, 1, 0600 | 01000),
	CALL(mq_open, NOWHERE, O_RDWR),
	/* Keyrings, and the kernel. */
	CALL(add_key, NOWHERE, NOWHERE, 0, 0, -3),
	CALL(request_key, NOWHERE, NOWHERE, 0, 0),
	CALL(keyctl, 0, -3, 0),
	CALL(bpf, 0, 0, 0),
	CALL(perf_event_open, 0, 0, -1, -1, 0),
	CALL(userfaultfd, 0),
	CALL(io_uring_setup, 1, 0),
	CALL(io_setup, 1, TABLE),
	CALL(init_module, 0, 0, 0),
	CALL(finit_module, -1, 0, 0),
	CALL(delete_module, NOWHERE, 0),
	CALL(kexec_load, 0, 0, 0, 0),
	CALL(reboot, 0, 0, 0, 0),
	CALL(syslog, 3, TABLE, 1),
	CALL(sethostname, 0, -1),
	CALL(clock_settime, 0, 0),
	CALL(settimeofday, 0, 0),
	CALL(adjtimex, 0),
	CALL(swapon, NOWHERE, 0),
	CALL(acct, NOWHERE),
	CALL(timer_create, 0, 0, 0),
	CALL(lookup_dcookie, 0, 0, 0),
	CALL(memfd_secret, 0),
	CALL(mlockall, 0),
	CALL(remap_file_pages, 0, 0, 0, 0, 0),
	CALL(pkey_mprotect, 0, 0, 0, -1),
	CALL(move_pages, WATD, 0, 0, 0, 0),
	CALL(migrate_pages, WATD, 0, 0, 0),
#ifdef SYS_fork
	CALL(vfork),
	CALL(open, KEY, O_RDONLY),
	CALL(creat, NOWHERE, 0600),
	CALL(rename, KEY, NOWHERE),
	CALL(unlink, KEY),
	CALL(chmod, KEY, 0644),
	CALL(stat, KEY, TABLE),
	CALL(access, KEY, 0),
	CALL(iopl, 0),
	CALL(ioperm, 0, 1, 0),
	CALL(modify_ldt, 0, 0, 0),
	CALL(arch_prctl, 0x1001, 0),
	CALL(uselib, NOWHERE),
	CALL(ustat, 0, 0),
	CALL(sysfs, 3),
#endif
};

void attempts_note(struct attempts *attempts, const char *name, int error)
{
	if (attempts->n < ATTEMPTS_MAX)
		attempts->all[attempts->n++] = (struct attempt){name, error};
}

int attempts_error(long r)
{
	return r == -1 ? errno : 0;
}

static long value_of(const struct targets *targets, long argument)
{
	static long table[64];

	switch (argument) {
	case WATD:
		return targets->watd;
	case KEY:
		return (long)targets->key;
	case TABLE:
		return (long)table;
	case NOWHERE:
		return (long)"/nowhere/at/all";
	case ROOT:
		return (long)"/";
	default:
		return argument;
	}
}

void attempts_calls(const struct targets *targets, struct attempts *attempts)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		long a[5], r;

		for (size_t j = 0; j < 5; j++)
			a[j] = value_of(targets, calls[i].arguments[j]);
		r = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]);
		/* A child that came to be is none of the test's. */
		if (r == 0 && getppid() != targets->watd)
			_exit(0);
		attempts_note(attempts, calls[i].name, attempts_error(r));
	}
}
