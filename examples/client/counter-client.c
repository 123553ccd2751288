/* counter-client.c - a program of its own that uses a counter: binds the User that a token file
 * holds, adds 1 many times without waiting for each, then reads the value. One thread.
 *
 *   counter-client TOKEN-FILE [TIMES]        the socket is $WAT_SOCKET, else the default */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.client.h"

static int complain(const char *what, int r)
{
	const struct wat_failure *failure = wat_failure();

	fprintf(stderr, "counter-client: %s: %s: %s\n", what,
		r > 0 ? wat_status_name(r) : strerror(-r), failure->text);
	return 1;
}

static int read_token(const char *path, char *token, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(token, size, file)) {
		fprintf(stderr, "counter-client: no token in %s: %s\n", path, strerror(errno));
		if (file)
			fclose(file);
		return 1;
	}
	return fclose(file) == 0 ? 0 : 1;
}

static void count_done(void *arg,
		       int status,
		       const counter_value *out,
		       const struct wat_failure *failure)
{
	long *n_done = arg;

	(void)out;
	if (status == WAT_OK)
		++*n_done;
	else
		fprintf(stderr, "counter-client: %s: %s\n", wat_status_name(status), failure->text);
}

/* Sends all, then takes the answers as they come. */
static int add(wat *connection, counter_user *counter, long times)
{
	counter_amount one = COUNTER_AMOUNT_INIT;
	long n_done = 0;
	int r;

	one.n = 1;
	for (long i = 0; i < times; i++) {
		r = counter_increment_send(counter, &one, count_done, &n_done);
		if (r != 0)
			return complain("Increment", r);
	}
	while (wat_outstanding(connection) > 0) {
		r = wat_dispatch(connection, -1);
		if (r != 0)
			return complain("waiting", r);
	}
	return n_done == times ? 0 : 1;
}

static int use(wat *connection, counter_user *counter, long times)
{
	int64_t value;
	int r = add(connection, counter, times);

	if (r != 0)
		return r;
	r = counter_get_with(counter, &value);
	if (r != 0)
		return complain("Get", r);
	printf("added 1 %ld times; the value is %" PRId64 "\n", times, value);
	return 0;
}

int main(int argc, char **argv)
{
	long times = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	char token[2048];
	wat *connection = NULL;
	counter_user *counter = NULL;
	int r;

	if (argc < 2 || argc > 3 || times < 0) {
		fputs("usage: counter-client TOKEN-FILE [TIMES]\n", stderr);
		return 64;
	}
	if (read_token(argv[1], token, (int)sizeof token) != 0)
		return 1;
	r = wat_connect(NULL, &connection);
	if (r != 0)
		return complain("no watd", r);
	r = counter_user_open(connection, token, &counter);
	r = r != 0 ? complain("the token", r) : use(connection, counter, times);
	counter_user_free(counter);
	wat_free(connection);
	return r;
}
