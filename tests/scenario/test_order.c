/* test_order.c - one service, one order: of the calls of a client, of the replies of a channel, of
 * everything that many clients do at the same time. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counter.client.h"
#include "ledger.client.h"
#include "probe.client.h"
#include "tests/lib/cases.h"
#include "tests/lib/daemon.h"
#include "tests/lib/linear_model.h"
#include "tests/scenario/record.h"

/* The first are threads of this process, the others processes. Each has a connection of its own. */
#define THREADS (RECORD_CLIENTS / 2)

struct world {
	struct test_daemon daemon;
	wat *w;
	wat_node *node;
	wat_capability *admin; /* of the service that is recorded */
	struct record *record;
	int record_fd;
	struct linear_client history[RECORD_CLIENTS];
};

static void connect_world(struct world *t, const char *plugin_dir)
{
	test_daemon_init(&t->daemon, plugin_dir);
	test_daemon_start(&t->daemon);
	assert_int_equal(wat_connect(t->daemon.admin_socket, &t->w), 0);
	assert_int_equal(wat_node_open(t->w, &t->node), 0);
}

static void spawn_service(struct world *t, enum record_service service, uint32_t tier)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	int r;

	spawn.tier = tier;
	r = service == RECORD_LEDGER
		    ? ledger_spawn(t->node, "s1", &spawn, NULL, (ledger_admin **)&t->admin)
		    : counter_spawn(t->node, "s1", &spawn, NULL, (counter_admin **)&t->admin);
	if (r != 0)
		fail_msg("spawn: %s", wat_failure()->text);
}

/* Every client with a grant of its own, and windows from blocking to deep. */
static void plan_clients(struct world *t, enum record_service service, const uint32_t windows[4])
{
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++) {
		struct record_plan *plan = &t->record->clients[c].plan;
		struct wat_grant grant = WAT_GRANT_INIT;
		char name[16], *token = NULL;

		snprintf(name, sizeof name, "u%u", c);
		grant.name = name;
		assert_int_equal(wat_provision_raw(t->admin, &grant, &token), 0);
		plan->service = service;
		plan->window = windows[c % 4];
		plan->n_calls = t->record->n_calls;
		plan->seed = c + 1;
		snprintf(plan->socket, sizeof plan->socket, "%s", t->daemon.socket);
		assert_true((size_t)snprintf(plan->token, sizeof plan->token, "%s", token) <
			    sizeof plan->token);
		wat_memory_free(token);
	}
}

static void begin(struct world *t,
		  enum record_service service,
		  uint32_t tier,
		  uint32_t n_calls,
		  const uint32_t windows[4])
{
	connect_world(t, service == RECORD_LEDGER ? WAT_BUILD_DIR "/tests/plugins" : NULL);
	spawn_service(t, service, tier);
	assert_int_equal(record_new(n_calls, &t->record, &t->record_fd), 0);
	plan_clients(t, service, windows);
}

static void end(struct world *t)
{
	if (t->record) {
		record_free(t->record);
		close(t->record_fd);
	}
	wat_capability_free(t->admin);
	wat_node_free(t->node);
	wat_free(t->w);
	assert_int_equal(test_daemon_terminate(&t->daemon), 0);
	test_daemon_deinit(&t->daemon);
}

struct thread {
	struct record *record;
	uint32_t number;
	int r;
	pthread_t id;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;

	thread->r = record_run(thread->record, thread->number);
	return NULL;
}

