/* gate.c - the process watd-gate: its sockets, its start, its end. Loop thread. */
#include "daemon/supervisor/gate.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/activation.h"
#include "daemon/supervisor/child.h"
#include "daemon/supervisor/gate_link.h"
#include "daemon/supervisor/lock.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/session.h"
#include "proto/support/cleanup.h"

#define END_MAX_S 3 /* how long a gate may take to tell its peers that watd goes */

/* What a gate inherits, by number. Its log lines go where ours go. */
enum inherited { GATE_STDIN, GATE_STDOUT, GATE_STDERR, GATE_LINK, GATE_N };

static bool is_running(const struct gate *gate)
{
	return gate->pidfd >= 0;
}

static void forget_process(struct gate *gate)
{
	gate_link_close(gate);
	if (gate->exited)
		event_free(gate->exited);
	gate->exited = NULL;
	gate->pidfd = fd_close(gate->pidfd);
}

static void kill_process(struct gate *gate)
{
	if (is_running(gate) && syscall(SYS_pidfd_send_signal, gate->pidfd, SIGKILL, NULL, 0) < 0)
		log_warning("the gate can't be killed", "error", strerror(errno));
}

void gate_kill(struct gate *gate)
{
	kill_process(gate);
}

static void start_later(struct gate *gate, uint64_t pause_ms)
{
	struct timeval pause = {.tv_sec = (time_t)(pause_ms / 1000),
				.tv_usec = (suseconds_t)(pause_ms % 1000) * 1000};

	(void)evtimer_add(gate->timer, &pause);
}

/* Unlike an instance it holds nothing that a death could damage: it is tried again for ever. */
static void start_again(struct gate *gate)
{
	struct restart_policy policy = RESTART_POLICY_INIT;
	const struct restart_death death = {.kind = RESTART_FAILURE,
					    .now_ms = clock_monotonic_ms()};
	struct restart_decision decision;

	policy.when = RESTART_ALWAYS;
	decision = restart_decide(&policy, &gate->deaths, &death, randombytes_random());
	start_later(gate,
		    decision.verdict == RESTART_AGAIN ? decision.pause_ms : policy.pause_max_ms);
}

