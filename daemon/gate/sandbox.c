/* sandbox.c - what this process gives up: a list of what it may still ask of the kernel. */
#include "daemon/gate/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the list of system calls is checked for x86-64 and aarch64 only"
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* All of Landlock's first version: every kernel that has it knows these. */
#define LANDLOCK_ALL_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

int sandbox_drop_root(void)
{
	const struct passwd *account;

	if (geteuid() != 0)
		return 0;
	account = getpwnam("watd-gate");
	if (!account)
		account = getpwnam("nobody");
	if (!account || account->pw_uid == 0)
		return -ENOENT;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(account->pw_gid, account->pw_gid, account->pw_gid) < 0 ||
	    setresuid(account->pw_uid, account->pw_uid, account->pw_uid) < 0)
		return -errno;
	/* A change of the uid has made an end of it. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

/* Nothing of any file system can be opened. A kernel without it has the list of calls. */
static int lock_files(void)
{
	struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ALL_FIRST};
	_cleanup_(fd_closep) int rules =
		(int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);

	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The low half; both architectures are little endian. */
#define LOAD_ARGUMENT(i) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[i]))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
/* If an argument has none of these bits. */
#define ALLOW_WITHOUT(call, i, bits)                                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 4), LOAD_ARGUMENT(i),             \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0), RETURN(SECCOMP_RET_ALLOW), \
		RETURN(SECCOMP_RET_ERRNO | EPERM)
/* If an argument has this value. */
#define ALLOW_IF(call, i, value)                                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 4), LOAD_ARGUMENT(i),             \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), RETURN(SECCOMP_RET_ALLOW), \
		RETURN(SECCOMP_RET_ERRNO | EPERM)

/* Sockets that are open, or are accepted; memory; time; waiting. A pair of sockets can be made, for
 * it is connected with nothing else. A call that is not here fails, which the tests see. */
static int filter_calls(void)
{
	static struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		ALLOW(epoll_pwait),
		ALLOW(epoll_ctl),
		ALLOW(recvmsg),
		ALLOW(sendmsg),
		ALLOW(recvfrom),
		ALLOW(sendto),
		ALLOW(accept4),
		ALLOW(close),
		ALLOW(setsockopt),
		ALLOW(getsockopt),
		ALLOW(getsockname),
		ALLOW(getpeername),
		ALLOW(shutdown),
		ALLOW(read),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(brk),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(madvise),
		ALLOW(mlock),
		ALLOW(munlock),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(clock_gettime),
		ALLOW(gettimeofday),
		ALLOW(getpid),
		ALLOW(gettid),
		ALLOW(rt_sigreturn),
		ALLOW(rt_sigprocmask),
		ALLOW(restart_syscall),
		ALLOW(exit),
		ALLOW(exit_group),
#ifdef SYS_epoll_wait
		ALLOW(epoll_wait),
#endif
		ALLOW_IF(socketpair, 0, AF_UNIX),
		ALLOW_IF(fcntl, 1, F_DUPFD_CLOEXEC),
		ALLOW_WITHOUT(mmap, 2, PROT_EXEC),
		ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

int sandbox_enter(void)
{
	const struct rlimit none = {0};
	int r;

	/* The transport key is in this process. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
#ifdef SANITIZED
	return 1;
#endif
	r = lock_files();
	return r < 0 ? r : filter_calls();
}
