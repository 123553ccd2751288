/* host.c - a watd-host process: start, output, end. Loop thread. */
#include "daemon/supervisor/host.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/sanitized.h"
#include "daemon/supervisor/call_deaths.h"
#include "daemon/supervisor/child.h"
#include "daemon/supervisor/former_host.h"
#include "daemon/supervisor/host_link.h"
#include "daemon/supervisor/lifecycle.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/limits.h"
#include "proto/support/cleanup.h"

/* Of a file that a host writes: of a journal's segments, which begin anew at 32 MiB or soon after,
 * several. */
#define FILE_MAX (1ull << 30)
#define THREADS_OF_INSTANCE 3ull /* its own, its journal's, and one to spare */
#define STACK_MAX (8ull << 20)
#define PIPE_READS 4 /* of HOST_OUTPUT_READ, for the 64 KiB of a pipe */

/* What a host inherits, by number; everything else is closed. */
enum inherited {
	CHILD_STDIN,
	CHILD_STDOUT,
	CHILD_STDERR,
	CHILD_CONTROL,
	CHILD_LIFELINE,
	CHILD_ATTRIBUTION,
	CHILD_N
};

/* Our ends and the child's, during the start. Each is closed unless it was taken. */
struct ends {
	int child[CHILD_N];
	int out, err, control;
};

static void ends_close(struct ends *ends)
{
	for (int i = 0; i < CHILD_N; i++)
		fd_close(ends->child[i]);
	fd_close(ends->out);
	fd_close(ends->err);
	fd_close(ends->control);
}

