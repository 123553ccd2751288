/* test_needs.c - a service that says what it needs. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/landlock.h"
#include "daemon/base/sanitized.h"
#include "tests/confinement/thieves.h"

#define THERE CLERK_FILES "/there"
#define MADE CLERK_FILES "/made"

static int set_up(void **state)
{
	FILE *file;

	/* A case that failed may have left a link. */
	(void)unlink(CLERK_FILES);
	(void)mkdir(CLERK_FILES, 0700);
	(void)unlink(MADE);
	file = fopen(THERE, "we");
	assert_non_null(file);
	(void)fputs("content", file);
	assert_int_equal(fclose(file), 0);
	return thieves_set_up(state);
}

static int tear_down(void **state)
{
	(void)unlink(THERE);
	(void)unlink(MADE);
	(void)rmdir(CLERK_FILES);
	return thieves_tear_down(state);
}
#define NEEDS_CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int spawn_reader(struct thieves *t, const char *name, uint32_t tier, clerk_reader_user **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	clerk_reader_admin *admin;
	int r;

	spawn.tier = tier;
	grant.name = "u";
	r = clerk_reader_spawn(t->node, name, &spawn, NULL, &admin);
	if (r != 0)
		return r;
	r = clerk_reader_provision(admin, &grant, ret);
	clerk_reader_admin_free(admin);
	return r;
}

static int spawn_writer(struct thieves *t, const char *name, uint32_t tier, clerk_writer_user **ret)
{
	struct wat_spawn spawn = WAT_SPAWN_INIT;
	struct wat_grant grant = WAT_GRANT_INIT;
	clerk_writer_admin *admin;
	int r;

	spawn.tier = tier;
	grant.name = "u";
	r = clerk_writer_spawn(t->node, name, &spawn, NULL, &admin);
	if (r != 0)
		return r;
	r = clerk_writer_provision(admin, &grant, ret);
	clerk_writer_admin_free(admin);
	return r;
}

/* Takes the outcome. */
static int error_of(int r, clerk_outcome *const *ret_outcome)
{
	clerk_outcome *outcome = *ret_outcome;
	int error;

	assert_int_equal(r, 0);
	error = outcome->error;
	clerk_outcome_free(outcome);
	return error;
}

static int reads(clerk_reader_user *user, const char *name)
{
	clerk_outcome *outcome = NULL;
	clerk_path path = CLERK_PATH_INIT;

	path.path = (char *)name;
	return error_of(clerk_reader_read(user, &path, &outcome), &outcome);
}

static int writes(clerk_reader_user *user, const char *name)
{
	clerk_outcome *outcome = NULL;
	clerk_path path = CLERK_PATH_INIT;

	path.path = (char *)name;
	return error_of(clerk_reader_write(user, &path, &outcome), &outcome);
}

static int writer_writes(clerk_writer_user *user, const char *name)
{
	clerk_outcome *outcome = NULL;
	clerk_path path = CLERK_PATH_INIT;

	path.path = (char *)name;
	return error_of(clerk_writer_write(user, &path, &outcome), &outcome);
}

