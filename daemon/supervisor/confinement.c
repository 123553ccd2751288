/* confinement.c - from the plugin's needs and the configuration's grants to what a host is told. */
#include "daemon/supervisor/confinement.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/host.pb-c.h>

#include "daemon/base/landlock.h"
#include "daemon/base/log.h"
#include "daemon/base/sanitized.h"
#include "daemon/config/value.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/isolation.h"
#include "daemon/supervisor/methods.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/options.h"
#include "proto/support/cleanup.h"

static bool is_trusted(const struct node *node)
{
	return strcmp(node->options->thread_tier, "trusted") == 0;
}

void confinement_log(const struct node *node)
{
	char version[8];

	(void)snprintf(version, sizeof version, "%d", landlock_abi());
	if (WAT_SANITIZED)
		log_warning("services are not confined: this build has a sanitizer, which needs "
			    "more than a sandbox leaves");
	else if (landlock_abi() > 0)
		log_info("services are confined", "landlock", version);
	else
		log_warning("this kernel has no Landlock: what a plugin does while it is loaded "
			    "can read watd's files; other than that services are confined",
			    "thread-tier", node->options->thread_tier, "help",
			    is_trusted(node)
				    ? "instances of tier thread can read watd's files at any time"
				    : "instances of tier thread are refused; thread-tier = trusted "
				      "allows them");
}

/* NULL: nothing is known of it any more. */
static const Wat__Manifest__Service *service_of(const struct instance *instance)
{
	const struct plugin_file *file = catalog_file(&instance->node->catalog, instance->plugin);

	for (size_t i = 0; file && !file->error && i < file->manifest->n_services; i++)
		if (strcmp(file->manifest->services[i]->name, instance->service) == 0)
			return file->manifest->services[i];
	return NULL;
}

/* "counter" of /dir/counter.so. */
static void stem_of(const char *path, char *ret, size_t size)
{
	const char *name = strrchr(path, '/');
	size_t n;

	name = name ? name + 1 : path;
	n = strlen(name);
	if (n > 3 && strcmp(name + n - 3, ".so") == 0)
		n -= 3;
	(void)snprintf(ret, size, "%.*s", (int)n, name);
}

/* The [plugin] of a file: the one that says where it is, else that of its name. NULL: none. */
static const struct config_section *section_of(const struct node *node, const char *path)
{
	const struct config_section *by_name;
	char stem[NAME_MAX + 1];

	config_for_each (plugin, node->options->config, CONFIG_PLUGIN) {
		const char *file = config_text(plugin, PLUGIN_KEY_file);

		if (file && strcmp(file, path) == 0)
			return plugin;
	}
	stem_of(path, stem, sizeof stem);
	by_name = config_find(node->options->config, CONFIG_PLUGIN, stem);
	return by_name && !config_text(by_name, PLUGIN_KEY_file) ? by_name : NULL;
}

static bool is_granted(const struct config_section *section, const struct need *wanted)
{
	const char *at = section ? config_text(section, PLUGIN_KEY_allow) : NULL;
	char word[VALUE_WORD_SIZE];
	struct need need;

	while (at && value_next(&at, word, sizeof word))
		if (need_parse(word, &need) && need_covers(&need, wanted))
			return true;
	return false;
}

/* By whatever names: what a plugin could reach below it, or what it lies in. */
static bool meets(const char *path, const char *own)
{
	_cleanup_(freep) char *a = realpath(path, NULL), *b = realpath(own, NULL);

	return need_is_within(a ? a : path, b ? b : own) ||
	       need_is_within(b ? b : own, a ? a : path);
}

static bool is_watds(const struct node *node, const struct need *need)
{
	return *need->path && (meets(need->path, node->options->state_dir) ||
			       meets(need->path, node->options->runtime_dir));
}

/* The i-th need of a manifest that was checked. */
static struct need need_of(const Wat__Manifest__Service *service, size_t i)
{
	return (struct need){(enum need_kind)service->needs[i]->kind, service->needs[i]->path};
}

/* What the section has to say so that everything is granted: what it says, and what is missing. */
static void say_allow(const struct config_section *section,
		      const Wat__Manifest__Service *service,
		      char ret[static NEEDS_TEXT_SIZE])
{
	const char *text = section ? config_text(section, PLUGIN_KEY_allow) : NULL;
	size_t n = (size_t)snprintf(ret, NEEDS_TEXT_SIZE, "%s", text ? text : "");

	for (size_t i = 0; i < service->n_needs && n < NEEDS_TEXT_SIZE; i++) {
		struct need need = need_of(service, i);
		char word[NEED_WORD_SIZE];

		if (is_granted(section, &need))
			continue;
		need_format(&need, word);
		n += (size_t)snprintf(ret + n, NEEDS_TEXT_SIZE - n, "%s%s", n ? " " : "", word);
	}
}

static void say_missing(const struct instance *instance,
			const Wat__Manifest__Service *service,
			const struct need *missing,
			char *text,
			size_t size)
{
	const struct config *config = instance->node->options->config;
	const struct config_section *section = section_of(instance->node, instance->plugin);
	char allow[NEEDS_TEXT_SIZE], word[NEED_WORD_SIZE], name[NAME_MAX + 1];

	say_allow(section, service, allow);
	need_format(missing, word);
	stem_of(instance->plugin, name, sizeof name);
	(void)snprintf(text, size,
		       "%s needs %s, which is not granted; in %s, write in [plugin %s]: allow = %s",
		       service->name, word,
		       config->n_files > 0 ? config->files[0] : "the configuration",
		       section ? section->name : name, allow);
}

