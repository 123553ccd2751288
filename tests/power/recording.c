/* recording.c - a watd under the layer, and its clients. One thread. */
#include "tests/power/recording.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

const struct recording_instance recording_instances[STORY_INSTANCES] = {
	{"crash-process", WAT_TIER_PROCESS, WAT_DURABILITY_CRASH},
	{"sync-process", WAT_TIER_PROCESS, WAT_DURABILITY_SYNC},
	{"sync-thread", WAT_TIER_THREAD, WAT_DURABILITY_SYNC},
	{"crash-thread", WAT_TIER_THREAD, WAT_DURABILITY_CRASH},
	{"none-process", WAT_TIER_PROCESS, WAT_DURABILITY_NONE},
};

static void mark(struct recording *recording,
		 enum story_mark what,
		 unsigned instance,
		 unsigned client,
		 uint64_t number)
{
	power_log_mark(recording->log, what, instance * 16 + client, number);
}

/* Copies, for a program finds what is beside it by its own path. */
static void copy_program(const char *from, const char *dir, const char *name)
{
	char path[128], bytes[65536];
	_cleanup_(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof bytes)) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	assert_int_equal(n, 0);
}

static void make_dir(const struct recording *recording, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", recording->daemon.dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void put_in_place(struct recording *recording)
{
	char path[128], options[512];
	const char *given = getenv("ASAN_OPTIONS");
	struct stat st;

	make_dir(recording, "state");
	(void)snprintf(path, sizeof path, "%s/state", recording->daemon.dir);
	assert_int_equal(stat(path, &st), 0);
	recording->root = (uint64_t)st.st_ino;
	make_dir(recording, "bin");
	make_dir(recording, "libexec");
	copy_program(WAT_BUILD_DIR "/bin/watd", recording->daemon.dir, "bin/watd");
	copy_program(POWER_WRAP, recording->daemon.dir, "bin/watd-under-layer");
	copy_program(POWER_WRAP, recording->daemon.dir, "libexec/watd-host");
	(void)snprintf(path, sizeof path, "%s/log-of-power", recording->daemon.dir);
	assert_int_equal(power_log_make(path, (uint64_t)st.st_dev, &recording->log), 0);
	(void)snprintf(path, sizeof path, "%s/bin/watd-under-layer", recording->daemon.dir);
	assert_int_equal(setenv("WAT_TEST_WATD", path, 1), 0);
	(void)snprintf(options, sizeof options, "%s%sverify_asan_link_order=0", given ? given : "",
		       given ? ":" : "");
	assert_int_equal(setenv("ASAN_OPTIONS", options, 1), 0);
}

void recording_start(struct recording *recording)
{
	test_daemon_start(&recording->daemon);
	mark(recording, STORY_READY, 0, 0, 0);
}

static void spawn(struct recording *recording, unsigned instance)
{
	struct wat_spawn given = WAT_SPAWN_INIT;

	given.tier = recording_instances[instance].tier;
	given.durability = recording_instances[instance].durability;
	if (ballot_spawn(recording->node, recording_instances[instance].name, &given, NULL,
			 &recording->admins[instance]) != 0)
		fail_msg("spawn: %s", wat_failure()->text);
	mark(recording, STORY_SPAWNED, instance, 0, 0);
}

void recording_grant(struct recording *recording, unsigned instance, unsigned client)
{
	struct wat_grant grant = WAT_GRANT_INIT;
	ballot_user *user;
	char name[16], *token;

	(void)snprintf(name, sizeof name, "u%u", client);
	grant.name = name;
	assert_int_equal(ballot_provision(recording->admins[instance], &grant, &user), 0);
	assert_int_equal(ballot_user_token(user, &token), 0);
	mark(recording, STORY_GRANTED, instance, client, 0);
	ballot_user_free(user);
	teller_init(&recording->tellers[instance][client], client, token);
}

void recording_revoke(struct recording *recording, unsigned instance, unsigned client)
{
	char name[16];

	(void)snprintf(name, sizeof name, "u%u", client);
	mark(recording, STORY_REVOKING, instance, client, 0);
	assert_int_equal(ballot_deprovision(recording->admins[instance], name), 0);
	mark(recording, STORY_REVOKED, instance, client, 0);
}

void recording_begin(struct recording *recording)
{
	test_daemon_init(&recording->daemon, POWER_PLUGINS);
	put_in_place(recording);
	recording_start(recording);
	assert_int_equal(wat_connect(recording->daemon.admin_socket, &recording->admin_side), 0);
	wat_set_timeout(recording->admin_side, 60000);
	wat_set_reconnect(recording->admin_side, 60000);
	assert_int_equal(wat_node_open(recording->admin_side, &recording->node), 0);
	for (unsigned i = 0; i < STORY_INSTANCES; i++) {
		spawn(recording, i);
		for (unsigned c = 0; c <= STORY_READER; c++)
			recording_grant(recording, i, c);
	}
}

/* Calls */

/* What its durability gave away: the client goes on from where the service is. */
static void go_back(struct recording *recording, unsigned instance, struct teller *teller)
{
	uint64_t to = teller->lane.resumed ? teller->lane.last_applied : 0;

	assert_int_equal(recording_instances[instance].durability, WAT_DURABILITY_NONE);
	if (!teller->lane.resumed) {
		teller->lane.resume = false;
		assert_int_equal(teller_bind(teller, recording->daemon.socket), 0);
	}
	teller->sent = teller->answered = to;
	mark(recording, STORY_BACK, instance, teller->client, to);
}

static void bind_again(struct recording *recording, unsigned instance, struct teller *teller)
{
	bool known = teller->lane.resume;
	int r;

	while ((r = teller_bind(teller, recording->daemon.socket)) != 0)
		if (r > 0 && r != WAT_UNAVAILABLE)
			fail_msg("%s: BIND: %s", recording_instances[instance].name,
				 wat_status_name(r));
	if (known && (!teller->lane.resumed || teller->lane.last_applied < teller->answered))
		go_back(recording, instance, teller);
	for (uint64_t n = teller->answered + 1; n <= teller->sent; n++)
		teller_put(teller, n);
}

static void send_calls(struct recording *recording,
		       unsigned instance,
		       struct teller *teller,
		       unsigned n)
{
	if (!teller->bound)
		bind_again(recording, instance, teller);
	for (unsigned i = 0; i < n; i++) {
		teller->sent++;
		mark(recording, STORY_SENT, instance, teller->client, teller->sent);
		teller_put(teller, teller->sent);
	}
}

static void take_answers(struct recording *recording, unsigned instance, struct teller *teller)
{
	while (teller->answered < teller->sent) {
		uint64_t number, place;
		int r = teller_take(teller, &number, &place);

		if (r < 0) {
			bind_again(recording, instance, teller);
			continue;
		}
		if (r > 0)
			fail_msg("%s: call %llu: %s", recording_instances[instance].name,
				 (unsigned long long)number, wat_status_name(r));
		assert_int_equal(number, teller->answered + 1);
		teller->answered = number;
		mark(recording, STORY_ANSWERED, instance, teller->client, number << 32 | place);
	}
}

void recording_call(struct recording *recording,
		    unsigned n,
		    void (*meanwhile)(struct recording *, unsigned),
		    unsigned argument)
{
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		for (unsigned c = 0; !recording->stopped[i] && c < STORY_CLIENTS; c++)
			send_calls(recording, i, &recording->tellers[i][c], n);
	if (meanwhile)
		meanwhile(recording, argument);
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		for (unsigned c = 0; !recording->stopped[i] && c < STORY_CLIENTS; c++)
			take_answers(recording, i, &recording->tellers[i][c]);
}

/* Deaths: with the lock, so that nobody has it who dies. */

static int host_of(const struct recording *recording, unsigned instance)
{
	static struct test_output out;
	const char *at;
	int pidfd;

	test_watctl(&recording->daemon, &out, "-j", "show", recording_instances[instance].name,
		    NULL);
	at = out.code == 0 ? strstr(out.out, "\"pid\":") : NULL;
	pidfd = at && atoi(at + 6) > 0 ? (int)syscall(SYS_pidfd_open, atoi(at + 6), 0) : -1;
	return pidfd;
}

static void wait_for_end(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0)
		assert_int_equal(poll(&ended, 1, -1), 1);
}

