/* sandbox_calls.c - the lists. A call that the libraries of another system make in place of one
 * that is here fails with EPERM, which the tests see. */
#include "daemon/host/sandbox_calls.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* glibc's threads, to the bit: no process has these. */
#define CLONE_OF_THREAD                                                                     \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* Those of every call of a service come first. */
static const int always[] = {
	SYS_read,
	SYS_write,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_sendto,
	SYS_pwrite64,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_futex,
	SYS_clock_gettime,
	SYS_fdatasync,
	SYS_writev,
	SYS_close,
	SYS_shutdown,
	SYS_lseek,
	SYS_pread64,
	SYS_fstat,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_epoll_create1,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_eventfd2,
	SYS_pipe2,
	SYS_ppoll,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_memfd_create,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_getpid,
	SYS_gettid,
	SYS_getppid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_exit,
	SYS_exit_group,
	SYS_restart_syscall,
	SYS_gettimeofday,
	SYS_clock_nanosleep,
	SYS_getrandom,
	SYS_getrusage,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
};

static const int of_readers[] = {
	SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_readlinkat, SYS_faccessat, SYS_faccessat2,
#ifdef SYS_access
	SYS_access,
#endif
#ifdef SYS_readlink
	SYS_readlink,
#endif
};

static const int of_writers[] = {
	SYS_fsync,  SYS_flock, SYS_truncate, SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_renameat2,
#ifdef SYS_mkdir
	SYS_mkdir,
#endif
#ifdef SYS_rmdir
	SYS_rmdir,
#endif
#ifdef SYS_unlink
	SYS_unlink,
#endif
#ifdef SYS_rename
	SYS_rename,
#endif
};

/* Nobody is waited for: there is no bind, listen and accept. */
static const int of_clients[] = {
	SYS_connect,     SYS_getsockopt, SYS_setsockopt, SYS_getsockname,
	SYS_getpeername, SYS_sendmmsg,   SYS_recvmmsg,
};

#define READ_FLAGS \
	(O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | __O_LARGEFILE | O_NOATIME)
#define WRITE_FLAGS (READ_FLAGS | O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_SYNC)

/* fcntl is more than it seems: F_SETOWN, F_SETSIG and O_ASYNC together send signals to others. */
static void allow_fcntl(struct call_filter *filter, bool locks)
{
	static const int commands[] = {F_GETFD,         F_SETFD,     F_GETFL,
				       F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS};
	static const int of_locks[] = {F_GETLK,     F_SETLK,     F_SETLKW,
				       F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};
	static const struct call_argument flags[] = {{1, ARGUMENT_IS, F_SETFL},
						     {2, ARGUMENT_WITHOUT, O_ASYNC}};

	for (size_t i = 0; i < N(commands); i++)
		call_filter_allow_when(
			filter, SYS_fcntl,
			&(struct call_argument){1, ARGUMENT_IS, (uint64_t)commands[i]}, 1);
	for (size_t i = 0; locks && i < N(of_locks); i++)
		call_filter_allow_when(
			filter, SYS_fcntl,
			&(struct call_argument){1, ARGUMENT_IS, (uint64_t)of_locks[i]}, 1);
	call_filter_allow_when(filter, SYS_fcntl, flags, N(flags));
}

/* Memory is written or executed. What is executed is a file's, and only while plugins are loaded.
 */
static void allow_memory(struct call_filter *filter, bool code)
{
	static const struct call_argument plain = {2, ARGUMENT_WITHOUT, PROT_EXEC};
	static const struct call_argument of_file[] = {{2, ARGUMENT_WITHOUT, PROT_WRITE},
						       {3, ARGUMENT_WITHOUT, MAP_ANONYMOUS}};

	call_filter_allow_when(filter, SYS_mmap, &plain, 1);
	call_filter_allow_when(filter, SYS_mprotect, &plain, 1);
	if (code)
		call_filter_allow_when(filter, SYS_mmap, of_file, N(of_file));
}

static void allow_open(struct call_filter *filter, int flags)
{
	/* Nor is a file made that runs as its owner. */
	const struct call_argument arguments[] = {
		{2, ARGUMENT_WITHOUT, (uint32_t)~flags},
		{3, ARGUMENT_WITHOUT, S_ISUID | S_ISGID},
	};

	call_filter_allow_when(filter, SYS_openat, arguments, flags & O_CREAT ? N(arguments) : 1);
}

/* Its own process and thread, and reading its own limits. */
static void allow_own(struct call_filter *filter)
{
	static const struct call_argument thread = {0, ARGUMENT_IS_WIDE, CLONE_OF_THREAD},
					  name = {0, ARGUMENT_IS, PR_SET_NAME},
					  unread = {1, ARGUMENT_IS, FIONREAD};
	static const struct call_argument read_limit[] = {{0, ARGUMENT_IS, 0},
							  {2, ARGUMENT_IS_WIDE, 0}};
	const struct call_argument own = {0, ARGUMENT_IS, (uint32_t)getpid()};

	call_filter_allow_when(filter, SYS_tgkill, &own, 1);
	call_filter_allow_when(filter, SYS_clone, &thread, 1);
	/* Its flags are in memory, which can't be looked at. Without it glibc takes clone. */
	call_filter_fail(filter, SYS_clone3, ENOSYS);
	call_filter_allow_when(filter, SYS_prctl, &name, 1);
	call_filter_allow_when(filter, SYS_prlimit64, read_limit, N(read_limit));
	call_filter_allow_when(filter, SYS_ioctl, &unread, 1);
}

static void allow_net(struct call_filter *filter)
{
	static const int domains[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < N(domains); i++)
		call_filter_allow_when(
			filter, SYS_socket,
			&(struct call_argument){0, ARGUMENT_IS, (uint64_t)domains[i]}, 1);
	call_filter_allow(filter, of_clients, N(of_clients));
}

static void allow_stage_two(struct call_filter *filter)
{
	static const int lock = SYS_landlock_restrict_self;
	static const struct call_argument add[] = {
		{0, ARGUMENT_IS, SECCOMP_SET_MODE_FILTER},
		{1, ARGUMENT_IS_WIDE, SECCOMP_FILTER_FLAG_TSYNC},
	};

	call_filter_allow(filter, &lock, 1);
	call_filter_allow_when(filter, SYS_seccomp, add, N(add));
}

void sandbox_calls_fill(struct call_filter *filter, const struct sandbox_calls *calls)
{
	static const int stat = SYS_newfstatat;

	call_filter_init(filter);
	call_filter_allow(filter, always, N(always));
	allow_memory(filter, !calls->stage_two);
	allow_fcntl(filter, calls->writes);
	allow_own(filter);
	if (!calls->stage_two) {
		/* The loader's. */
		call_filter_allow(filter, &stat, 1);
		allow_open(filter, O_CLOEXEC | O_NOFOLLOW);
	}
	if (calls->to_be_closed)
		allow_stage_two(filter);
	if (calls->reads || calls->writes) {
		call_filter_allow(filter, of_readers, N(of_readers));
		allow_open(filter, READ_FLAGS);
	}
	if (calls->writes) {
		call_filter_allow(filter, of_writers, N(of_writers));
		allow_open(filter, WRITE_FLAGS);
	}
	if (calls->net)
		allow_net(filter);
}
