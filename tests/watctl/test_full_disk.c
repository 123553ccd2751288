/* A disk that is full to its last byte: what was acknowledged is kept, what is not applied is said,
 * what ends something works, and room is noticed. On a tmpfs, and on ext4 with blocks of 1 and of 4
 * KiB, where that can be had. rows 55, 59 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/watctl/ctl.h"

#define CALLS_MAX 10000u

static char *in_dir(const char *name)
{
	static char paths[4][160];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", the_daemon.dir, name);
	return paths[turn];
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Mounts of this process and its children alone. */
static bool own_mounts(void)
{
	char text[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	if (uid != 0) {
		write_text("/proc/self/setgroups", "deny");
		snprintf(text, sizeof text, "%u %u 1", uid, uid);
		write_text("/proc/self/uid_map", text);
		snprintf(text, sizeof text, "%u %u 1", gid, gid);
		write_text("/proc/self/gid_map", text);
	}
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool run(const char *const *arguments)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		execvp(arguments[0], (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool mount_ext4(const char *block)
{
	const char *const make[] = {"mkfs.ext4",     "-q", "-m", "0", "-b", block,
				    in_dir("image"), NULL};
	const char *const attach[] = {"mount",         "-o", "loop", in_dir("image"),
				      in_dir("state"), NULL};
	int fd = open(in_dir("image"), O_WRONLY | O_CREAT, 0600);

	assert_int_equal(ftruncate(fd, 16 << 20), 0);
	close(fd);
	return geteuid() == 0 && run(make) && run(attach);
}

static int start_on(bool mounted)
{
	if (!mounted) {
		(void)umount(in_dir("state"));
		skip();
	}
	(void)mkdir(in_dir("conf"), 0700);
	write_text(in_dir("conf/watd.conf"), "[watd]\nballast = 1\n");
	test_daemon_start(&the_daemon);
	return 0;
}

static bool prepare(void)
{
	test_daemon_init(&the_daemon, NULL);
	assert_int_equal(mkdir(in_dir("state"), 0700), 0);
	return own_mounts();
}

static void use_tmpfs(void)
{
	start_on(prepare() && mount("none", in_dir("state"), "tmpfs", 0, "size=12m") == 0);
}

static int end(void **state)
{
	(void)state;
	if (the_daemon.pid > 0)
		(void)test_daemon_terminate(&the_daemon);
	(void)umount(in_dir("state"));
	test_daemon_deinit(&the_daemon);
	return 0;
}

static void fill(void)
{
	static const char zeros[65536];
	int fd = open(in_dir("state/filler"), O_WRONLY | O_CREAT, 0600);
	size_t n = sizeof zeros;

	assert_true(fd >= 0);
	while (n > 0)
		if (write(fd, zeros, n) <= 0) {
			assert_int_equal(errno, ENOSPC);
			n /= 2;
		}
	/* ext4 gives room later than it is asked for. */
	(void)fsync(fd);
	close(fd);
}

static void assert_value(const char *name, unsigned value)
{
	char text[32];

	snprintf(text, sizeof text, "\"%u\"", value);
	WATCTL("call", name, "Get", "--as", "me");
	assert_prints(text);
}

/* The last of the file's block, and the file system's, is used up by calls: how many succeeded. */
static unsigned add_until_full(const char *name)
{
	for (unsigned n = 0; n < CALLS_MAX; n++) {
		WATCTL("call", name, "Increment", "n=1", "--as", "me");
		if (out.code != 0) {
			assert_ends(1, "RESOURCE_EXHAUSTED: not applied: the disk is full");
			return n;
		}
	}
	fail_msg("the disk is never full");
	return 0;
}

static void prepare_instances(void)
{
	static const char *const names[] = {"c1", "c2"};

	for (size_t i = 0; i < 2; i++) {
		WATCTL("spawn", "counter", names[i]);
		assert_int_equal(out.code, 0);
		WATCTL("provision", names[i], "me");
		WATCTL("provision", names[i], "bob");
		WATCTL("call", names[i], "Increment", "n=1", "--as", "me");
		assert_int_equal(out.code, 0);
	}
}

static void assert_refused(void)
{
	static const char *const said = "RESOURCE_EXHAUSTED: not applied: the disk is full";

	WATCTL("call", "c1", "Increment", "n=1", "--as", "me");
	assert_ends(1, said);
	WATCTL("spawn", "counter", "c9");
	assert_ends(1, said);
	WATCTL("provision", "c1", "x");
	assert_ends(1, said);
	WATCTL("snapshot", "c1");
	assert_ends(1, said);
	WATCTL("status");
	assert_prints("is full: what changes something is refused");
}

static void whole(void)
{
	struct stat st;
	unsigned n;

	prepare_instances();
	assert_int_equal(stat(in_dir("state/ballast"), &st), 0);
	assert_true(st.st_blocks * 512 >= 1 << 20);
	fill();
	n = add_until_full("c1");
	assert_true(test_daemon_wait_log(&the_daemon, "the disk is full: what changes", 1));
	assert_int_equal(access(in_dir("state/ballast"), F_OK), -1);
	assert_refused();
	assert_value("c1", n + 1);
	/* What ends something. */
	WATCTL("deprovision", "c1", "bob");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c1", "Get", "--as", "bob");
	assert_int_equal(out.code, 77);
	WATCTL("stop", "c2");
	assert_prints("\"1\"");
	assert_refused();
	/* By itself. */
	assert_int_equal(unlink(in_dir("state/filler")), 0);
	assert_true(test_daemon_wait_log(&the_daemon, "the disk has room again", 1));
	assert_int_equal(access(in_dir("state/ballast"), F_OK), 0);
	WATCTL("call", "c1", "Increment", "n=1", "--as", "me");
	assert_int_equal(out.code, 0);
	WATCTL("status");
	assert_null(strstr(out.out, "is full"));
	WATCTL("-j", "events");
	assert_prints("\"kind\":\"no-space\"");
	assert_prints("\"kind\":\"space\"");
	/* And all of it is still so after a crash. */
	test_daemon_kill(&the_daemon);
	test_daemon_start(&the_daemon);
	assert_value("c1", n + 2);
	WATCTL("-j", "show", "c2");
	assert_prints("\"state\":\"stopped\"");
	WATCTL("-j", "users", "c1");
	assert_null(strstr(out.out, "bob"));
}

static void test_tmpfs(void **state)
{
	(void)state;
	use_tmpfs();
	whole();
}

static void test_ext4_of_1_kib(void **state)
{
	(void)state;
	start_on(prepare() && mount_ext4("1024"));
	whole();
}

static void test_ext4_of_4_kib(void **state)
{
	(void)state;
	start_on(prepare() && mount_ext4("4096"));
	whole();
}

/* Where the database is the first to find no room, what it was to store is stored with the room
 * that was kept, and from then on it is refused: it is never half done. */
static void test_database_first(void **state)
{
	char name[16];
	unsigned n = 0;

	(void)state;
	use_tmpfs();
	WATCTL("spawn", "counter", "c1", "--durability", "none");
	assert_int_equal(out.code, 0);
	fill();
	do {
		snprintf(name, sizeof name, "u%u", n);
		WATCTL("provision", "c1", name);
	} while (out.code == 0 && ++n < CALLS_MAX);
	assert_ends(1, "RESOURCE_EXHAUSTED: not applied: the disk is full");
	assert_true(test_daemon_logged(&the_daemon, "the disk is full: what changes"));
	WATCTL("stop", "c1");
	assert_prints("\"0\"");
	assert_int_equal(unlink(in_dir("state/filler")), 0);
	assert_true(test_daemon_wait_log(&the_daemon, "the disk has room again", 1));
	WATCTL("start", "c1");
	assert_int_equal(out.code, 0);
}

/* A watd that starts on a full disk says so, and serves what it can. */
static void test_full_at_start(void **state)
{
	(void)state;
	use_tmpfs();
	prepare_instances();
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	assert_int_equal(unlink(in_dir("state/ballast")), 0);
	write_text(in_dir("conf/watd.conf"), "[watd]\nballast = 12\n");
	test_daemon_start(&the_daemon);
	assert_true(test_daemon_logged(&the_daemon, "there is no room for the ballast"));
	assert_refused();
	assert_value("c1", 1);
	WATCTL("stop", "c1");
	assert_prints("\"1\"");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, NULL, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_tmpfs),          CASE(test_ext4_of_1_kib), CASE(test_ext4_of_4_kib),
		CASE(test_database_first), CASE(test_full_at_start),
	};

	return test_run_cases(tests, NULL, NULL);
}
