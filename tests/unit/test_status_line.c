/* test_status_line.c - a watd's instances in one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor/instance_table.h"
#include "daemon/supervisor/status_line.h"
#include "tests/lib/cases.h"

static struct instance_table table;
static struct instance instances[16];
static size_t n;

static int set_up(void **state)
{
	(void)state;
	instance_table_init(&table);
	n = 0;
	return 0;
}

static struct instance *add(const char *name, enum instance_state state)
{
	struct instance *instance = &instances[n];

	*instance = (struct instance){.state = state};
	snprintf(instance->name, sizeof instance->name, "%s", name);
	instance->id[0] = (uint8_t)n++;
	instance_table_add(&table, instance);
	return instance;
}

static void assert_line(enum status_phase phase, const char *expected)
{
	char text[256];

	status_line(&table, phase, text, sizeof text);
	assert_string_equal(text, expected);
}

/* What is well is counted, what is not is named. */
static void test_counts(void **state)
{
	(void)state;
	assert_line(STATUS_READY, "no instances");
	add("c1", INSTANCE_READY);
	assert_line(STATUS_READY, "1 instance ready");
	add("c2", INSTANCE_READY);
	add("c3", INSTANCE_FAILED);
	assert_line(STATUS_READY, "2 instances ready, 1 failed: c3");
	add("c4", INSTANCE_STOPPED);
	add("c5", INSTANCE_BACKOFF);
	add("c6", INSTANCE_STARTING);
	assert_line(STATUS_READY, "2 instances ready, 1 starting: c6, 1 stopped, 1 to be started "
				  "again: c5, 1 failed: c3");
}

/* At the start, and at the end: what watd waits for. */
static void test_phases(void **state)
{
	(void)state;
	add("c1", INSTANCE_STARTING);
	assert_line(STATUS_STARTING, "starting: no instance ready, 1 starting: c1");
	add("c2", INSTANCE_STOPPED);
	add("c3", INSTANCE_STOPPING);
	assert_line(STATUS_ENDING, "ending: 1 starting: c1, 1 stopping: c3");
	add("c4", INSTANCE_READY)->suspends = true;
	assert_line(STATUS_ENDING, "ending: 1 suspending: c4, 1 starting: c1, 1 stopping: c3");
	instances[0].state = instances[2].state = instances[3].state = INSTANCE_SUSPENDED;
	assert_line(STATUS_ENDING, "ending");
}

/* A few names stand for many. */
static void test_many(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "f%d", i);
		add(name, INSTANCE_FAILED);
	}
	assert_line(STATUS_READY, "no instance ready, 5 failed: f0, f1, f2 and 2 more");
}

/* An incarnation that makes room for the next of its name is no instance any more. */
static void test_hidden(void **state)
{
	struct instance *before;

	(void)state;
	before = add("c1", INSTANCE_STOPPED);
	instance_table_hide(&table, before);
	add("c1", INSTANCE_STARTING);
	assert_line(STATUS_READY, "no instance ready, 1 starting: c1");
}

/* What is quarantined is named, and keeps nobody from ending. */
static void test_quarantined(void **state)
{
	char text[256];

	(void)state;
	add("c1", INSTANCE_READY);
	add("d1", INSTANCE_QUARANTINED);
	status_line(&table, STATUS_READY, text, sizeof text);
	assert_string_equal(text, "1 instance ready, 1 quarantined: d1");
	status_line(&table, STATUS_ENDING, text, sizeof text);
	assert_string_equal(text, "ending");
}

/* What is isolated is up, and named all the same. */
static void test_isolated(void **state)
{
	(void)state;
	add("c1", INSTANCE_READY);
	snprintf(add("c2", INSTANCE_READY)->isolated, 8, "why");
	assert_line(STATUS_READY, "2 instances ready, 1 isolated: c2");
	for (int i = 0; i < 3; i++)
		snprintf(add("c", INSTANCE_READY)->isolated, 8, "why");
	assert_line(STATUS_READY, "5 instances ready, 4 isolated: c2, c, c and 1 more");
	assert_line(STATUS_ENDING, "ending");
}

/* So is what does not come back. */
static void test_stuck(void **state)
{
	struct instance *instance;

	(void)state;
	instance = add("c1", INSTANCE_READY);
	snprintf(instance->stuck, 8, "Add");
	snprintf(instance->isolated, 8, "why");
	assert_line(STATUS_READY, "1 instance ready, 1 stuck: c1, 1 isolated: c1");
}

/* However little room there is, the text ends inside of it. */
static void test_room(void **state)
{
	char text[256], expected[256];

	(void)state;
	add("c1", INSTANCE_FAILED);
	add("c2", INSTANCE_FAILED);
	status_line(&table, STATUS_READY, expected, sizeof expected);
	for (size_t size = 1; size <= sizeof text; size++) {
		memset(text, 'x', sizeof text);
		status_line(&table, STATUS_READY, text, size);
		assert_true(strlen(text) < size);
		assert_memory_equal(text, expected, strlen(text));
	}
	assert_string_equal(text, expected);
}

#define CASE(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_counts), CASE(test_phases),      CASE(test_many),     CASE(test_hidden),
		CASE(test_room),   CASE(test_quarantined), CASE(test_isolated), CASE(test_stuck),
	};

	return test_run_cases(tests, NULL, NULL);
}
