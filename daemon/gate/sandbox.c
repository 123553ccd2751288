/* sandbox.c - what this process gives up: a list of what it may still ask of the kernel. */
#include "daemon/gate/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/call_filter.h"
#include "daemon/base/landlock.h"
#include "daemon/base/sanitized.h"
#include "proto/support/cleanup.h"

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
	_cleanup_(fd_closep) int rules = -1;
	int abi = landlock_abi();

	if (abi == 0)
		return 0;
	rules = landlock_rules(false, abi);
	return rules < 0 ? rules : landlock_enter(rules);
}

/* Sockets that are open, or are accepted; memory; time; waiting. */
static const int calls[] = {
	SYS_epoll_pwait,     SYS_epoll_ctl,   SYS_recvmsg,    SYS_sendmsg,      SYS_recvfrom,
	SYS_sendto,          SYS_accept4,     SYS_close,      SYS_setsockopt,   SYS_getsockopt,
	SYS_getsockname,     SYS_getpeername, SYS_shutdown,   SYS_read,         SYS_write,
	SYS_writev,          SYS_brk,         SYS_munmap,     SYS_mremap,       SYS_madvise,
	SYS_mlock,           SYS_munlock,     SYS_futex,      SYS_getrandom,    SYS_clock_gettime,
	SYS_gettimeofday,    SYS_getpid,      SYS_gettid,     SYS_rt_sigreturn, SYS_rt_sigprocmask,
	SYS_restart_syscall, SYS_exit,        SYS_exit_group, SYS_sched_yield,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

/* A pair of sockets can be made, for it is connected with nothing else. A call that is not here
 * fails, which the tests see. */
static int filter_calls(void)
{
	static const struct call_argument unix_socket = {0, ARGUMENT_IS, AF_UNIX},
					  duplicate = {1, ARGUMENT_IS, F_DUPFD_CLOEXEC},
					  not_executable = {2, ARGUMENT_WITHOUT, PROT_EXEC};
	struct call_filter filter;

	call_filter_init(&filter);
	call_filter_allow(&filter, calls, sizeof calls / sizeof *calls);
	call_filter_allow_when(&filter, SYS_socketpair, &unix_socket, 1);
	call_filter_allow_when(&filter, SYS_fcntl, &duplicate, 1);
	call_filter_allow_when(&filter, SYS_mmap, &not_executable, 1);
	call_filter_allow_when(&filter, SYS_mprotect, &not_executable, 1);
	return call_filter_enter(&filter, false);
}

int sandbox_enter(void)
{
	const struct rlimit none = {0};
	int r;

	/* The transport key is in this process. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (WAT_SANITIZED)
		return 1;
	r = lock_files();
	return r < 0 ? r : filter_calls();
}
