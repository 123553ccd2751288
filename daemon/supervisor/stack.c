/* stack.c - stacks of hosts as texts. Loop thread. */
#include "daemon/supervisor/stack.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/plugin_symbols.h"

#define FRAMES_MAX 32u /* that are told */
#define FRAME_MAX 256u /* bytes of one, with its NUL */

/* Copies of what the host wrote, and the files that are known to watd. */
struct stack {
	struct attribution_module modules[ATTRIBUTION_MODULES];
	size_t n_modules;
	struct known {
		const char *path;
		struct plugin_symbols *symbols; /* NULL: it can't be read */
	} known[2];                             /* plugin, host program */
	const char *plugin;                     /* what its copy is called to people */
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static struct stack *stack_free(struct stack *stack)
{
	if (!stack)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		(void)plugin_symbols_free(stack->known[i].symbols);
	free(stack);
	return NULL;
}
DEFINE_CLEANUP(struct stack *, stack_free);

static struct stack *stack_new(const struct instance *instance)
{
	struct attribution *page = host_page(instance->host);
	struct stack *stack = page ? calloc(1, sizeof *stack) : NULL;

	if (!stack)
		return NULL;
	stack->n_modules = atomic_load(&page->n_modules);
	if (stack->n_modules > ATTRIBUTION_MODULES)
		stack->n_modules = ATTRIBUTION_MODULES;
	memcpy(stack->modules, page->modules, stack->n_modules * sizeof *stack->modules);
	for (size_t i = 0; i < stack->n_modules; i++) {
		struct attribution_module *module = &stack->modules[i];

		module->name[sizeof module->name - 1] = '\0';
		clean(module->name);
		if (module->n_build_id > sizeof module->build_id)
			module->n_build_id = 0;
	}
	stack->known[0].path = instance->plugin_copy;
	stack->plugin = last_part(instance->plugin);
	stack->known[1].path = instance->node->options->host_program;
	for (size_t i = 0; i < 2; i++)
		if (plugin_symbols_new(stack->known[i].path, &stack->known[i].symbols) < 0)
			stack->known[i].symbols = NULL;
	return stack;
}

static const struct attribution_module *module_at(const struct stack *stack, uint64_t address)
{
	for (size_t i = 0; i < stack->n_modules; i++)
		if (address >= stack->modules[i].begin && address < stack->modules[i].end)
			return &stack->modules[i];
	return NULL;
}

static bool is_known(const struct known *known, const struct attribution_module *module)
{
	return known->symbols &&
	       plugin_symbols_is(known->symbols, module->build_id, module->n_build_id);
}

/* A host maps a copy of the plugin, with a name that says nothing to people. */
static bool is_plugin(const struct stack *stack, const struct attribution_module *module)
{
	return strcmp(module->name, last_part(stack->known[0].path)) == 0;
}

static const char *name_for(const struct stack *stack, const struct attribution_module *module)
{
	return is_plugin(stack, module) ? stack->plugin : module->name;
}

/* back: 1 for a place to return to, whose call is before it. */
static void describe(const struct stack *stack, uint64_t address, unsigned back, char *text)
{
	const struct attribution_module *module = module_at(stack, address);
	uint64_t in_file, offset = 0;
	char name[128];
	bool named = false;

	if (!module) {
		(void)snprintf(text, FRAME_MAX, "0x%" PRIx64, address);
		return;
	}
	in_file = address - module->base;
	for (size_t i = 0; i < 2 && !named; i++)
		named = is_known(&stack->known[i], module) &&
			plugin_symbols_find(stack->known[i].symbols, in_file - back, name,
					    sizeof name, &offset);
	if (!named) {
		(void)snprintf(text, FRAME_MAX, "0x%" PRIx64 " in %s", in_file,
			       name_for(stack, module));
		return;
	}
	clean(name);
	(void)snprintf(text, FRAME_MAX, "%s+0x%" PRIx64 " in %s", name, offset + back,
		       name_for(stack, module));
}

static bool add_frame(Wat__Envelope__Cause *cause, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	cause->frames[cause->n_frames++] = copy;
	return true;
}

static void add(Wat__Envelope__Cause *cause,
		const struct stack *stack,
		const uint64_t *addresses,
		size_t n,
		bool fault)
{
	char text[FRAME_MAX];

	if (n > FRAMES_MAX)
		n = FRAMES_MAX;
	cause->frames = n > 0 ? calloc(n, sizeof(*cause->frames)) : NULL;
	for (size_t i = 0; cause->frames && i < n; i++) {
		describe(stack, addresses[i], fault && i == 0 ? 0 : 1, text);
		if (!add_frame(cause, text))
			return;
	}
}

void stack_add_fault(Wat__Envelope__Cause *cause, const struct instance *instance)
{
	struct attribution *page = host_page(instance->host);
	struct attribution_fault *fault = page ? &page->fault : NULL;
	uint32_t n = fault ? atomic_load(&fault->n_frames) : 0;
	_cleanup_(stack_freep) struct stack *stack = NULL;
	uint64_t addresses[ATTRIBUTION_FRAMES];

	if (n == 0 || atomic_load(&fault->slot_plus_1) != instance->slot + 1)
		return;
	if (n > ATTRIBUTION_FRAMES)
		n = ATTRIBUTION_FRAMES;
	memcpy(addresses, fault->frames, n * sizeof *addresses);
	stack = stack_new(instance);
	if (stack)
		add(cause, stack, addresses, n, true);
}

static bool is_of_plugin(const struct stack *stack, uint64_t address)
{
	const struct attribution_module *module = module_at(stack, address);

	return module && is_plugin(stack, module);
}

void stack_add_panic(Wat__Envelope__Cause *cause,
		     const struct instance *instance,
		     const uint64_t *addresses,
		     size_t n)
{
	_cleanup_(stack_freep) struct stack *stack = n > 0 ? stack_new(instance) : NULL;
	size_t first = 0;

	if (!stack)
		return;
	while (first < n && !is_of_plugin(stack, addresses[first]))
		first++;
	if (first < n)
		add(cause, stack, addresses + first, n - first, false);
}

const char *stack_innermost(const Wat__Envelope__Cause *cause, const struct instance *instance)
{
	const char *file = last_part(instance->plugin);
	size_t n_file = strlen(file);

	for (size_t i = 0; i < cause->n_frames; i++) {
		size_t n = strlen(cause->frames[i]);

		if (n > n_file && strcmp(cause->frames[i] + n - n_file, file) == 0)
			return cause->frames[i];
	}
	return "";
}

void stack_move(Wat__Envelope__Cause *from, Wat__Envelope__Cause *to)
{
	if (to) {
		to->frames = from->frames;
		to->n_frames = from->n_frames;
	} else {
		for (size_t i = 0; i < from->n_frames; i++)
			free(from->frames[i]);
		free(from->frames);
	}
	from->frames = NULL;
	from->n_frames = 0;
}

void stack_log(const Wat__Envelope__Cause *cause, const struct instance *instance)
{
	char text[1024];
	size_t n = 0;

	for (size_t i = 0; i < cause->n_frames && n < sizeof text; i++) {
		int more = snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? " < " : "",
				    cause->frames[i]);

		n += more > 0 ? (size_t)more : 0;
	}
	if (cause->n_frames > 0)
		log_warning("where it was", "instance", instance->name, "stack", text);
}