static pid_t start_process(const struct world *t, uint32_t number)
{
	posix_spawn_file_actions_t actions;
	char text[8], *arguments[] = {(char *)"record-client", text, NULL};
	pid_t pid;

	snprintf(text, sizeof text, "%u", number);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, t->record_fd, RECORD_FD), 0);
	assert_int_equal(posix_spawn(&pid, WAT_BUILD_DIR "/bin/record-client", &actions, NULL,
				     arguments, environ),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* All clients at once, to their ends; what they noted is in t->history then. */
static void run_clients(struct world *t)
{
	struct thread threads[THREADS];
	pid_t pids[RECORD_CLIENTS];

	for (uint32_t c = THREADS; c < RECORD_CLIENTS; c++)
		pids[c] = start_process(t, c);
	for (uint32_t c = 0; c < THREADS; c++) {
		threads[c] = (struct thread){.record = t->record, .number = c};
		assert_int_equal(pthread_create(&threads[c].id, NULL, run_thread, &threads[c]), 0);
	}
	for (uint32_t c = 0; c < THREADS; c++) {
		assert_int_equal(pthread_join(threads[c].id, NULL), 0);
		assert_int_equal(threads[c].r, 0);
	}
	for (uint32_t c = THREADS; c < RECORD_CLIENTS; c++) {
		int status = -1, expected = t->record->clients[c].plan.kill_at ? SIGKILL : 0;

		assert_int_equal(waitpid(pids[c], &status, 0), pids[c]);
		assert_int_equal(status, expected);
	}
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		t->history[c] = record_history(t->record, c);
}

/* Replies of a channel come in the order of its calls. */
static void assert_replies_in_order(const struct world *t)
{
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		assert_int_equal(t->record->clients[c].n_disordered, 0);
}

static void explain(const struct world *t, const struct linear_report *report)
{
	print_error("%zu calls placed in %llu steps; what could not be placed next:\n",
		    report->n_placed, (unsigned long long)report->steps);
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++) {
		const struct linear_op *op;

		if (report->next[c] >= t->history[c].n)
			continue;
		op = &t->history[c].ops[report->next[c]];
		print_error("client %2u call %zu [%llu, %llu] what %u at %u in %lld %lld: status "
			    "%d out %lld place %llu\n",
			    c, report->next[c], (unsigned long long)op->invoked,
			    (unsigned long long)op->responded, op->what, op->at, (long long)op->in,
			    (long long)op->in_2, op->status, (long long)op->out,
			    (unsigned long long)op->hint);
	}
}

static void assert_linear(const struct world *t, const struct linear_model *model)
{
	struct linear_report report = {0};
	int r = linear_search(model, t->history, RECORD_CLIENTS, 1000000, &report);

	if (r == LINEAR_YES)
		return;
	explain(t, &report);
	fail_msg("the history has no order: %d", r);
}

/* The place that each answer names is that order, too. */
static void assert_order_as_told(const struct world *t, const struct linear_model *model)
{
	struct linear_report report = {0};
	int r = linear_follow(model, t->history, RECORD_CLIENTS, &report);

	if (r == LINEAR_YES)
		return;
	explain(t, &report);
	fail_msg("the order that the answers tell is none: %d", r);
}

static void note_panic(struct world *t, const char *line)
{
	const char *at = strstr(line, "write ");
	long long value, place;
	uint64_t client;

	if (!at || sscanf(at, "write %lld was place %lld", &value, &place) != 2)
		return;
	/* As record_run chooses it: client and call. */
	client = ((uint64_t)value >> 32) - 1;
	assert_true(client < RECORD_CLIENTS);
	assert_true((value & INT64_C(0xffffffff)) < (int64_t)t->history[client].n);
	((struct linear_op *)t->history[client].ops)[value & INT64_C(0xffffffff)].hint =
		(uint64_t)place;
}

static bool has_all_places(const struct world *t)
{
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		for (size_t i = 0; i < t->history[c].n; i++)
			if (t->history[c].ops[i].hint == 0)
				return false;
	return true;
}

/* The client of a panic is not told what it said: the log is. Its lines come on their own way. */
static void read_places_of_panics(struct world *t)
{
	char path[128], line[4096];
	struct test_output out;

	snprintf(path, sizeof path, "%s/log", t->daemon.dir);
	do {
		FILE *log = fopen(path, "r");

		assert_non_null(log);
		while (fgets(line, sizeof line, log))
			note_panic(t, line);
		fclose(log);
		test_watctl(&t->daemon, &out, "show", "s1", NULL);
		assert_int_equal(out.code, 0);
	} while (!has_all_places(t));
}

/* The n-th answered pull of the history that got something. */
static struct linear_op *nth_pull(struct world *t, size_t n)
{
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		for (uint32_t i = 0; i < t->record->clients[c].n_made; i++) {
			struct linear_op *op = &record_ops(t->record, c)[i];

			if (op->what == LEDGER_PULL && op->status == 0 && n-- == 0)
				return op;
		}
	fail_msg("too few pulls");
	return NULL;
}