static bool refuses_needs(const struct instance *instance, char *text, size_t size)
{
	const struct node *node = instance->node;
	const struct config_section *section = section_of(node, instance->plugin);
	const Wat__Manifest__Service *service = service_of(instance);

	for (size_t i = 0; service && i < service->n_needs; i++) {
		struct need need = need_of(service, i);

		if (!is_granted(section, &need)) {
			say_missing(instance, service, &need, text, size);
			return true;
		}
		if (is_watds(node, &need)) {
			(void)snprintf(text, size,
				       "%s needs %s, where watd's own files are: that can't be "
				       "granted",
				       service->name, need.path);
			return true;
		}
	}
	return false;
}

bool confinement_refuses(const struct instance *instance, char *text, size_t size)
{
	const struct node *node = instance->node;

	if (isolation_is_pooled(instance) && !WAT_SANITIZED && landlock_abi() == 0 &&
	    !is_trusted(node)) {
		(void)snprintf(text, size,
			       "this kernel has no Landlock, so an instance of tier thread could "
			       "read watd's files: take tier process, or trust the code of all "
			       "instances of tier thread by thread-tier = trusted in [watd] and a "
			       "restart of watd");
		return true;
	}
	return refuses_needs(instance, text, size);
}

/* One that watd's files are in is none to be read. */
static bool may_load_directory(const struct options *options)
{
	return !meets(options->plugin_dir, options->state_dir);
}

/* Takes the path; one that is there already is not added. */
static int add_load(struct confinement *confinement, char *path)
{
	char **grown;

	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < confinement->n_loads; i++)
		if (strcmp(confinement->loads[i], path) == 0) {
			free(path);
			return 0;
		}
	grown = reallocarray(confinement->loads, confinement->n_loads + 1, sizeof *grown);
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	confinement->loads = grown;
	grown[confinement->n_loads++] = path;
	return 0;
}

static void granted_needs(const struct instance *instance, char ret[static NEEDS_TEXT_SIZE])
{
	const struct config_section *section = section_of(instance->node, instance->plugin);
	const Wat__Manifest__Service *service = service_of(instance);
	size_t n = 0;

	*ret = '\0';
	for (size_t i = 0; service && i < service->n_needs && n < NEEDS_TEXT_SIZE; i++) {
		struct need need = need_of(service, i);
		char word[NEED_WORD_SIZE];

		if (!is_granted(section, &need) || is_watds(instance->node, &need))
			continue;
		need_format(&need, word);
		n += (size_t)snprintf(ret + n, NEEDS_TEXT_SIZE - n, "%s%s", n ? " " : "", word);
	}
}

/* In plugin-dir may lie libraries that plugins share. A pool is for all plugins that need nothing.
 */
int confinement_of(const struct instance *instance, struct confinement *ret)
{
	const struct options *options = instance->node->options;
	int r = 0;

	*ret = (struct confinement){.n_loads = 0};
	granted_needs(instance, ret->needs);
	if (may_load_directory(options))
		r = add_load(ret, strdup(options->plugin_dir));
	if (r == 0)
		r = add_load(ret,
			     strdup(isolation_is_pooled(instance) ? instance->node->copies.directory
								  : instance->plugin_copy));
	return r;
}

void confinement_deinit(struct confinement *confinement)
{
	for (size_t i = 0; i < confinement->n_loads; i++)
		free(confinement->loads[i]);
	free(confinement->loads);
	confinement->loads = NULL;
	confinement->n_loads = 0;
}

bool confinement_suits(const struct confinement *confinement, const struct instance *instance)
{
	char needs[NEEDS_TEXT_SIZE];

	granted_needs(instance, needs);
	return strcmp(needs, confinement->needs) == 0;
}

static void put_place(Wat__Host__Place *place, const char *path, Wat__Host__Use use)
{
	wat__host__place__init(place);
	place->path = (char *)path;
	place->use = use;
}

/* The words are cut in place. Returns how many places it has now. */
static size_t put_needs(Wat__Host__ConfineRequest *request, Wat__Host__Place *places, char *needs)
{
	size_t n = 0;

	for (char *word = strtok_r(needs, " ", &needs); word; word = strtok_r(NULL, " ", &needs)) {
		struct need need;

		if (!need_parse(word, &need))
			continue;
		if (need.kind == NEED_NET_OUT)
			request->net = true;
		else
			put_place(&places[n++], need.path,
				  need.kind == NEED_FILES_READ ? WAT__HOST__USE__READ
							       : WAT__HOST__USE__WRITE);
	}
	return n;
}

int confinement_tell(struct host *host)
{
	const struct confinement *confinement = &host->confinement;
	size_t n = confinement->n_loads, n_max = n + NEEDS_MAX;
	_cleanup_(freep) Wat__Host__Place *places = calloc(n_max, sizeof *places);
	_cleanup_(freep) Wat__Host__Place **pointers = calloc(n_max, sizeof *pointers);
	Wat__Host__ConfineRequest request = WAT__HOST__CONFINE_REQUEST__INIT;
	char needs[NEEDS_TEXT_SIZE];

	if (!places || !pointers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		put_place(&places[i], confinement->loads[i], WAT__HOST__USE__LOAD);
	memcpy(needs, confinement->needs, sizeof needs);
	n += put_needs(&request, places + n, needs);
	for (size_t i = 0; i < n; i++)
		pointers[i] = &places[i];
	request.places = pointers;
	request.n_places = n;
	request.pool = host->pool;
	request.trusted = is_trusted(host->node);
	return host_request(host, HOST_CONFINE, &request.base, -1, NULL, NULL);
}
