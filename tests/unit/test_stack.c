/* test_stack.c - what a host noted of a stack is told as texts, however wrong it is. row 49 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/supervisor/host.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/stack.h"
#include "tests/lib/cases.h"

#define PLUGIN WAT_BUILD_DIR "/plugins/counter.so"

static struct attribution page;
static struct options options = {.host_program = WAT_BUILD_DIR "/libexec/watd-host"};
static struct node node = {.options = &options};
static struct host host = {.node = &node, .attribution = &page};
static struct instance instance = {.node = &node,
				   .host = &host,
				   .plugin = PLUGIN,
				   .plugin_copy = (char *)PLUGIN,
				   .slot = 3};

static int set_up(void **state)
{
	(void)state;
	memset(&page, 0, sizeof page);
	return 0;
}

static Wat__Envelope__Cause *cause_of_fault(void)
{
	Wat__Envelope__Cause *cause = malloc(sizeof *cause);

	assert_non_null(cause);
	wat__envelope__cause__init(cause);
	stack_add_fault(cause, &instance);
	return cause;
}

static struct attribution_module *add_module(const char *name, uint64_t begin, uint64_t end)
{
	struct attribution_module *module = &page.modules[page.n_modules++];

	module->begin = module->base = begin;
	module->end = end;
	(void)snprintf(module->name, sizeof module->name, "%s", name);
	return module;
}

/* An address is told by the file that it is in, and one that is in none as it is. What has another
 * build id than the plugin's file has no names of its functions. */
static void test_places(void **state)
{
	Wat__Envelope__Cause *cause;

	(void)state;
	add_module("counter.so", 0x1000, 0x9000000)->n_build_id = 20;
	page.fault.slot_plus_1 = 4;
	page.fault.frames[0] = 0x1234;
	page.fault.frames[1] = 0x999;
	page.fault.n_frames = 2;
	cause = cause_of_fault();
	assert_int_equal(cause->n_frames, 2);
	assert_string_equal(cause->frames[0], "0x234 in counter.so");
	assert_string_equal(cause->frames[1], "0x999");
	assert_string_equal(stack_innermost(cause, &instance), "0x234 in counter.so");
	wat__envelope__cause__free_unpacked(cause, NULL);
	/* Another instance's thread. */
	page.fault.slot_plus_1 = 3;
	cause = cause_of_fault();
	assert_int_equal(cause->n_frames, 0);
	wat__envelope__cause__free_unpacked(cause, NULL);
}

static void assert_printable(const Wat__Envelope__Cause *cause)
{
	assert_true(cause->n_frames <= 32);
	for (size_t i = 0; i < cause->n_frames; i++)
		for (const char *at = cause->frames[i]; *at; at++)
			assert_true(*at >= ' ' && *at <= '~');
}

/* A page with nothing but nonsense in it is read within its bounds. */
static void test_nonsense(void **state)
{
	Wat__Envelope__Cause *cause;

	(void)state;
	for (int fill = 0; fill < 256; fill++) {
		memset(&page, fill, sizeof page);
		page.fault.slot_plus_1 = 4;
		for (size_t i = 0; i < ATTRIBUTION_FRAMES; i++)
			page.fault.frames[i] = (uint64_t)i << 58;
		page.modules[0].begin = 0;
		page.modules[0].end = UINT64_MAX;
		page.modules[0].n_build_id = UINT32_MAX - (uint32_t)fill;
		cause = cause_of_fault();
		assert_printable(cause);
		wat__envelope__cause__free_unpacked(cause, NULL);
	}
}

/* Of a panic it begins in the plugin, and there is no more than is told. */
static void test_panic(void **state)
{
	Wat__Envelope__Cause *cause = malloc(sizeof *cause);
	uint64_t addresses[100];

	(void)state;
	assert_non_null(cause);
	wat__envelope__cause__init(cause);
	add_module("watd-host", 0x1000, 0x2000);
	add_module("counter.so", 0x2000, 0x3000);
	for (size_t i = 0; i < 100; i++)
		addresses[i] = i < 3 ? 0x1100 : 0x2100;
	stack_add_panic(cause, &instance, addresses, 100);
	assert_printable(cause);
	assert_int_equal(cause->n_frames, 32);
	assert_string_equal(cause->frames[0], "0x100 in counter.so");
	wat__envelope__cause__free_unpacked(cause, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_places, set_up),
		cmocka_unit_test_setup(test_nonsense, set_up),
		cmocka_unit_test_setup(test_panic, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
