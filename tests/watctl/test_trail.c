/* The audit: every grant, revocation, refusal, beginning, death and end is there, with who asked
 * for it and the invocation that is in the log too; a flood of refusals is a few rows; no token and
 * no key is in it, nor in the log. row 113 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include <sqlite3.h>

#include <wat/raw.h>

#include "proto/token.h"
#include "tests/watctl/ctl.h"

/* The events of a name (NULL: all), oldest first. */
static json_t *events_of(const char *name)
{
	json_t *view, *events;

	if (name)
		WATCTL("-j", "events", name, "-n", "all");
	else
		WATCTL("-j", "events", "-n", "all");
	assert_int_equal(out.code, 0);
	view = document();
	events = json_incref(json_object_get(view, "events"));
	json_decref(view);
	return events;
}

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	assert_non_null(text);
	return text;
}

/* The first of the kind; a failure if there is none. */
static const json_t *find(const json_t *events, const char *kind)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		if (strcmp(text_of(event, "kind"), kind) == 0)
			return event;
	}
	fail_msg("there is no event %s", kind);
	return NULL;
}

static void assert_kinds(const json_t *events, ...)
{
	const char *kind;
	va_list kinds;
	size_t i = 0;

	va_start(kinds, events);
	while ((kind = va_arg(kinds, const char *)))
		assert_string_equal(text_of(json_array_get(events, i++), "kind"), kind);
	va_end(kinds);
	assert_int_equal(json_array_size(events), i);
}

static void assert_logged(const json_t *event)
{
	char text[64];

	snprintf(text, sizeof text, "invocation=%s", text_of(event, "invocation"));
	assert_true(test_daemon_logged(&the_daemon, text));
}

static void assert_ours(const json_t *event)
{
	assert_number(event, "uid", (json_int_t)getuid());
	assert_true(json_integer_value(json_object_get(event, "pid")) > 0);
	assert_int_equal(strlen(text_of(event, "invocation")), 16);
	assert_logged(event);
}

static void assert_together(const json_t *events, size_t i, size_t j)
{
	assert_string_equal(text_of(json_array_get(events, i), "invocation"),
			    text_of(json_array_get(events, j), "invocation"));
}

/* A life from spawn to removal: each step once, in order, by us; what one call did bears one
 * invocation. */
static void test_life(void **state)
{
	const json_t *event;
	json_t *events;
	size_t i;

	(void)state;
	WATCTL("log-level", "info");
	WATCTL("spawn", "counter", "c1");
	WATCTL("provision", "c1", "bob");
	WATCTL("call", "c1", "Increment", "n=1");
	WATCTL("deprovision", "c1", "bob");
	WATCTL("kill", "c1");
	WATCTL("wait", "c1");
	WATCTL("stop", "c1");
	WATCTL("start", "c1");
	WATCTL("rm", "c1", "--force");
	assert_int_equal(out.code, 0);
	events = events_of("c1");
	assert_kinds(events, "spawn", "grant", "grant", "revoke", "kill", "death", "restart",
		     "stop", "start", "grant", "stop", "remove", NULL);
	json_array_foreach(events, i, event)
	{
		assert_ours(event);
		assert_string(event, "name", "c1");
	}
	assert_together(events, 0, 1);
	assert_together(events, 4, 5);
	assert_together(events, 4, 6);
	assert_together(events, 8, 9);
	assert_together(events, 10, 11);
	assert_string(json_array_get(events, 2), "user", "bob");
	assert_string(json_array_get(events, 2), "detail", "User");
	assert_string(json_array_get(events, 3), "user", "bob");
	assert_string_equal(text_of(json_array_get(events, 2), "grant"),
			    text_of(json_array_get(events, 3), "grant"));
	assert_number(json_array_get(events, 5), "generation", 1);
	assert_number(json_array_get(events, 6), "generation", 2);
	json_decref(events);
}

/* A death that nobody asked for has an invocation of its own, no peer, and says what it was; the
 * start after it bears the same. What fails to begin, and who is not let in, is there with the
 * reason. */
