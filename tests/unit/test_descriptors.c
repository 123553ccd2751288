/* test_descriptors.c - a descriptor that is kept for when there are no others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/descriptors.h"
#include "tests/lib/cases.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int listen_here(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", getenv("TMPDIR"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void refuse(int fd)
{
	assert_int_equal(send(fd, "no", 2, MSG_NOSIGNAL), 2);
}

/* With not one descriptor left those who wait are refused in the place of the one that was kept, as
 * many as that, and it is kept again (row 43). */
static void test_spare(void **state)
{
	struct rlimit before, now;
	int listening = listen_here(), spare = -1, client[5];
	char said[8];

	(void)state;
	spare_keep(&spare, listening);
	assert_true(spare >= 0);
	for (int i = 0; i < 5; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(client[i], (struct sockaddr *)&address, sizeof address),
				 0);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = (struct rlimit){(rlim_t)client[4] + 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	/* Every number below is in use. */
	while (dup(listening) >= 0)
		;
	assert_int_equal(accept4(listening, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(spare_refuse(&spare, listening, 3, refuse), 3);
	assert_true(spare >= 0);
	assert_int_equal(accept4(listening, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(spare_refuse(&spare, listening, 100, refuse), 2);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(recv(client[i], said, sizeof said, 0), 2);
		assert_int_equal(recv(client[i], said, sizeof said, 0), 0);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int fd = 3; fd <= client[4]; fd++)
		close(fd);
	unlink(address.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_spare)};

	return test_run_cases(tests, NULL, NULL);
}
