/* landlock.c - a ruleset of what the kernel's version knows. */
#include "daemon/base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

/* What newer kernels know, whatever the headers do. */
#define FS_REFER (1ull << 13)     /* 2 */
#define FS_TRUNCATE (1ull << 14)  /* 3 */
#define FS_IOCTL_DEV (1ull << 15) /* 5 */
#define NET_ALL 3ull              /* 4: bind and connect of TCP */
#define SCOPE_ALL 3ull            /* 6: abstract unix sockets, signals */

#define FS_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                 \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |          \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | FS_REFER | FS_TRUNCATE)
/* Of a file that is no directory. */
#define FS_OF_FILE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/* As the newest header has it; a kernel reads as much of it as it is told. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static size_t size_of_ruleset(int abi)
{
	return abi >= 6   ? sizeof(struct ruleset)
	       : abi >= 4 ? offsetof(struct ruleset, scoped)
			  : offsetof(struct ruleset, net);
}

static uint64_t fs_known(int abi)
{
	return FS_FIRST | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : abi > LANDLOCK_ABI_MAX ? LANDLOCK_ABI_MAX : (int)abi;
}

static uint64_t fs_of(enum landlock_use use)
{
	return use == LANDLOCK_LOAD   ? LANDLOCK_ACCESS_FS_READ_FILE
	       : use == LANDLOCK_READ ? FS_READ
				      : FS_WRITE;
}

int landlock_rules(bool net, int abi)
{
	struct ruleset ruleset = {
		.fs = fs_known(abi), .net = net ? 0 : NET_ALL, .scoped = SCOPE_ALL};
	long rules = syscall(SYS_landlock_create_ruleset, &ruleset, size_of_ruleset(abi), 0);

	return rules < 0 ? -errno : (int)rules;
}

int landlock_allow(int rules, const struct landlock_place *place, int abi)
{
	_cleanup_(fd_closep) int fd = open(place->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {.parent_fd = fd};
	struct stat st;

	if (fd < 0)
		return place->optional ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	beneath.allowed_access = fs_of(place->use) & fs_known(abi);
	if (!S_ISDIR(st.st_mode))
		beneath.allowed_access &= FS_OF_FILE;
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0
		       ? -errno
		       : 0;
}

int landlock_enter(int rules)
{
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}