static void test_failures(void **state)
{
	json_t *events;

	(void)state;
	WATCTL("log-level", "info");
	WATCTL("spawn", "probe.Probe", "p1");
	WATCTL("provision", "p1", "me");
	WATCTL("call", "p1", "Crash");
	WATCTL("wait", "p1");
	events = events_of("p1");
	assert_kinds(events, "spawn", "grant", "grant", "death", "restart", NULL);
	assert_true(json_is_null(json_object_get(json_array_get(events, 3), "uid")));
	assert_string(json_array_get(events, 3), "status", "SERVER_DIED");
	assert_non_null(strstr(text_of(json_array_get(events, 3), "detail"), "signal 11"));
	assert_logged(json_array_get(events, 3));
	assert_together(events, 3, 4);
	json_decref(events);
	WATCTL("spawn", "probe.Probe", "p2", "note=refuse start");
	assert_int_equal(out.code, 1);
	events = events_of("p2");
	assert_kinds(events, "start-failed", NULL);
	assert_non_null(strstr(text_of(json_array_get(events, 0), "detail"), "told to refuse"));
	assert_ours(json_array_get(events, 0));
	json_decref(events);
	WATCTL("spawn", "guest.Desk", "d1", "provision=REFUSE");
	WATCTL("provision", "d1", "eve");
	assert_int_equal(out.code, 1);
	events = events_of("d1");
	assert_kinds(events, "spawn", "grant", "grant-refused", NULL);
	assert_string(json_array_get(events, 2), "user", "eve");
	assert_ours(json_array_get(events, 2));
	json_decref(events);
}

/* A token that was taken back, a method that a capability does not cover, the node capability where
 * it is not given: refusals, with the instance, the peer and the reason. rows 22, 23, 26 */
static void test_denials(void **state)
{
	const json_t *event;
	json_t *events;
	wat_node *node;
	char path[128];
	wat *w;

	(void)state;
	WATCTL("spawn", "counter", "c1");
	snprintf(path, sizeof path, "%s/bob.token", the_daemon.dir);
	WATCTL("provision", "c1", "bob", "--out", path);
	WATCTL("deprovision", "c1", "bob");
	WATCTL("call", "c1", "Get", "--token", path);
	assert_int_equal(out.code, 77);
	events = events_of("c1");
	event = find(events, "deny");
	assert_string(event, "status", "ACCESS_DENIED");
	assert_string(event, "detail", "the grant was taken back");
	assert_ours(event);
	json_decref(events);

	WATCTL("spawn", "counter", "c2");
	WATCTL("provision", "c2", "eve", "--methods", "Get");
	WATCTL("call", "c2", "Get");
	assert_int_equal(out.code, 0);
	WATCTL("call", "c2", "Increment", "n=1");
	assert_int_equal(out.code, 77);
	/* Its host tells watd before it hears of the stop. */
	WATCTL("stop", "c2");
	events = events_of("c2");
	event = find(events, "deny");
	assert_string(event, "user", "eve");
	assert_string(event, "detail", "this capability does not allow Increment");
	assert_ours(event);
	json_decref(events);

	assert_int_equal(wat_connect(the_daemon.socket, &w), 0);
	assert_int_equal(wat_node_open(w, &node), WAT_ACCESS_DENIED);
	wat_free(w);
	WATCTL("-j", "events", "-n", "all");
	assert_prints("the node capability is given on the admin socket only");
}

static char *read_file(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	char *bytes;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	bytes = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(bytes);
	*ret_n = fread(bytes, 1, (size_t)st.st_size, file);
	fclose(file);
	return bytes;
}

static char *make_revoked_token(const char *name)
{
	char path[128], *token;
	size_t n;

	WATCTL("spawn", "counter", name);
	snprintf(path, sizeof path, "%s/%s.token", the_daemon.dir, name);
	WATCTL("provision", name, "bob", "--out", path);
	WATCTL("deprovision", name, "bob");
	assert_int_equal(out.code, 0);
	token = read_file(path, &n);
	return token;
}

static void knock(wat *w, const char *token, unsigned n)
{
	wat_capability *user;

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(wat_capability_open(w, WAT_ROLE_USER, 0, token, &user),
				 WAT_ACCESS_DENIED);
}

/* Rows of refusals from the pid, and how many they stand for. */
static size_t count_denials(const json_t *events, json_int_t pid, json_int_t *ret_sum)
{
	const json_t *event;
	size_t n = 0, i;

	*ret_sum = 0;
	json_array_foreach(events, i, event)
	{
		if (strcmp(text_of(event, "kind"), "deny") != 0 ||
		    json_integer_value(json_object_get(event, "pid")) != pid)
			continue;
		*ret_sum += json_integer_value(json_object_get(event, "count"));
		n++;
	}
	return n;
}

static uint64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/* Three thousand refusals of one peer are at most two rows a second, and none is uncounted. */
static void test_flood(void **state)
{
	uint64_t began = now_s(), seconds;
	json_t *events;
	json_int_t sum;
	char *token;
	size_t n;
	wat *w;

	(void)state;
	token = make_revoked_token("c1");
	assert_int_equal(wat_connect(the_daemon.socket, &w), 0);
	knock(w, token, 3000);
	wat_free(w);
	free(token);
	/* What is held back is written at the end. */
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	seconds = now_s() - began + 1;
	test_daemon_start(&the_daemon);
	events = events_of("c1");
	n = count_denials(events, getpid(), &sum);
	assert_true(n >= 2 && n <= 2 * (seconds + 1));
	assert_int_equal(sum, 3000);
	json_decref(events);
}

