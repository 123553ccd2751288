/* restore.c - watd --restore FILE. Main thread.
 * Mark -> database -> journals aside -> audit -> mark off. A watd does not start while it is
 * marked. */
#include "daemon/supervisor/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/store.h"
#include "daemon/supervisor/audit.h"
#include "daemon/supervisor/journal_files.h"
#include "daemon/supervisor/lock.h"
#include "proto/support/cleanup.h"

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

static void mark_of(const char *state_dir, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/restoring", state_dir);
}

static bool is_half_done(const char *state_dir)
{
	char path[PATH_MAX];

	mark_of(state_dir, path, sizeof path);
	return access(path, F_OK) == 0;
}

int restore_check(const char *state_dir)
{
	if (!is_half_done(state_dir))
		return 0;
	log_error("a restore was not finished, and nothing is started from it", "path", state_dir,
		  "help", "watd --restore FILE once more");
	return -EBUSY;
}

static int sync_directory(const char *path)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int mark(const char *state_dir)
{
	char path[PATH_MAX];
	int fd;

	mark_of(state_dir, path, sizeof path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	(void)fd_close(fd);
	return sync_directory(state_dir);
}

static int take_mark_off(const char *state_dir)
{
	char path[PATH_MAX];

	mark_of(state_dir, path, sizeof path);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return sync_directory(state_dir);
}

static enum journal_fate all_aside(void *arg, const uint8_t instance_id[16])
{
	(void)instance_id;
	++*(size_t *)arg;
	return JOURNAL_SET_ASIDE;
}

/* A root that runs this makes files for the account that watd runs as. */
static int own_all(const char *state_dir)
{
	static const char *const names[] = {"journal", "journal/aside", "lock", "watd.db"};
	char path[PATH_MAX];
	struct stat st;

	if (stat(state_dir, &st) < 0)
		return -errno;
	for (size_t i = 0; geteuid() == 0 && i < sizeof names / sizeof *names; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", state_dir, names[i]);
		if (lchown(path, st.st_uid, st.st_gid) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* Whatever watd's journals have beyond the backup. */
static int set_journals_aside(const char *state_dir, size_t *ret_n)
{
	int fd = -1, r = journal_files_init(state_dir, &fd);

	if (r < 0)
		return r;
	journal_files_sweep(fd, all_aside, ret_n);
	(void)fd_close(fd);
	return own_all(state_dir);
}

static void on_noted(void *arg, int r)
{
	*(int *)arg = r;
}

static int note(const char *state_dir, const char *file, const struct store_restored *restored)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	struct origin origin = {.has_peer = true, .uid = getuid(), .pid = getpid()};
	char text[STORE_EVENT_DETAIL_MAX + 1], *damage = NULL;
	const struct audit what = {.kind = AUDIT_RESTORE, .origin = &origin, .detail = text};
	struct store *store = NULL;
	int r = txn ? store_open(state_dir, &store, &damage) : -ENOMEM, result = -EIO;

	free(damage);
	if (r < 0)
		return r;
	origin.invocation = store_starts(store) << 40 | 1;
	(void)snprintf(text, sizeof text, "from %.200s; the database of before: %.200s", file,
		       *restored->aside ? restored->aside : "there was none");
	r = audit_add(txn, &what);
	if (r == 0)
		r = store_start_thread(store);
	if (r == 0)
		store_submit(store, TAKE(txn), on_noted, &result);
	/* Waits for it. */
	(void)store_close(store);
	return r == 0 ? result : r;
}

static void say_done(const struct options *options,
		     const struct store_restored *restored,
		     size_t n_segments)
{
	char when[32] = "unknown";
	time_t at = (time_t)(restored->at_ms / 1000);
	struct tm tm;

	if (restored->at_ms > 0 && gmtime_r(&at, &tm))
		(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("restored %s: %u instances, the newest state is of %s\n", options->restore,
	       restored->n_instances, when);
	if (restored->n_damaged > 0)
		printf("%u of them have a damaged state and will be failed; see watctl snapshots "
		       "NAME\n",
		       restored->n_damaged);
	if (*restored->aside)
		printf("the database of before is kept as %s\n", restored->aside);
	if (restored->unreadable)
		puts("it could not be read: numbers of snapshots and events may be used again");
	if (n_segments > 0)
		printf("%zu segments of journals are kept in %s/journal/aside\n", n_segments,
		       options->state_dir);
	puts("tokens of before are no longer good: watctl admin NAME makes an Admin, who "
	     "provisions "
	     "Users anew");
}

static int say(int code, const char *what, const char *why)
{
	fprintf(stderr, "watd: %s: %s\n", what, why);
	return code;
}

static int refuse(const struct options *options, int r)
{
	switch (r) {
	case -ENODATA:
		return say(EX_DATAERR, options->restore, "this is no backup of watd");
	case -EPROTO:
		return say(EX_DATAERR, options->restore, "a newer watd made this backup");
	case -EBADMSG:
		return say(EX_DATAERR, options->restore, "the backup is damaged");
	default:
		return say(EXIT_FAILURE, options->restore, strerror(-r));
	}
}

static int run(const struct options *options)
{
	bool again = is_half_done(options->state_dir);
	struct store_restored restored;
	size_t n_segments = 0;
	int r = mark(options->state_dir);

	if (r < 0)
		return say(EXIT_FAILURE, options->state_dir, strerror(-r));
	r = store_restore(options->state_dir, options->restore, &restored);
	if (r < 0 && !again && !*restored.aside)
		(void)take_mark_off(options->state_dir);
	if (r < 0)
		return refuse(options, r);
	r = set_journals_aside(options->state_dir, &n_segments);
	if (r == 0)
		r = note(options->state_dir, options->restore, &restored);
	if (r == 0)
		r = own_all(options->state_dir);
	if (r == 0)
		r = take_mark_off(options->state_dir);
	if (r < 0)
		return say(EXIT_FAILURE,
			   "the restore came not to its end and has to be done once more",
			   strerror(-r));
	say_done(options, &restored, n_segments);
	return EXIT_SUCCESS;
}

int restore(const struct options *options)
{
	int fd = -1, other = 0, r = make_directory(options->state_dir, 0700);

	if (r == 0)
		r = lock_state_dir(options->state_dir, &fd, &other);
	if (r == -EBUSY)
		return say(EX_TEMPFAIL, options->state_dir,
			   "a watd runs with this state directory; stop it first");
	if (r < 0)
		return say(EXIT_FAILURE, options->state_dir, strerror(-r));
	r = run(options);
	(void)fd_close(fd);
	return r;
}
