/* test_resolve.c - a name that is asked for by a thread: whoever takes the answer sleeps until that
 * thread is gone, and does not spin. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/resolve.h"
#include "tests/lib/cases.h"

static sem_t answered, may_write;
static unsigned n_yields, n_joins;

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
int __real_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_sched_yield(void);

/* Only the asking thread writes to an eventfd: its answer is there, and it is not gone. */
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	if (n == sizeof(uint64_t)) {
		(void)sem_post(&answered);
		(void)sem_wait(&may_write);
	}
	return __real_write(fd, bytes, n);
}

int __wrap_pthread_join(pthread_t thread, void **ret)
{
	n_joins++;
	(void)sem_post(&may_write);
	return __real_pthread_join(thread, ret);
}

int __wrap_sched_yield(void)
{
	if (n_yields++ == 0)
		(void)sem_post(&may_write);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	n_yields = n_joins = 0;
	return sem_init(&answered, 0, 0) || sem_init(&may_write, 0, 0);
}

static void test_sleeps(void **state)
{
	struct resolution *resolution;
	struct addrinfo *found = NULL;
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), error = -1;

	(void)state;
	assert_int_equal(resolution_new("localhost", "7117", wake, &resolution), 0);
	assert_int_equal(sem_wait(&answered), 0);
	assert_true(resolution_done(resolution, &error, &found));
	assert_int_equal(n_yields, 0);
	assert_int_equal(n_joins, 1);
	if (error == 0)
		freeaddrinfo(found);
	resolution_free(resolution);
	close(wake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sleeps, set_up),
	};

	return test_run_cases(tests, NULL, NULL);
}