/* BINDs that succeed are there while the log is at debug, and else not. */
static void test_binds(void **state)
{
	json_t *events;

	(void)state;
	WATCTL("log-level", "info");
	WATCTL("spawn", "counter", "c1");
	WATCTL("provision", "c1", "bob");
	WATCTL("call", "c1", "Get");
	events = events_of("c1");
	assert_kinds(events, "spawn", "grant", "grant", NULL);
	json_decref(events);
	WATCTL("log-level", "debug");
	WATCTL("call", "c1", "Get");
	events = events_of("c1");
	assert_kinds(events, "spawn", "grant", "grant", "bind", NULL);
	assert_string(json_array_get(events, 3), "user", "bob");
	assert_string(json_array_get(events, 3), "detail", "User");
	json_decref(events);
}

/* Every run of so many bytes of a secret is looked for, raw and in hexadecimal. */
static void assert_absent(const char *where,
			  const char *bytes,
			  size_t n,
			  const uint8_t *secret,
			  size_t n_secret)
{
	char hex[33];

	for (size_t i = 0; i + 16 <= n_secret; i += 16) {
		sodium_bin2hex(hex, sizeof hex, secret + i, 16);
		if (memmem(bytes, n, secret + i, 16) || memmem(bytes, n, hex, 32))
			fail_msg("a secret stands in %s", where);
	}
}

static void assert_file_without(const char *file, const uint8_t *secret, size_t n_secret)
{
	char path[128], *bytes;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", the_daemon.dir, file);
	bytes = read_file(path, &n);
	assert_true(n > 0);
	assert_absent(path, bytes, n, secret, n_secret);
	assert_null(memmem(bytes, n, "wats1_", 6));
	assert_null(memmem(bytes, n, "watc1_", 6));
	free(bytes);
}

/* All that the audit holds, as bytes one after another. */
static char *dump_events(size_t *ret_n)
{
	sqlite3_stmt *statement;
	char path[128], *dump;
	sqlite3 *db;
	FILE *to;

	snprintf(path, sizeof path, "%s/state/watd.db", the_daemon.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM events", -1, &statement, NULL),
			 SQLITE_OK);
	to = open_memstream(&dump, ret_n);
	assert_non_null(to);
	while (sqlite3_step(statement) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			int n = sqlite3_column_bytes(statement, i);

			if (n > 0)
				fwrite(sqlite3_column_blob(statement, i), 1, (size_t)n, to);
		}
	fclose(to);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return dump;
}

/* No seed and no issuing key is in the log or in the database; the audit has no part of a token
 * either: no signature, no holder's key. rows 29, 113 */
static void test_secrets(void **state)
{
	static const char *const files[] = {"log", "state/watd.db"};
	char *text, *key, *dump, path[128];
	struct token token;
	size_t n_key, n_dump;

	(void)state;
	text = make_revoked_token("c1");
	WATCTL("call", "c1", "Get");
	WATCTL("rm", "-f", "c1");
	assert_int_equal(token_from_text(text, &token), TOKEN_OK);
	assert_true(token.has_seed);
	assert_int_equal(test_daemon_terminate(&the_daemon), 0);
	snprintf(path, sizeof path, "%s/state/node.key", the_daemon.dir);
	key = read_file(path, &n_key);
	assert_int_equal(n_key, 32);
	for (size_t i = 0; i < 2; i++) {
		assert_file_without(files[i], token.seed, sizeof token.seed);
		assert_file_without(files[i], (const uint8_t *)key, n_key);
	}
	dump = dump_events(&n_dump);
	assert_true(n_dump > 100);
	/* It would be found: the grant's id is no secret, and is there. */
	assert_non_null(memmem(dump, n_dump, token.grant_id, sizeof token.grant_id));
	assert_absent("the audit", dump, n_dump, token.sig, sizeof token.sig);
	assert_absent("the audit", dump, n_dump, token.holder_pk, sizeof token.holder_pk);
	free(dump);
	free(key);
	free(text);
}

#define WITH(plugins, test) cmocka_unit_test_setup_teardown(test, plugins, ctl_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(ctl_start, test_life),    WITH(ctl_start_with_test_plugins, test_failures),
		WITH(ctl_start, test_denials), WITH(ctl_start, test_flood),
		WITH(ctl_start, test_binds),   WITH(ctl_start, test_secrets),
	};

	return test_run_cases(tests, NULL, NULL);
}
