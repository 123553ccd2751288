/* backup.c - a backup, from its checkpoints to its last byte. Loop thread.
 * Snapshots of all hosts -> commit each -> copy on the store's thread -> {answer} -> reads. */
#include "daemon/supervisor/backup.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/lines.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/operation.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"
#include <wat/node.pb-c.h>

/* How long it waits for the next read. */
static const struct timeval idle_after = {.tv_sec = 600};

DEFINE_CLEANUP(struct store_txn *, store_txn_free);

struct backup {
	struct node *node;
	struct operation *operation; /* NULL: it is there to be read */
	uint8_t id[16];
	int fd; /* -1: it is being made */
	uint64_t size;
	size_t n_waits;      /* checkpoints under way */
	struct lines behind; /* what is not in it, for people */
	struct event *idle;
};

/* A checkpoint of one instance. */
struct part {
	struct backup *backup;
	char name[64];
};

struct backup *backup_free(struct backup *backup)
{
	if (!backup)
		return NULL;
	(void)fd_close(backup->fd);
	lines_deinit(&backup->behind);
	if (backup->idle)
		event_free(backup->idle);
	free(backup);
	return NULL;
}

static void path_of(const char *state_dir, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/backup.tmp", state_dir);
}

void backup_sweep(const char *state_dir)
{
	static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
	char path[PATH_MAX], name[PATH_MAX + 16];

	path_of(state_dir, path, sizeof path);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			log_warning("what an earlier backup left can't be removed", "file", name,
				    "error", strerror(errno));
	}
}

static void fail(struct backup *backup, wat_status status, const char *text)
{
	struct node *node = backup->node;
	struct operation *operation = TAKE(backup->operation);

	backup_sweep(node->options->state_dir);
	node->backup = backup_free(backup);
	operation_fail(operation, status, NULL, "no backup was made: %s", text);
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct backup *backup = arg;

	(void)fd;
	(void)what;
	log_info("a backup that nobody reads is dropped");
	backup->node->backup = backup_free(backup);
}

static void on_decided(void *arg, int r)
{
	struct backup *backup = arg;

	if (r < 0) {
		fail(backup, WAT_RESOURCE_EXHAUSTED, lifecycle_store_error(r));
		return;
	}
	(void)evtimer_add(backup->idle, &idle_after);
	operation_conclude(TAKE(backup->operation));
}

/* Out of the directory: whoever has the descriptor has it. */
static int take_file(struct backup *backup)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(backup->node->options->state_dir, path, sizeof path);
	backup->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (backup->fd < 0 || fstat(backup->fd, &st) < 0 || unlink(path) < 0)
		return -errno;
	backup->size = (uint64_t)st.st_size;
	return 0;
}

static int decide(struct backup *backup)
{
	_cleanup_(store_txn_freep) struct store_txn *txn = store_txn_new();
	Wat__Node__BackupReply reply = WAT__NODE__BACKUP_REPLY__INIT;
	char detail[64];
	const struct audit made = {
		.kind = AUDIT_BACKUP, .origin = &backup->operation->origin, .detail = detail};
	int r = txn ? take_file(backup) : -ENOMEM;

	(void)snprintf(detail, sizeof detail, "%llu bytes; %zu instances are behind in it",
		       (unsigned long long)backup->size, backup->behind.n);
	reply.id = (ProtobufCBinaryData){sizeof backup->id, backup->id};
	reply.bytes = backup->size;
	reply.behind = backup->behind.texts;
	reply.n_behind = backup->behind.n;
	if (r == 0)
		r = operation_decide(backup->operation, &reply.base, txn);
	if (r == 0)
		r = audit_add(txn, &made);
	if (r == 0)
		store_submit(backup->node->store, TAKE(txn), on_decided, backup);
	return r;
}

static void on_copied(void *arg, int r)
{
	struct backup *backup = arg;

	if (r == 0)
		r = decide(backup);
	if (r < 0)
		fail(backup, WAT_RESOURCE_EXHAUSTED, lifecycle_store_error(r));
}

static void copy(struct backup *backup)
{
	char path[PATH_MAX];
	int r;

	backup_sweep(backup->node->options->state_dir);
	path_of(backup->node->options->state_dir, path, sizeof path);
	r = store_backup(backup->node->store, path, on_copied, backup);
	if (r < 0)
		fail(backup, WAT_OVERLOADED, strerror(-r));
}

static void release(struct backup *backup)
{
	if (--backup->n_waits == 0)
		copy(backup);
}

/* One that could not be asked has what its journal has, but not in the backup. */
static void on_taken(void *arg,
		     wat_status status,
		     const Wat__Envelope__Failure *failure,
		     const char *text)
{
	_cleanup_(freep) struct part *part = arg;

	(void)failure;
	if (status != WAT_OK)
		lines_add(&part->backup->behind, "%s: as of its newest snapshot; %s", part->name,
			  text);
	release(part->backup);
}

static void checkpoint(struct backup *backup, struct instance *instance)
{
	struct part *part = calloc(1, sizeof *part);
	struct lifecycle_take take = {
		.kind = STORE_SNAPSHOT_CHECKPOINT, .done = on_taken, .arg = part};

	if (part) {
		part->backup = backup;
		memcpy(part->name, instance->name, sizeof part->name);
	}
	backup->n_waits++;
	if (part && lifecycle_take(instance, &take) == 0)
		return;
	free(part);
	backup->n_waits--;
	lines_add(&backup->behind, "%s: as of its newest snapshot; no memory", instance->name);
}

static void checkpoint_all(struct backup *backup)
{
	list_for_each (i, &backup->node->instances.all) {
		struct instance *instance = container_of(i, struct instance, all);

		if (instance->state == INSTANCE_READY)
			checkpoint(backup, instance);
		else if (instance->state != INSTANCE_STOPPED && !instance_is_hidden(instance))
			lines_add(&backup->behind, "%s: as of its newest snapshot; it is %s",
				  instance->name, instance_state_name(instance->state));
	}
}

static struct backup *backup_new(struct operation *operation)
{
	struct backup *backup = calloc(1, sizeof *backup);

	if (!backup)
		return NULL;
	backup->node = operation->node;
	backup->operation = operation;
	backup->fd = -1;
	randombytes_buf(backup->id, sizeof backup->id);
	backup->idle = evtimer_new(operation->node->base, on_idle, backup);
	return backup->idle ? backup : backup_free(backup);
}

void backup_begin(struct operation *operation)
{
	struct node *node = operation->node;
	struct backup *backup;

	if (node->backup && node->backup->operation) {
		operation_fail(operation, WAT_OVERLOADED, NULL,
			       "another backup is being made; try again");
		return;
	}
	node->backup = backup_free(node->backup);
	backup = node->backup = backup_new(operation);
	if (!backup) {
		operation_fail(operation, WAT_OVERLOADED, NULL, "no memory");
		return;
	}
	backup->n_waits = 1;
	checkpoint_all(backup);
	release(backup);
}

int64_t backup_read(struct backup *backup,
		    const uint8_t id[static 16],
		    uint64_t offset,
		    uint8_t *to,
		    uint64_t n,
		    uint64_t *ret_size)
{
	ssize_t done;

	if (!backup || backup->operation || memcmp(backup->id, id, 16) != 0)
		return -ENOENT;
	if (offset > backup->size)
		return -EINVAL;
	do
		done = pread(backup->fd, to, n, (off_t)offset);
	while (done < 0 && errno == EINTR);
	(void)evtimer_add(backup->idle, &idle_after);
	*ret_size = backup->size;
	return done < 0 ? -errno : done;
}
