/* test_remote.c - libwat over TCP: addresses, keys and their file, handles in place of channels,
 * and what becomes of calls when a connection or a channel ends. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wat/raw.h>

#include "proto/overload.h"
#include "proto/token.h"
#include "tests/client/remote_fake.h"
#include "tests/lib/cases.h"

/* The file of known daemons is one in the case's own directory. */
static char known_path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(known_path, sizeof known_path, "%s/known_daemons", getenv("TMPDIR"));
	setenv("WAT_KNOWN_DAEMONS", known_path, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(known_path);
	return 0;
}

static void write_known(const char *text)
{
	FILE *file = fopen(known_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static wat *connected(const char *address)
{
	wat *w = NULL;
	int r = wat_connect(address, &w);

	if (r != 0)
		fail_msg("%s: %d %s", address, r, wat_failure()->text);
	return w;
}

static void refused(const char *address, int status, const char *text)
{
	wat *w = NULL;

	assert_int_equal(wat_connect(address, &w), status);
	assert_null(w);
	assert_int_equal(wat_failure()->status, status);
	if (!strstr(wat_failure()->text, text))
		fail_msg("\"%s\" does not have \"%s\"", wat_failure()->text, text);
}

static wat_capability *user_of(wat *w)
{
	struct token token = {.role = TOKEN_USER, .not_after = UINT64_MAX, .has_seed = true};
	wat_capability *user = NULL;
	char text[TOKEN_TEXT_MAX];
	uint8_t sk[64];

	memset(token.seed, 7, sizeof token.seed);
	crypto_sign_seed_keypair(token.holder_pk, sk, token.seed);
	token_to_text(&token, text);
	assert_int_equal(wat_capability_open(w, WAT_ROLE_USER, 0, text, &user), 0);
	return user;
}

static int call(wat_capability *user, uint16_t method, const char *text)
{
	uint8_t *reply = NULL;
	size_t n = 0;
	int r = wat_call_raw(user, method, 0, 0, text, strlen(text), &reply, &n);

	if (r == 0) {
		assert_int_equal(n, strlen(text));
		assert_memory_equal(reply, text, n);
	}
	wat_memory_free(reply);
	return r;
}

/* A User is bound and called over TCP, with a proof that is good for this connection only; giving
 * the handle back is told (row 38). */
static void test_call(void **state)
{
	struct remote_fake fake;
	wat_capability *user, *other;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	other = user_of(w);
	assert_int_equal(call(user, REMOTE_ECHO, "one"), 0);
	assert_int_equal(call(other, REMOTE_ECHO, "two"), 0);
	assert_int_equal(call(user, REMOTE_ECHO, "three"), 0);
	wat_capability_free(user);
	/* Its answer comes after the DROP was read. */
	assert_int_equal(call(other, REMOTE_ECHO, "four"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_drops), 1);
	assert_int_equal(remote_fake_count(&fake, &fake.n_wrong_proofs), 0);
	wat_capability_free(other);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* Large requests and replies go through, in both directions at once. */
static void test_large(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	char *text = malloc(900001);
	wat *w;

	(void)state;
	memset(text, 'x', 900000);
	text[900000] = '\0';
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	for (int i = 0; i < 5; i++)
		assert_int_equal(call(user, REMOTE_ECHO, text), 0);
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
	free(text);
}

/* A connection without encryption works on this machine, and with no other one (row 38). */
static void test_plain(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	remote_fake_start(&fake, true);
	w = connected(fake.address);
	user = user_of(w);
	assert_int_equal(call(user, REMOTE_ECHO, "in the clear"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_wrong_proofs), 0);
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
	refused("wat+insecure://192.0.2.1:9", -EACCES, "not on this machine");
	refused("wat+insecure://[2001:db8::1]:9", -EACCES, "not on this machine");
}

/* An address that is none is refused with what is wrong with it, and nobody is asked. */
static void test_addresses(void **state)
{
	static const char *const addresses[][2] = {
		{"wat://", "HOST:PORT"},
		{"wat://host", "HOST:PORT"},
		{"wat://host:", "HOST:PORT"},
		{"wat://:1", "HOST:PORT"},
		{"wat://host:0", "HOST:PORT"},
		{"wat://host:65536", "HOST:PORT"},
		{"wat://host:1/", "HOST:PORT"},
		{"wat://ho st:1", "HOST:PORT"},
		{"wat://::1:1", "HOST:PORT"},
		{"wat://[::1]1", "HOST:PORT"},
		{"wat://[::1:1", "HOST:PORT"},
		{"wat://@host:1", "43 characters"},
		{"wat://key@host:1", "43 characters"},
		{"wat://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@host:1", "43 characters"},
		{"wat://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+@host:1", "43 characters"},
		{"wat+insecure://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@host:1", "no key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		refused(addresses[i][0], WAT_INVALID_ARGUMENT, addresses[i][1]);
	refused("wat://127.0.0.1:1", WAT_FAILED_PRECONDITION, "is not known here");
	/* A name without meaning, and a port where nobody listens. */
	refused("wat+insecure://a..b:1", -EHOSTUNREACH, "can't be resolved");
	refused("wat+insecure://127.0.0.1:1", -ECONNREFUSED, "not reachable");
}

/* A name is looked up, and each of its addresses tried. */
static void test_name(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	char address[128];
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	snprintf(address, sizeof address, "wat://%s@localhost:%u", fake.key, fake.port);
	w = connected(address);
	user = user_of(w);
	assert_int_equal(call(user, REMOTE_ECHO, "by name"), 0);
	assert_int_equal(call(user, REMOTE_HANG_UP, "again by name"), 0);
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* A daemon without the key of the address is not spoken with, and the key's place is named. */
static void test_wrong_key(void **state)
{
	struct remote_fake fake, other;
	char text[256], address[128];

	(void)state;
	remote_fake_start(&fake, false);
	remote_fake_start(&other, false);
	snprintf(address, sizeof address, "wat://%s@127.0.0.1:%u", other.key, fake.port);
	refused(address, -EKEYREJECTED, "does not have that key");
	snprintf(text, sizeof text, "# my daemons\n\n%s\n", address);
	write_known(text);
	snprintf(text, sizeof text, "%s:3", known_path);
	snprintf(address, sizeof address, "wat://127.0.0.1:%u", fake.port);
	refused(address, -EKEYREJECTED, text);
	/* The address itself says another key than the file. */
	refused(fake.address, -EKEYREJECTED, text);
	assert_int_equal(remote_fake_count(&fake, &fake.n_binds), 0);
	remote_fake_stop(&fake);
	remote_fake_stop(&other);
}

/* A daemon whose key is in the file needs no key in its address; a file that can't be read for what
 * it is, is no help. */
static void test_known(void **state)
{
	struct remote_fake fake;
	char text[512], address[64];

	(void)state;
	remote_fake_start(&fake, false);
	snprintf(address, sizeof address, "wat://127.0.0.1:%u", fake.port);
	snprintf(text, sizeof text, "wat://%s@elsewhere:1\n  %s  \n%s\n", fake.key, fake.address,
		 fake.address);
	write_known(text);
	wat_free(connected(address));
	wat_free(connected(fake.address));
	write_known("127.0.0.1 ssh-ed25519\n");
	snprintf(text, sizeof text, "%s:1: expected wat://KEY@HOST:PORT", known_path);
	refused(address, WAT_FAILED_PRECONDITION, text);
	write_known("wat://127.0.0.1:1\n");
	refused(address, WAT_FAILED_PRECONDITION, "with the key");
	snprintf(text, sizeof text, "%s\nwat://%.42sA@127.0.0.1:%u\n", fake.address, fake.key,
		 fake.port);
	write_known(text);
	if (fake.key[42] != 'A')
		refused(address, -EKEYREJECTED, ":2: another key");
	write_known("");
	refused(address, WAT_FAILED_PRECONDITION, "is not known here");
	remote_fake_stop(&fake);
}

/* A connection that is lost is made again, the lane goes on, and calls without an answer are made
 * again on it. */
static void test_connection_lost(void **state)
{
	struct remote_fake fake;
	wat_capability *user, *other;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	other = user_of(w);
	assert_int_equal(call(user, REMOTE_HANG_UP, "twice"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_connections), 2);
	assert_int_equal(call(other, REMOTE_ECHO, "too"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_resumed), 2);
	assert_int_equal(remote_fake_count(&fake, &fake.n_wrong_proofs), 0);
	wat_capability_free(user);
	wat_capability_free(other);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* With no time to connect again, each call ends at once, and says what is known of it. */
static void test_no_reconnect(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	wat_set_reconnect(w, 0);
	user = user_of(w);
	assert_int_equal(call(user, REMOTE_HANG_UP, "once"), WAT_DISCONNECTED);
	/* The next call tries anew. */
	assert_int_equal(call(user, REMOTE_ECHO, "later"), 0);
	remote_fake_stop(&fake);
	assert_int_not_equal(call(user, REMOTE_ECHO, "nobody"), 0);
	assert_int_equal(call(user, REMOTE_ECHO, "nobody"), WAT_UNAVAILABLE);
	wat_capability_free(user);
	wat_free(w);
}

/* A channel that ends leaves the connection and the other channels as they are. */
static void test_channel_lost(void **state)
{
	struct remote_fake fake;
	wat_capability *user, *other;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	other = user_of(w);
	assert_int_equal(call(user, REMOTE_DROP, "twice"), 0);
	assert_int_equal(call(user, REMOTE_NONSENSE, "and again"), 0);
	assert_int_equal(call(other, REMOTE_ECHO, "too"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_connections), 1);
	assert_int_equal(remote_fake_count(&fake, &fake.n_binds), 4);
	assert_int_equal(remote_fake_count(&fake, &fake.n_resumed), 2);
	assert_int_equal(remote_fake_count(&fake, &fake.n_drops), 2);
	wat_capability_free(user);
	wat_capability_free(other);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* A GOAWAY of a handle is that of its channel: it settles that one's calls, and no others. */
static void test_go_away(void **state)
{
	struct remote_fake fake;
	wat_capability *user, *other;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	other = user_of(w);
	assert_int_equal(call(user, REMOTE_GO_AWAY, "no"), WAT_ACCESS_DENIED);
	assert_int_equal(call(other, REMOTE_ECHO, "yes"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_connections), 1);
	wat_capability_free(user);
	wat_capability_free(other);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* Frames of a handle that was given back are nobody's, whatever their id. */
static void test_stray_frames(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	assert_int_equal(call(user, REMOTE_STRAY, "right"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_connections), 1);
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* When the daemon comes back with another key, open calls end with a sentence that says so. */
static void test_key_changes(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	/* Of the next connections. */
	randombytes_buf(fake.sk, sizeof fake.sk);
	assert_int_equal(call(user, REMOTE_HANG_UP, "twice"), WAT_DISCONNECTED);
	assert_non_null(strstr(wat_failure()->text, "does not have that key"));
	assert_int_equal(call(user, REMOTE_ECHO, "never"), WAT_UNAVAILABLE);
	assert_non_null(strstr(wat_failure()->text, "does not have that key"));
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
}

/* A daemon that is too busy for a connection says which limit is in its way, and wat_connect, which
 * tries once, says it too (row 43). */
static void test_turned_away(void **state)
{
	struct remote_fake fake;

	(void)state;
	remote_fake_start(&fake, false);
	remote_fake_turn_away(&fake, 1, OVERLOAD_HANDSHAKES);
	refused(fake.address, WAT_OVERLOADED, "(handshake-rate)");
	wat_free(connected(fake.address));
	/* One that a later version knows. */
	remote_fake_turn_away(&fake, 1, 200);
	refused(fake.address, WAT_OVERLOADED, "number 200");
	remote_fake_stop(&fake);
}

/* Calls wait until a daemon that is too busy takes the connection again, and are made; when they
 * may wait no longer, they say why (row 43). */
static void test_turned_away_later(void **state)
{
	struct remote_fake fake;
	wat_capability *user;
	wat *w;

	(void)state;
	remote_fake_start(&fake, false);
	w = connected(fake.address);
	user = user_of(w);
	assert_int_equal(call(user, REMOTE_ECHO, "one"), 0);
	remote_fake_turn_away(&fake, 3, OVERLOAD_HANDSHAKES);
	assert_int_equal(call(user, REMOTE_HANG_UP, "again and again"), 0);
	assert_int_equal(remote_fake_count(&fake, &fake.n_connections), 5);
	remote_fake_turn_away(&fake, UINT_MAX, OVERLOAD_OF_ADDRESS);
	remote_fake_hang_up(&fake);
	/* The end comes before the call. */
	assert_int_equal(wat_dispatch(w, -1), 0);
	wat_set_reconnect(w, 50);
	assert_int_equal(call(user, REMOTE_ECHO, "never"), WAT_OVERLOADED);
	assert_non_null(strstr(wat_failure()->text, "(gate-connections-of-address)"));
	wat_capability_free(user);
	wat_free(w);
	remote_fake_stop(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_no_reconnect),
		cmocka_unit_test(test_channel_lost),
		cmocka_unit_test(test_go_away),
		cmocka_unit_test(test_stray_frames),
		cmocka_unit_test(test_key_changes),
		cmocka_unit_test(test_turned_away),
		cmocka_unit_test(test_turned_away_later),
	};

	return test_run_cases(tests, set_up, tear_down);
}
