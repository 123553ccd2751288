/* test_lease.c - the handlers in the process of this test, with a clock that it sets: no watd, no
 * waiting, and a debugger or valgrind as with any program. */
#include <stdio.h>
#include <stdlib.h>

#include "lease.test.h"

#define CHECK(expression) ((expression) ? (void)0 : fail(__LINE__, #expression))
#define MS UINT64_C(1000000)

static void fail(int line, const char *text)
{
	fprintf(stderr, "test_lease.c:%d: %s\n", line, text);
	exit(1);
}

/* Asks for "build" for 1000 ms; whether USER has it then, and its fence. */
static bool acquire(lease_harness *leases, const char *user, uint64_t *ret_fence)
{
	lease_wanted wanted = LEASE_WANTED_INIT;
	lease_held *held = NULL;
	bool mine;

	wanted.name = "build";
	wanted.ttl_ms = 1000;
	CHECK(wat_test_act_as(lease_harness_base(leases), user) == 0);
	CHECK(lease_harness_on_acquire(leases, &wanted, &held) == WAT_OK);
	*ret_fence = held->fence;
	mine = held->mine;
	lease_held_free(held);
	return mine;
}

/* One has it at a time, as long as it is prolonged; each holder has a higher fence. */
static void test_one_holder(lease_harness *leases)
{
	wat_test *test = lease_harness_base(leases);
	uint64_t fence;

	CHECK(acquire(leases, "alice", &fence) && fence == 1);
	CHECK(!acquire(leases, "bob", &fence) && fence == 1);
	wat_test_advance(test, 999 * MS);
	CHECK(acquire(leases, "alice", &fence) && fence == 1);
	wat_test_advance(test, 999 * MS);
	CHECK(!acquire(leases, "bob", &fence));
	wat_test_advance(test, 1 * MS);
	CHECK(acquire(leases, "bob", &fence) && fence == 2);
}

/* It is released by its holder only, and with the User's capability it goes. */
static void test_release(lease_harness *leases)
{
	wat_test *test = lease_harness_base(leases);
	lease_name name = LEASE_NAME_INIT;
	uint64_t fence;

	name.name = "build";
	CHECK(wat_test_act_as(test, "alice") == 0);
	CHECK(lease_harness_on_release(leases, &name, NULL) == WAT_FAILED_PRECONDITION);
	CHECK(lease_harness_on_show(leases, &name, NULL) == WAT_OK);
	CHECK(wat_test_deprovision(test, "bob") == 0);
	CHECK(lease_harness_on_show(leases, &name, NULL) == WAT_NOT_FOUND);
	CHECK(acquire(leases, "alice", &fence) && fence == 3);
	CHECK(lease_harness_on_release(leases, &name, NULL) == WAT_OK);
	CHECK(lease_harness_on_show(leases, &name, NULL) == WAT_NOT_FOUND);
}

int main(void)
{
	lease_harness *leases = NULL;

	CHECK(lease_harness_new(&leases) == 0);
	CHECK(lease_harness_start(leases, NULL) == WAT_OK);
	CHECK(wat_test_provision(lease_harness_base(leases), "alice") == 0);
	CHECK(wat_test_provision(lease_harness_base(leases), "bob") == 0);
	test_one_holder(leases);
	test_release(leases);
	lease_harness_free(leases);
	return 0;
}