static int make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int make_ends(struct node *node, struct ends *ends)
{
	int pair[2], r;

	ends->child[CHILD_STDIN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (ends->child[CHILD_STDIN] < 0)
		return -errno;
	if ((r = make_pipe(&ends->out, &ends->child[CHILD_STDOUT])) < 0 ||
	    (r = make_pipe(&ends->err, &ends->child[CHILD_STDERR])) < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	ends->control = pair[0];
	ends->child[CHILD_CONTROL] = pair[1];
	ends->child[CHILD_LIFELINE] = fcntl(node->lifeline[0], F_DUPFD_CLOEXEC, 0);
	if (ends->child[CHILD_LIFELINE] < 0)
		return -errno;
	return 0;
}

/* In a process of its own an instance has the first slot. */
static int make_page(struct host *host, struct ends *ends)
{
	int *fd = &ends->child[CHILD_ATTRIBUTION];
	int r = call_deaths_new_page(host->node->calls_dir, host->pool ? ATTRIBUTION_SLOTS : 1,
				     &host->page, fd);

	if (r < 0)
		return r;
	host->page_fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	return host->page_fd < 0 ? -errno : 0;
}

/* A mapping would give whoever cuts the file a way to end us. What is missing is 0. */
struct attribution *host_page(struct host *host)
{
	if (!host->attribution)
		host->attribution = calloc(1, sizeof *host->attribution);
	if (!host->attribution ||
	    pread(host->page_fd, host->attribution, sizeof *host->attribution, 0) < 0)
		log_error("what a host runs is not known", "error", strerror(errno));
	return host->attribution;
}

static int start_process(struct host *host, const struct ends *ends)
{
	return child_start(host->node->options->host_program, "watd-host", ends->child, CHILD_N,
			   &host->pid, &host->pidfd);
}

void host_catch_up(struct host *host)
{
	struct host_output *const outputs[] = {&host->out, &host->err};

	/* What a pipe holds, and no more: one that is filled all the time holds up nobody. */
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
		for (int n = 0; n < PIPE_READS && host_output_read(outputs[i]); n++)
			;
}

uint64_t host_words(struct host *host)
{
	host_catch_up(host);
	return host->n_words;
}

/* For a watd that finds it alive: nothing waits for this to be stored. */
static void note_process(const struct host *host, bool ended)
{
	struct store_txn *txn = store_txn_new();
	struct store_host row;
	int r = txn ? 0 : -ENOMEM;

	if (r == 0 && ended)
		r = store_txn_drop_host(txn, (int)host->pid);
	else if (r == 0)
		r = former_host_describe(host->pid, &row);
	if (r == 0 && !ended)
		r = store_txn_put_host(txn, &row);
	if (r < 0) {
		log_warning("a host can't be noted", "error", strerror(-r));
		store_txn_free(txn);
		return;
	}
	store_submit(host->node->store, txn, NULL, NULL);
}

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct host *host = arg;
	siginfo_t info = {0};
	struct host_death death = {.last_words = host->last_words};

	(void)fd;
	(void)what;
	/* First what it wrote, then its end: so no answer and no line is lost, and reaping can't
	 * block. */
	host_link_drain(host);
	host_output_drain(&host->out);
	host_output_drain(&host->err);
	if (waitid(P_PID, (id_t)host->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	if (info.si_code == CLD_EXITED)
		death.exit_code = info.si_status;
	else
		death.signal = info.si_status;
	(void)event_del(host->exited);
	note_process(host, true);
	(void)host_page(host);
	lifecycle_host_died(host, &death);
}

static int set_up_events(struct host *host, struct ends *ends)
{
	int r = host_output_init(&host->out, host, &ends->out, OUTPUT_STDOUT);

	if (r == 0)
		r = host_output_init(&host->err, host, &ends->err, OUTPUT_STDERR);
	if (r < 0)
		return r;
	stream_init(&host->control, fd_take(&ends->control), WAT_CONTROL_BODY_MAX);
	return host_link_init(host);
}

/* A child that nobody would watch must not be. */
static int watch_exit(struct host *host)
{
	host->exited =
		event_new(host->node->base, host->pidfd, EV_READ | EV_PERSIST, on_exited, host);
	if (host->exited && event_add(host->exited, NULL) == 0)
		return 0;
	(void)kill(host->pid, SIGKILL);
	(void)waitpid(host->pid, NULL, 0);
	return -ENOMEM;
}

int host_limit(const struct host *host, int resource, uint64_t most)
{
	struct rlimit limit;

	if (prlimit(host->pid, (__rlimit_resource_t)resource, NULL, &limit) < 0)
		return -errno;
	if (limit.rlim_max <= most)
		return 0;
	limit.rlim_cur = limit.rlim_max = most;
	return prlimit(host->pid, (__rlimit_resource_t)resource, &limit, NULL) < 0 ? -errno : 0;
}

/* Stacks of threads count as memory, whatever of them is in use. */
static uint64_t memory_of_stacks(bool pool)
{
	uint64_t n = pool ? THREADS_OF_INSTANCE * ATTRIBUTION_SLOTS : THREADS_OF_INSTANCE;
	struct rlimit stack;

	if (getrlimit(RLIMIT_STACK, &stack) < 0 || stack.rlim_cur > STACK_MAX)
		stack.rlim_cur = STACK_MAX;
	return (n + 1) * stack.rlim_cur;
}

/* Never the number of processes, which is counted for the whole account. */
static int set_limits(const struct host *host)
{
	int r = host_limit(host, RLIMIT_FSIZE, FILE_MAX);

	/* A sanitizer takes terabytes, and uses few of them. */
	if (r < 0 || WAT_SANITIZED)
		return r;
	return host_limit(host, RLIMIT_DATA,
			  host->node->options->limits.memory + memory_of_stacks(host->pool));
}

/* Nobody has asked it for anything that is waited for: its end is all that there will be. */
static int set_up(struct host *host)
{
	int r = set_limits(host);

	if (r == 0)
		r = confinement_tell(host);
	if (r < 0)
		host_kill(host);
	return r;
}

int host_new(struct node *node, bool pool, struct confinement *confinement, struct host **ret_host)
{
	_cleanup_(ends_close) struct ends ends = {{-1, -1, -1, -1, -1, -1}, -1, -1, -1};
	struct host *host = calloc(1, sizeof *host);
	int r;

	if (!host) {
		confinement_deinit(confinement);
		return -ENOMEM;
	}
	host->confinement = *confinement;
	*confinement = (struct confinement){.n_loads = 0};
	host->node = node;
	host->pool = pool;
	host->pidfd = host->page_fd = host->out.fd = host->err.fd = -1;
	stream_init(&host->control, -1, 0);
	list_init(&host->instances);
	list_init(&host->requests);
	list_append(&node->hosts, &host->link);
	r = make_ends(node, &ends);
	if (r == 0)
		r = make_page(host, &ends);
	if (r == 0)
		r = set_up_events(host, &ends);
	if (r == 0)
		r = start_process(host, &ends);
	if (r == 0)
		r = watch_exit(host);
	if (r < 0) {
		host_free(host);
		return r;
	}
	note_process(host, false);
	r = set_up(host);
	if (r == 0)
		*ret_host = host;
	return r;
}

struct host *host_free(struct host *host)
{
	if (!host)
		return NULL;
	list_remove(&host->link);
	if (host->exited)
		event_free(host->exited);
	host_output_deinit(&host->out);
	host_output_deinit(&host->err);
	host_link_deinit(host);
	free(host->attribution);
	fd_close(host->page_fd);
	call_deaths_drop_page(host->node->calls_dir, host->page);
	fd_close(host->pidfd);
	confinement_deinit(&host->confinement);
	free(host);
	return NULL;
}

int host_take_slot(struct host *host, uint32_t *ret_slot)
{
	for (uint32_t i = 0; i < ATTRIBUTION_SLOTS; i++)
		if (!(host->slots[i / 8] & 1u << i % 8)) {
			host->slots[i / 8] |= (uint8_t)(1u << i % 8);
			*ret_slot = i;
			return 0;
		}
	return -ENOSPC;
}

void host_release_slot(struct host *host, uint32_t slot)
{
	host->slots[slot / 8] &= (uint8_t) ~(1u << slot % 8);
}

static const struct attribution_slot *slot_of(const struct host *host, uint32_t slot)
{
	return slot < ATTRIBUTION_SLOTS && host->attribution ? &host->attribution->slots[slot]
							     : NULL;
}

uint32_t host_running(const struct host *host, uint32_t slot)
{
	const struct attribution_slot *at = slot_of(host, slot);

	return at ? atomic_load(&at->method_plus_1) : 0;
}

void host_runs_now(const struct host *host,
		   uint32_t slot,
		   uint32_t *ret_running,
		   uint32_t *ret_begun)
{
	struct attribution_slot now;

	*ret_running = *ret_begun = 0;
	if (slot >= ATTRIBUTION_SLOTS || pread(host->page_fd, &now, sizeof now,
					       (off_t)(offsetof(struct attribution, slots) +
						       slot * sizeof now)) != (ssize_t)sizeof now)
		return;
	*ret_running = atomic_load(&now.method_plus_1);
	*ret_begun = atomic_load(&now.begun);
}

void host_running_call(const struct host *host,
		       uint32_t slot,
		       uint8_t ret_lane[static 16],
		       uint64_t *ret_id)
{
	const struct attribution_slot *at = slot_of(host, slot);

	*ret_id = at ? atomic_load(&at->call_id) : 0;
	if (at)
		memcpy(ret_lane, at->lane, 16);
}

bool host_faulted(const struct host *host, uint32_t slot)
{
	const struct attribution_slot *at = slot_of(host, slot);

	return at && atomic_load(&at->faulted);
}

bool host_fault_address(const struct host *host, uint32_t slot, uint64_t *ret_address)
{
	struct attribution_fault *fault = host->attribution ? &host->attribution->fault : NULL;

	if (!fault || atomic_load(&fault->slot_plus_1) != slot + 1 ||
	    !atomic_load(&fault->has_address))
		return false;
	*ret_address = atomic_load(&fault->address);
	return true;
}

bool host_has_ended(const struct host *host)
{
	struct pollfd fd = {.fd = host->pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

void host_kill(struct host *host)
{
	if (syscall(SYS_pidfd_send_signal, host->pidfd, SIGKILL, NULL, 0) < 0)
		log_warning("host can't be killed", "error", strerror(errno));
	else
		host->killed = true;
}
