/* test_host_plugin_load.c - a plugin whose tables don't fit is refused, and the sentence names the
 * service and the method (row 2). */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/host/plugin_load.h"
#include "counter.service.h"
#include "tests/lib/cases.h"

static wat_status handler(struct wat_call *call,
			  void *state,
			  const ProtobufCMessage *in,
			  ProtobufCMessage *out)
{
	(void)call;
	(void)state;
	(void)in;
	(void)out;
	return WAT_OK;
}

/* Counter's tables, each to be spoilt. */
struct tables {
	struct wat_plugin plugin;
	const struct wat_service *services[1];
	struct wat_service service;
	wat_handler *handlers[3];
	struct wat_interface interface;
	struct wat_method methods[3];
	char text[PLUGIN_TEXT_MAX];
};

static void make(struct tables *t)
{
	*t = (struct tables){
		.plugin = {.abi = WAT_PLUGIN_ABI, .size = sizeof t->plugin, .n_services = 1},
		.service = {.size = sizeof t->service},
		.handlers = {handler, handler, handler},
		.interface = counter_interface,
	};
	memcpy(t->methods, counter_interface.methods, sizeof t->methods);
	t->interface.methods = t->methods;
	t->service.interface = &t->interface;
	t->service.handlers = t->handlers;
	t->services[0] = &t->service;
	t->plugin.services = t->services;
}

#define REFUSED(spoil, ...)                                                            \
	do {                                                                           \
		static const char *const parts[] = {__VA_ARGS__};                      \
                                                                                       \
		make(&t);                                                              \
		spoil;                                                                 \
		assert_int_equal(plugin_check(&t.plugin, t.text), -EBADMSG);           \
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)              \
			if (!strstr(t.text, parts[i]))                                 \
				fail_msg("\"%s\" is not in \"%s\"", parts[i], t.text); \
	} while (0)

static void test_good(void **state)
{
	struct tables t;

	(void)state;
	make(&t);
	assert_int_equal(plugin_check(&t.plugin, t.text), 0);
}

/* A plugin that was built before interfaces had flags is as good as ever, and not deterministic. */
static void test_older(void **state)
{
	struct tables t;

	(void)state;
	make(&t);
	t.interface.size = offsetof(struct wat_interface, flags);
	t.interface.flags = WAT_INTERFACE_DETERMINISTIC;
	assert_int_equal(plugin_check(&t.plugin, t.text), 0);
	assert_false(interface_is_deterministic(&t.interface));
	t.interface.size = sizeof t.interface;
	assert_true(interface_is_deterministic(&t.interface));
	assert_int_equal(plugin_check(&t.plugin, t.text), 0);
}

/* A call that waits can't be run again. */
static void test_deterministic(void **state)
{
	struct tables t;

	(void)state;
	REFUSED(t.interface.flags = WAT_INTERFACE_DETERMINISTIC;
		t.methods[1].flags = WAT_METHOD_LATER, "Increment", "later", "deterministic");
}

static void test_plugin(void **state)
{
	struct tables t;

	(void)state;
	REFUSED(t.plugin.abi = 2, "ABI 2", "build it again");
	REFUSED(t.plugin.size = 4, "4 bytes");
	REFUSED(t.plugin.n_services = 0, "0 services");
	REFUSED(t.plugin.n_services = 100000, "100000 services");
	REFUSED(t.plugin.services = NULL, "services");
}

static void test_service(void **state)
{
	struct tables t;

	(void)state;
	REFUSED(t.services[0] = NULL, "service 0");
	REFUSED(t.service.size = 8, "service 0", "ABI");
	REFUSED(t.service.interface = NULL, "service 0", "interface");
	REFUSED(t.interface.size = 8, "service 0", "interface");
	REFUSED(t.interface.name = "", "service 0", "name");
	REFUSED(t.interface.state = NULL, "counter.Counter", "state");
	REFUSED(t.interface.n_methods = 65, "counter.Counter", "65 methods");
	REFUSED(t.interface.methods = NULL, "counter.Counter", "methods");
	REFUSED(t.service.handlers = NULL, "counter.Counter", "handlers");
}

static void test_method(void **state)
{
	static const ProtobufCMessageDescriptor other = {.magic = 1};
	struct tables t;

	(void)state;
	REFUSED(t.handlers[1] = NULL, "counter.Counter", "Increment", "no handler");
	REFUSED(t.methods[2].input = NULL, "counter.Counter", "Reset", "messages");
	REFUSED(t.methods[2].output = &other, "counter.Counter", "Reset", "messages");
	REFUSED(t.methods[0].name = NULL, "counter.Counter", "method 0");
	REFUSED(t.methods[0].flags |= 1u << 9, "counter.Counter", "Get", "0x201");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),          cmocka_unit_test(test_older),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_service),       cmocka_unit_test(test_method),
	};

	return test_run_cases(tests, NULL, NULL);
}