/* A socket of this test's that somebody may connect to. */
static int listen_here(uint32_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static int reader_connects(clerk_reader_user *user, uint32_t port)
{
	clerk_outcome *outcome = NULL;
	clerk_port to = CLERK_PORT_INIT;

	to.port = port;
	return error_of(clerk_reader_connect(user, &to, &outcome), &outcome);
}

static int writer_connects(clerk_writer_user *user, uint32_t port)
{
	clerk_outcome *outcome = NULL;
	clerk_port to = CLERK_PORT_INIT;

	to.port = port;
	return error_of(clerk_writer_connect(user, &to, &outcome), &outcome);
}

/* Without a grant it is not started, and what is said is the line that is missing: written, it is
 * what makes it start. */
static void test_refused(void **state)
{
	struct thieves *t = *state;
	clerk_reader_user *reader;
	clerk_writer_user *writer;
	char line[512];
	const char *said;

	thieves_start(t, "");
	WATCTL(t->c, "describe", CONFINED_PLUGINS "/clerk.so");
	assert_out(t->c, "\n  needs FILES_WRITE:" CLERK_FILES " NET_OUT\n");
	assert_int_equal(spawn_reader(t, "r1", WAT_TIER_PROCESS, &reader), WAT_START_FAILED);
	assert_non_null(strstr(wat_failure()->text, "clerk.Reader needs FILES_READ:" CLERK_FILES
						    ", which is not granted"));
	assert_int_equal(spawn_writer(t, "w1", WAT_TIER_THREAD, &writer), WAT_START_FAILED);
	said = strstr(wat_failure()->text, "write in [plugin clerk]: allow = ");
	assert_non_null(said);
	said = strstr(said, "allow");
	assert_string_equal(said, "allow = FILES_WRITE:" CLERK_FILES " NET_OUT");
	(void)snprintf(line, sizeof line, "[plugin clerk]\n%s\n", said);
	configured_append(t->c, line);
	WATCTL(t->c, "reload");
	assert_code(t->c, 0);
	assert_int_equal(spawn_writer(t, "w1", WAT_TIER_THREAD, &writer), 0);
	clerk_writer_user_free(writer);
}

/* What is needed and granted works, and nothing that is needed by another service of the same
 * plugin, or granted and not needed. */
static void serve(struct thieves *t, uint32_t tier)
{
	clerk_reader_user *reader;
	clerk_writer_user *writer;
	burglar_user *burglar;
	burglar_report *report;
	char elsewhere[160];
	uint32_t port;
	int fd = listen_here(&port);

	(void)snprintf(elsewhere, sizeof elsewhere, "%s/new", t->c->daemon.dir);
	thieves_start(t, "[plugin clerk]\nallow = FILES_WRITE:" CLERK_FILES " NET_OUT\n");
	assert_int_equal(spawn_reader(t, "r1", tier, &reader), 0);
	assert_int_equal(spawn_writer(t, "w1", tier, &writer), 0);
	assert_int_equal(thieves_spawn(t, "b1", tier, &burglar), 0);
	assert_int_equal(reads(reader, THERE), 0);
	assert_int_equal(reads(reader, "/etc/passwd"), EACCES);
	assert_int_equal(reads(reader, t->keyring), EACCES);
	/* Libraries are for loading, which is over in a process of its own. */
	assert_int_equal(reads(reader, "/etc/ld.so.cache"), tier == WAT_TIER_PROCESS ? EACCES : 0);
	assert_int_equal(writes(reader, MADE), EPERM);
	assert_int_equal(reader_connects(reader, port), EPERM);
	assert_int_equal(writer_writes(writer, MADE), 0);
	assert_int_equal(writer_writes(writer, elsewhere), EACCES);
	assert_int_equal(writer_connects(writer, port), 0);
	assert_int_equal(reads(reader, MADE), 0);
	/* Who needs nothing is with none of them. */
	assert_int_equal(burglar_try(burglar, NULL, &report), 0);
	for (size_t i = 0; i < report->n_attempts; i++)
		if (strncmp(report->attempts[i]->name, "socket", 6) == 0)
			assert_int_equal(report->attempts[i]->error, EPERM);
	burglar_report_free(report);
	clerk_reader_user_free(reader);
	clerk_writer_user_free(writer);
	burglar_user_free(burglar);
	(void)close(fd);
}

static void test_process(void **state)
{
	serve(*state, WAT_TIER_PROCESS);
}

static void test_thread(void **state)
{
	serve(*state, WAT_TIER_THREAD);
}

/* A grant that holds watd's own files in it is none. */
static void test_never(void **state)
{
	struct thieves *t = *state;
	clerk_reader_user *reader;
	char link_to[160], configuration[256];

	(void)unlink(THERE);
	assert_int_equal(rmdir(CLERK_FILES), 0);
	(void)snprintf(link_to, sizeof link_to, "%s/state", t->c->daemon.dir);
	assert_int_equal(symlink(link_to, CLERK_FILES), 0);
	(void)snprintf(configuration, sizeof configuration,
		       "[plugin clerk]\nallow = FILES_READ:" CLERK_FILES "\n");
	thieves_start(t, configuration);
	assert_int_equal(spawn_reader(t, "r1", WAT_TIER_PROCESS, &reader), WAT_START_FAILED);
	assert_non_null(strstr(wat_failure()->text, "watd's own files"));
	assert_int_equal(unlink(CLERK_FILES), 0);
}

/* What is granted and not there is said. */
static void test_not_there(void **state)
{
	struct thieves *t = *state;
	clerk_reader_user *reader;

	(void)unlink(THERE);
	assert_int_equal(rmdir(CLERK_FILES), 0);
	thieves_start(t, "[plugin clerk]\nallow = FILES_READ:" CLERK_FILES "\n");
	assert_int_equal(spawn_reader(t, "r1", WAT_TIER_PROCESS, &reader), WAT_START_FAILED);
	assert_non_null(strstr(wat_failure()->text, CLERK_FILES ": No such file or directory"));
}

/* The same decisions in a build that gives nothing up. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		NEEDS_CASE(test_refused), NEEDS_CASE(test_never),     NEEDS_CASE(test_process),
		NEEDS_CASE(test_thread),  NEEDS_CASE(test_not_there),
	};
	const struct CMUnitTest decided[] = {NEEDS_CASE(test_refused), NEEDS_CASE(test_never)};

	if (WAT_SANITIZED || landlock_abi() == 0) {
		fprintf(stderr,
			"NO LANDLOCK IN THIS BUILD OR KERNEL: what it refuses is not tried\n");
		return test_run_cases(decided, NULL, NULL);
	}
	return test_run_cases(tests, NULL, NULL);
}