void recording_kill_host(struct recording *recording, unsigned instance)
{
	_cleanup_(fd_closep) int pidfd = host_of(recording, instance);

	if (pidfd < 0)
		return;
	power_log_lock(recording->log);
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	wait_for_end(pidfd);
	power_log_unlock(recording->log);
}

void recording_end_watd(struct recording *recording)
{
	int hosts[STORY_INSTANCES];

	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		hosts[i] = recording->stopped[i] ? -1 : host_of(recording, i);
	power_log_lock(recording->log);
	test_daemon_kill(&recording->daemon);
	for (unsigned i = 0; i < STORY_INSTANCES; i++) {
		wait_for_end(hosts[i]);
		hosts[i] = fd_close(hosts[i]);
	}
	power_log_unlock(recording->log);
}

void recording_kill_watd(struct recording *recording, unsigned unused)
{
	(void)unused;
	recording_end_watd(recording);
	recording_start(recording);
}

void recording_restart(struct recording *recording)
{
	assert_int_equal(test_daemon_terminate(&recording->daemon), 0);
	recording_start(recording);
}

void recording_stop(struct recording *recording, unsigned instance)
{
	ballot_state *final = NULL;

	mark(recording, STORY_STOPPING, instance, 0, 0);
	assert_int_equal(ballot_stop(recording->admins[instance], &final), 0);
	mark(recording, STORY_STOPPED, instance, 0, final->place);
	ballot_state_free(final);
	recording->stopped[instance] = true;
}

void recording_end(struct recording *recording)
{
	for (unsigned i = 0; i < STORY_INSTANCES; i++) {
		for (unsigned c = 0; c < STORY_GRANTS; c++)
			teller_unbind(&recording->tellers[i][c]);
		ballot_admin_free(recording->admins[i]);
	}
	wat_node_free(recording->node);
	wat_free(recording->admin_side);
	assert_int_equal(test_daemon_terminate(&recording->daemon), 0);
	assert_int_equal(unsetenv("WAT_TEST_WATD"), 0);
}

void recording_free(struct recording *recording)
{
	for (unsigned i = 0; i < STORY_INSTANCES; i++)
		for (unsigned c = 0; c < STORY_GRANTS; c++)
			teller_deinit(&recording->tellers[i][c]);
	power_log_unmap(recording->log);
	test_daemon_deinit(&recording->daemon);
}