static void log_end(const siginfo_t *info)
{
	bool exited = info->si_code == CLD_EXITED;
	char number[16];

	(void)snprintf(number, sizeof number, "%d", info->si_status);
	log_error("the gate has ended and is started again; remote clients connect anew",
		  exited ? "exit" : "signal", number);
}

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;
	siginfo_t info = {0};

	(void)fd;
	(void)what;
	if (waitid(P_PID, (id_t)gate->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	forget_process(gate);
	if (gate->ending) {
		(void)evtimer_del(gate->timer);
		node_check_progress(gate->node);
		return;
	}
	log_end(&info);
	start_again(gate);
}

static int watch_exit(struct gate *gate)
{
	gate->exited =
		event_new(gate->node->base, gate->pidfd, EV_READ | EV_PERSIST, on_exited, gate);
	return gate->exited && event_add(gate->exited, NULL) == 0 ? 0 : -ENOMEM;
}

static int start_process(struct gate *gate)
{
	_cleanup_(fd_closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_(fd_closep) int ours = -1, theirs = -1;
	int fds[GATE_N] = {null, STDERR_FILENO, STDERR_FILENO}, pair[2], r;

	if (null < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = fds[GATE_LINK] = pair[1];
	r = child_start(gate->node->options->gate_program, "watd-gate", fds, GATE_N, &gate->pid,
			&gate->pidfd);
	if (r == 0)
		r = watch_exit(gate);
	return r < 0 ? r : gate_link_open(gate, fd_take(&ours));
}

static void start(struct gate *gate)
{
	int r = start_process(gate);

	if (r == 0)
		return;
	log_error("the gate can't be started", "error", strerror(-r));
	if (is_running(gate)) {
		kill_process(gate);
		(void)waitpid(gate->pid, NULL, 0);
	}
	forget_process(gate);
	start_again(gate);
}

/* To start again; or, at the end, to go on without it. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;

	(void)fd;
	(void)what;
	if (!gate->ending)
		start(gate);
	else
		kill_process(gate);
}

/* What was said to its sessions is in their sockets: it reads that before it sees our end close. */
static void on_ending(evutil_socket_t fd, short what, void *arg)
{
	struct gate *gate = arg;

	(void)fd;
	(void)what;
	list_for_each_safe (i, &gate->node->sessions) {
		struct session *session = container_of(i, struct session, link);

		if (!session->gated)
			continue;
		session_go_away(session, WAT_UNAVAILABLE, "watd is going down");
		session_free(session);
	}
	gate_link_end(gate);
}

void gate_tell_limits(struct gate *gate)
{
	if (gate)
		gate_link_tell_limits(gate);
}

void gate_stop_accepting(struct gate *gate)
{
	if (!gate)
		return;
	gate_listeners_close(&gate->listeners);
	gate->socket = listener_free(gate->socket);
	gate_link_stop_accepting(gate);
}

bool gate_end(struct gate *gate)
{
	struct timeval at_once = {0};

	if (!gate || !is_running(gate))
		return true;
	if (gate->ending)
		return false;
	gate->ending = true;
	/* Not from inside of a session's own event. */
	(void)evtimer_add(gate->end, &at_once);
	start_later(gate, END_MAX_S * 1000);
	return false;
}

static int fail(int r, const char *what, const char *subject)
{
	log_error(what, "at", subject, "error", strerror(-r));
	return r;
}

static int open_key(const struct options *options, struct transport_key **ret)
{
	const char *dir;
	int r = transport_key_open(options->state_dir, getenv("CREDENTIALS_DIRECTORY"), &dir, ret);

	return r < 0 ? fail(r, "the transport key can't be read", dir) : 0;
}

static int adopt_sockets(struct gate *gate, struct activation *passed)
{
	int r = 0;

	while (r == 0 && passed->n_tcp > 0)
		r = gate_listeners_adopt(&gate->listeners, passed->tcp[--passed->n_tcp]);
	return r < 0 ? fail(r, "a socket that was passed can't be used", "tcp") : 0;
}

static int open_sockets(struct gate *gate)
{
	const struct options *options = gate->node->options;
	char which[VALUE_WORD_SIZE];
	int r = 0;

	/* As with the other sockets: the service manager's go before our own. */
	if (options->listen && gate->listeners.n == 0)
		r = gate_listeners_open(&gate->listeners, options->listen, which);
	if (r < 0)
		return fail(r, "TCP connections can't be listened for", which);
	if (options->gate_socket)
		r = listener_new(gate->node, options->gate_socket, 0660, false, &gate->socket);
	if (r < 0)
		return fail(r, "the gate's socket can't be opened", options->gate_socket);
	if (gate->socket)
		listener_lend(gate->socket);
	gate->has_tcp = gate->listeners.n > 0;
	return 0;
}

bool gate_address(const struct gate *gate, size_t i, char ret[static GATE_ADDRESS_MAX])
{
	char key[44];

	if (!gate || i >= gate->listeners.n)
		return false;
	transport_key_text(gate->key, key);
	(void)snprintf(ret, GATE_ADDRESS_MAX, "wat://%s@%s", key, gate->listeners.places[i].text);
	return true;
}

const char *gate_socket(const struct gate *gate)
{
	return gate && gate->socket ? listener_path(gate->socket) : "";
}

static void tell_addresses(const struct gate *gate)
{
	char address[GATE_ADDRESS_MAX];

	for (size_t i = 0; gate_address(gate, i, address); i++)
		log_info("listening", "address", address);
}

static int open_all(struct gate *gate, struct activation *passed)
{
	struct event_base *base = gate->node->base;
	int r = open_key(gate->node->options, &gate->key);

	if (r == 0)
		r = adopt_sockets(gate, passed);
	if (r == 0)
		r = open_sockets(gate);
	if (r < 0)
		return r;
	gate->timer = evtimer_new(base, on_timer, gate);
	gate->end = evtimer_new(base, on_ending, gate);
	return gate->timer && gate->end ? 0 : -ENOMEM;
}

int gate_new(struct node *node, struct activation *passed, struct gate **ret)
{
	struct gate *gate;
	int r;

	*ret = NULL;
	if (!node->options->listen && !node->options->gate_socket && passed->n_tcp == 0)
		return 0;
	gate = calloc(1, sizeof *gate);
	if (!gate)
		return -ENOMEM;
	*gate = (struct gate){.node = node, .pidfd = -1};
	stream_init(&gate->link, -1, 0);
	r = open_all(gate, passed);
	if (r < 0) {
		gate_free(gate);
		return r;
	}
	tell_addresses(gate);
	start(gate);
	*ret = gate;
	return 0;
}

struct gate *gate_free(struct gate *gate)
{
	if (!gate)
		return NULL;
	if (is_running(gate)) {
		kill_process(gate);
		(void)waitpid(gate->pid, NULL, 0);
	}
	forget_process(gate);
	if (gate->timer)
		event_free(gate->timer);
	if (gate->end)
		event_free(gate->end);
	gate_listeners_close(&gate->listeners);
	listener_free(gate->socket);
	transport_key_free(gate->key);
	free(gate);
	return NULL;
}

int gate_print_addresses(const struct options *options)
{
	struct gate_place places[GATE_LISTENERS_MAX];
	struct transport_key *key;
	char text[44];
	size_t n;
	int r;

	if (!options->listen) {
		fputs("watd: listen is not set; expected ADDRESS:PORT, also where the service "
		      "manager opens the socket\n",
		      stderr);
		return EX_CONFIG;
	}
	r = gate_places(options->listen, places, &n);
	if (r == 0)
		r = make_directory(options->state_dir, 0700);
	if (r == 0)
		r = open_key(options, &key);
	if (r < 0)
		return EX_CONFIG;
	transport_key_text(key, text);
	for (size_t i = 0; i < n; i++)
		printf("wat://%s@%s\n", text, places[i].text);
	transport_key_free(key);
	return EXIT_SUCCESS;
}
