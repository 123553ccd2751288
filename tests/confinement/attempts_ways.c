/* attempts_ways.c - what takes more than one call, or one that others make too. */
#include <dlfcn.h>
#include <errno.h>
#include <asm/sockios.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/confinement/attempts.h"

static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = attempts_error(fd);

	if (fd >= 0)
		(void)close(fd);
	return error;
}

static int open_of(pid_t pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	return open_path(path);
}

static void try_files(const struct targets *targets, struct attempts *attempts)
{
	char journal[300], around[300];

	(void)snprintf(journal, sizeof journal, "%s/.", targets->journals);
	(void)snprintf(around, sizeof around, "/proc/self/root%s", targets->key);
	attempts_note(attempts, "read the key", open_path(targets->key));
	attempts_note(attempts, "read the key by /proc/self/root", open_path(around));
	attempts_note(attempts, "read the database", open_path(targets->database));
	attempts_note(attempts, "read a keyring", open_path(targets->keyring));
	attempts_note(attempts, "list the journals", open_path(targets->journals));
	attempts_note(attempts, "list the journals by a dot", open_path(journal));
	attempts_note(attempts, "read /etc/passwd", open_path("/etc/passwd"));
	attempts_note(attempts, "read /etc/shadow", open_path("/etc/shadow"));
	attempts_note(attempts, "read watd's memory", open_of(targets->watd, "mem"));
	attempts_note(attempts, "read watd's maps", open_of(targets->watd, "maps"));
	attempts_note(attempts, "read watd's environment", open_of(targets->watd, "environ"));
	attempts_note(attempts, "list watd's descriptors", open_of(targets->watd, "fd"));
	attempts_note(attempts, "read its own memory", open_path("/proc/self/mem"));
	attempts_note(attempts, "read its own maps", open_path("/proc/self/maps"));
	attempts_note(attempts, "read a device", open_path("/dev/full"));
	attempts_note(attempts, "make a file",
		      attempts_error(open("/tmp/burglar", O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
	attempts_note(attempts, "make a nameless file",
		      attempts_error(open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600)));
}

/* What a pool may, and who loads a plugin. */
static void try_looking(const struct targets *targets, struct attempts *attempts)
{
	struct stat st;
	Dl_info library;

	attempts_note(attempts, "ask for the key's size",
		      attempts_error(syscall(SYS_newfstatat, AT_FDCWD, targets->key, &st, 0)));
	if (dladdr(__extension__(void *) getppid, &library))
		attempts_note(attempts, "read a library", open_path(library.dli_fname));
}

/* A child says so and is gone. */
static int clone_with(unsigned long flags)
{
	long r = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (r == 0)
		_exit(0);
	return attempts_error(r);
}

static void try_children(struct attempts *attempts)
{
#ifdef SYS_fork
	long r = syscall(SYS_fork);

	if (r == 0)
		_exit(0);
	attempts_note(attempts, "fork", attempts_error(r));
#endif
	attempts_note(attempts, "clone a process", clone_with(SIGCHLD));
	attempts_note(attempts, "clone into new namespaces", clone_with(CLONE_NEWUSER | SIGCHLD));
	attempts_note(attempts, "clone a process with these files",
		      clone_with(CLONE_FILES | SIGCHLD));
}

/* Together they would send any signal to anybody. */
static void try_descriptors(const struct targets *targets, struct attempts *attempts)
{
	int on = 1, fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	attempts_note(attempts, "F_SETOWN", attempts_error(fcntl(fds[0], F_SETOWN, targets->watd)));
	attempts_note(attempts, "F_SETOWN_EX",
		      attempts_error(fcntl(fds[0], F_SETOWN_EX,
					   &(struct f_owner_ex){F_OWNER_PID, targets->watd})));
	attempts_note(attempts, "F_SETSIG", attempts_error(fcntl(fds[0], F_SETSIG, SIGKILL)));
	attempts_note(attempts, "O_ASYNC", attempts_error(fcntl(fds[0], F_SETFL, O_ASYNC)));
	attempts_note(attempts, "FIOASYNC", attempts_error(ioctl(fds[0], FIOASYNC, &on)));
	attempts_note(attempts, "FIOSETOWN",
		      attempts_error(ioctl(fds[0], FIOSETOWN, &targets->watd)));
	attempts_note(attempts, "F_SETPIPE_SZ", attempts_error(fcntl(fds[0], F_SETPIPE_SZ, 4096)));
	attempts_note(attempts, "F_NOTIFY", attempts_error(fcntl(fds[0], F_NOTIFY, 0)));
	attempts_note(attempts, "F_SETLEASE", attempts_error(fcntl(fds[0], F_SETLEASE, F_UNLCK)));
	attempts_note(attempts, "a lock",
		      attempts_error(fcntl(fds[0], F_SETLK, &(struct flock){.l_type = F_WRLCK})));
	attempts_note(attempts, "TIOCSTI", attempts_error(ioctl(fds[0], TIOCSTI, "x")));
	attempts_note(attempts, "flock", attempts_error(syscall(SYS_flock, 4, 8)));
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static int map(int prot, int flags, int fd)
{
	void *p = mmap(NULL, 4096, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return errno;
	(void)munmap(p, 4096);
	return 0;
}

static int turn_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error;

	if (p == MAP_FAILED)
		return errno;
	error = attempts_error(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	(void)munmap(p, 4096);
	return error;
}

static void try_memory(struct attempts *attempts)
{
	int fd = memfd_create("code", MFD_CLOEXEC);

	attempts_note(attempts, "memory to write and execute",
		      map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	attempts_note(attempts, "memory to execute",
		      map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	attempts_note(attempts, "memory that becomes code", turn_executable());
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return;
	attempts_note(attempts, "a file to write and execute",
		      map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd));
	attempts_note(attempts, "a file of its own as code",
		      map(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd));
	(void)close(fd);
}

void attempts_ways(const struct targets *targets, struct attempts *attempts)
{
	try_files(targets, attempts);
	try_looking(targets, attempts);
	try_children(attempts);
	try_descriptors(targets, attempts);
	try_memory(attempts);
}