/* A history in which nothing ever was refused or nothing ever was done would prove little. */
static void assert_lively(const struct world *t)
{
	size_t n[LEDGER_WHATS][2] = {{0}};

	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		for (size_t i = 0; i < t->history[c].n; i++)
			n[t->history[c].ops[i].what][t->history[c].ops[i].status == 0]++;
	for (int what = 0; what < LEDGER_WHATS; what++) {
		bool fails = what >= LEDGER_WRITE_THEN_FAIL;
		bool both = what == LEDGER_SWAP || what == LEDGER_PUSH || what == LEDGER_PULL;

		assert_true((n[what][1] > 0) == !fails);
		assert_true((n[what][0] > 0) == (fails || both));
	}
}

static void assert_not_linear(const struct world *t)
{
	struct linear_report report = {0};
	int r = linear_search(&linear_ledger, t->history, RECORD_CLIENTS, 100000, &report);

	assert_true(r == LINEAR_NO || r == LINEAR_GAVE_UP);
}

/* The same history with one answer changed has no order: one element twice, a read of what was
 * never written, a write that was lost. */
static void assert_notices(struct world *t)
{
	struct linear_op *pull = nth_pull(t, 20), was = *pull;

	pull->out = nth_pull(t, 50)->out;
	assert_not_linear(t);
	*pull = was;
	pull->status = WAT_NOT_FOUND;
	assert_not_linear(t);
	*pull = was;
	pull->what = LEDGER_READ;
	pull->out = -1;
	assert_not_linear(t);
	*pull = was;
	assert_linear(t, &linear_ledger);
}

static uint32_t tier_of(void **state)
{
	return (uint32_t)(uintptr_t)*state;
}

/* 16 clients, in threads and in processes, blocking and with up to 16 calls under way, read, write,
 * swap, push and pull: what they saw is what one at a time would have given, in an order that
 * contradicts neither time nor any client. row 12 */
static void test_history(void **state)
{
	static const uint32_t windows[] = {0, 1, 4, 16};
	struct world t = {0};

	begin(&t, RECORD_LEDGER, tier_of(state), 400, windows);
	run_clients(&t);
	assert_replies_in_order(&t);
	assert_lively(&t);
	read_places_of_panics(&t);
	assert_linear(&t, &linear_ledger);
	assert_order_as_told(&t, &linear_ledger);
	assert_notices(&t);
	end(&t);
}

static int64_t stop_counter(struct world *t)
{
	counter_state *final = NULL;
	int64_t value;

	assert_int_equal(counter_stop((counter_admin *)t->admin, &final), 0);
	value = final->value;
	counter_state_free(final);
	return value;
}

/* 16 clients increment 10,000 times each, without a lock in the service: 160,000, and each number
 * was given once, to a call that was under way when its turn came. row 11 */
static void test_sum(void **state)
{
	static const uint32_t windows[] = {256, 64, 256, 16};
	struct world t = {0};

	begin(&t, RECORD_COUNTER, tier_of(state), 10000, windows);
	t.record->clients[0].plan.window = t.record->clients[THREADS].plan.window = 0;
	run_clients(&t);
	assert_replies_in_order(&t);
	assert_order_as_told(&t, &linear_counter);
	assert_int_equal(stop_counter(&t), 160000);
	end(&t);
}

/* Clients that are killed in the middle of their calls: whatever they had sent is done, in its
 * order, the others don't notice, and for the service nothing has happened. rows 12 and 44 */
static void test_killed_clients(void **state)
{
	static const uint32_t windows[] = {0, 4, 16, 64};
	struct world t = {0};
	struct test_output out;
	int64_t n_made = 0;

	begin(&t, RECORD_COUNTER, tier_of(state), 500, windows);
	for (uint32_t c = THREADS; c < RECORD_CLIENTS; c += 2)
		t.record->clients[c].plan.kill_at = 100 + 10 * c;
	run_clients(&t);
	for (uint32_t c = 0; c < RECORD_CLIENTS; c++)
		n_made += t.record->clients[c].n_made;
	assert_true(n_made < RECORD_CLIENTS * 500);
	assert_replies_in_order(&t);
	assert_linear(&t, &linear_counter);
	test_watctl(&t.daemon, &out, "-j", "show", "s1", NULL);
	assert_non_null(strstr(out.out, "\"deaths\":0"));
	assert_non_null(strstr(out.out, "\"generation\":1,"));
	assert_int_equal(stop_counter(&t), n_made);
	assert_false(test_daemon_logged(&t.daemon, "died"));
	end(&t);
}

/* What was answered, a letter each. */
struct sequence {
	char text[64];
	size_t n;
};

struct expected_answer {
	struct sequence *sequence;
	char letter;
	int status;
};

static void note_letter(const struct expected_answer *answer, int status)
{
	struct sequence *sequence = answer->sequence;

	assert_int_equal(status, answer->status);
	assert_true(sequence->n < sizeof sequence->text - 1);
	sequence->text[sequence->n++] = answer->letter;
}

static void on_probe(void *arg,
		     int status,
		     const probe_value *out,
		     const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	note_letter(arg, status);
}

static void on_size(void *arg, int status, const probe_size *out, const struct wat_failure *failure)
{
	(void)out;
	(void)failure;
	note_letter(arg, status);
}

/* One call for each letter: w waits, a adds, f adds and fails, p answers at once though it might
 * answer later, g forgets to, r releases those that wait. */
static void send_letters(probe_user *user, struct expected_answer *answers, const char *letters)
{
	probe_change change = PROBE_CHANGE_INIT;
	int r = 0;

	change.n = 1;
	for (; *letters && r == 0; letters++, answers++) {
		answers->letter = *letters;
		if (*letters == 'w')
			r = probe_wait_send(user, NULL, on_probe, answers);
		else if (*letters == 'a')
			r = probe_add_send(user, &change, on_probe, answers);
		else if (*letters == 'f')
			r = probe_add_then_fail_send(user, &change, on_probe, answers);
		else if (*letters == 'p')
			r = probe_prompt_send(user, &change, on_probe, answers);
		else if (*letters == 'g')
			r = probe_forget_send(user, &change, on_probe, answers);
		else
			r = probe_release_send(user, &change, on_size, answers);
	}
	assert_int_equal(r, 0);
}

static void prepare(struct expected_answer *answers,
		    size_t n,
		    struct sequence *sequence,
		    const char *letters)
{
	for (size_t i = 0; i < n; i++)
		answers[i] = (struct expected_answer){.sequence = sequence,
						      .status = letters[i] == 'f'
									? WAT_FAILED_PRECONDITION
								: letters[i] == 'g' ? WAT_INTERNAL
										    : 0};
}

/* Replies come in the order of the calls, failures among them; a call whose method answers later
 * holds up none of those behind it, and is answered when the service says so. row 12 */
static void test_later(void **state)
{
	static const char calls[] = "aawapfawgapr", replies[] = "aaapfagapwwr";
	struct expected_answer answers[sizeof calls - 1], other_answers[1];
	struct sequence sequence = {{0}, 0}, other_sequence = {{0}, 0};
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	probe_user *user = NULL, *other = NULL;
	struct world t = {0};

	connect_world(&t, WAT_BUILD_DIR "/tests/plugins");
	spawn.tier = tier_of(state);
	assert_int_equal(probe_spawn(t.node, "p1", &spawn, NULL, (probe_admin **)&t.admin), 0);
	grant.name = "u1";
	assert_int_equal(probe_provision((probe_admin *)t.admin, &grant, &user), 0);
	grant.name = "u2";
	assert_int_equal(probe_provision((probe_admin *)t.admin, &grant, &other), 0);
	prepare(answers, sizeof calls - 1, &sequence, calls);
	prepare(other_answers, 1, &other_sequence, "w");
	send_letters(other, other_answers, "w");
	/* It is in the service before the others are sent. */
	assert_int_equal(probe_get(other, NULL, NULL), 0);
	send_letters(user, answers, calls);
	while (wat_outstanding(t.w) > 0)
		assert_int_equal(wat_dispatch(t.w, -1), 0);
	assert_string_equal(sequence.text, replies);
	assert_string_equal(other_sequence.text, "w");
	probe_user_free(user);
	probe_user_free(other);
	end(&t);
}

#define THREAD ((void *)(uintptr_t)WAT_TIER_THREAD)
#define PROCESS ((void *)(uintptr_t)WAT_TIER_PROCESS)
#define ON_BOTH(test)                                       \
	{#test "/thread", test, NULL, NULL, THREAD},        \
	{                                                   \
#test "/process", test, NULL, NULL, PROCESS \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_history),
		ON_BOTH(test_sum),
		ON_BOTH(test_killed_clients),
		ON_BOTH(test_later),
	};

	return test_run_cases(tests, NULL, NULL);
}
