/* configured.c - sections of the configuration against plugins, files and groups. */
#include "daemon/supervisor/configured.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/supervisor/plugin_trust.h"
#include "proto/interface.h"
#include "proto/json.h"
#include "proto/limits.h"
#include "proto/schema.h"
#include "proto/support/cleanup.h"

/* JSON of a state of 1 MiB can be several times as long; more than this can't be one. */
#define STATE_FILE_MAX (16u * 1024u * 1024u)
#define GROUP_BUFFER_SIZE 65536u

static void refuse_service(const struct catalog *catalog,
			   const struct options *options,
			   const char *name,
			   const struct place *place,
			   struct problems *problems)
{
	const struct plugin_file *broken = catalog_broken(catalog, name);

	if (broken)
		problems_add(problems, place,
			     "service = %s: expected a plugin that can be used, %s "
			     "is not: %s",
			     name, broken->path, broken->error);
	else
		problems_add(problems, place,
			     "service = %s: expected a service of a plugin in %s "
			     "or of a [plugin]",
			     name, options->plugin_dir);
}

bool configured_service(const struct catalog *catalog,
			const struct options *options,
			const struct config_section *instance,
			struct problems *problems,
			const struct plugin_file **ret_file,
			const Wat__Manifest__Service **ret_service)
{
	const char *name = config_text(instance, INSTANCE_KEY_service);
	const struct place *place = config_place(instance, INSTANCE_KEY_service);

	/* Said when the file was read. */
	if (!name)
		return false;
	switch (catalog_find(catalog, name, ret_file, ret_service)) {
	case CATALOG_FOUND:
		return true;
	case CATALOG_AMBIGUOUS:
		problems_add(
			problems, place,
			"service = %s: is the prefix of several services, expected a full name",
			name);
		return false;
	case CATALOG_UNKNOWN:
	default:
		refuse_service(catalog, options, name, place, problems);
		return false;
	}
}

static int read_whole(int fd, char **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	struct stat st;
	size_t n = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)STATE_FILE_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t r = read(fd, text + n, (size_t)st.st_size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	*ret = TAKE(text);
	*ret_n = n;
	return 0;
}

static int read_path(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : read_whole(fd, ret, ret_n);
}

static bool translate(const struct plugin_file *file,
		      const Wat__Manifest__Service *service,
		      const char *json,
		      size_t n,
		      struct json_error *ret_error,
		      uint8_t **ret_state,
		      size_t *ret_n)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;

	*ret_error = (struct json_error){"", "no memory"};
	if (schema_new(file->schema, file->schema_len, &schema) < 0) {
		(void)snprintf(ret_error->text, sizeof ret_error->text,
			       "the plugin's schema can't be read");
		return false;
	}
	return json_to_message(schema, service->state, json, n, ret_state, ret_n, ret_error) == 0;
}

static bool fits(const Wat__Manifest__Service *service,
		 size_t n,
		 const char *path,
		 const struct place *place,
		 struct problems *problems)
{
	uint32_t max = service->state_max ? service->state_max : WAT_STATE_MAX;

	if (n <= max)
		return true;
	problems_add(problems, place,
		     "state-file = %s: the state packs into %zu bytes, expected at most %u", path,
		     n, max);
	return false;
}

bool configured_state(const struct plugin_file *file,
		      const Wat__Manifest__Service *service,
		      const struct config_section *instance,
		      struct problems *problems,
		      struct problems *unread,
		      uint8_t **ret_state,
		      size_t *ret_n)
{
	const char *path = config_text(instance, INSTANCE_KEY_state_file);
	const struct place *place = config_place(instance, INSTANCE_KEY_state_file);
	_cleanup_(freep) char *json = NULL;
	_cleanup_(freep) uint8_t *state = NULL;
	struct json_error error;
	size_t n = 0;
	int r = path ? read_path(path, &json, &n) : 0;

	if (r < 0) {
		problems_add(r == -EACCES && unread ? unread : problems, place,
			     "state-file = %s: can't be read: %s", path,
			     r == -EINVAL ? "expected a regular file" : strerror(-r));
		return false;
	}
	if (path && !translate(file, service, json, n, &error, &state, &n)) {
		problems_add(problems, place, "state-file = %s: is no %s: %s%s%s", path,
			     service->state, error.path, *error.path ? ": " : "", error.text);
		return false;
	}
	if (!fits(service, n, path, place, problems))
		return false;
	*ret_state = TAKE(state);
	*ret_n = n;
	return true;
}

/* -1: there is none that a User may call. */
static int find_method(const Wat__Manifest__Service *service, const char *name)
{
	for (size_t i = 0; i < service->n_methods && i < WAT_METHODS_MAX; i++)
		if (!(service->methods[i]->flags & WAT_METHOD_INTERNAL) &&
		    strcmp(service->methods[i]->name, name) == 0)
			return (int)i;
	return -1;
}

static void refuse_method(const Wat__Manifest__Service *service,
			  const char *name,
			  const struct place *place,
			  struct problems *problems)
{
	char known[512] = "";

	for (size_t i = 0; i < service->n_methods; i++) {
		if (service->methods[i]->flags & WAT_METHOD_INTERNAL)
			continue;
		(void)strncat(known, *known ? ", " : "", sizeof known - strlen(known) - 1);
		(void)strncat(known, service->methods[i]->name, sizeof known - strlen(known) - 1);
	}
	problems_add(problems, place, "methods: %s has no method %s for Users, expected some of %s",
		     service->name, name, known);
}

bool configured_methods(const Wat__Manifest__Service *service,
			const struct config_section *grant,
			struct problems *problems,
			uint64_t *ret_mask)
{
	const char *at = config_text(grant, GRANT_KEY_methods);
	char name[VALUE_WORD_SIZE];
	uint64_t mask = 0;
	bool good = true;

	for (size_t i = 0; !at && i < service->n_methods && i < WAT_METHODS_MAX; i++)
		if (!(service->methods[i]->flags & WAT_METHOD_INTERNAL))
			mask |= UINT64_C(1) << i;
	while (at && value_next(&at, name, sizeof name)) {
		int method = find_method(service, name);

		if (method >= 0) {
			mask |= UINT64_C(1) << method;
			continue;
		}
		refuse_method(service, name, config_place(grant, GRANT_KEY_methods), problems);
		good = false;
	}
	if (good)
		*ret_mask = mask;
	return good;
}

bool configured_group(const struct config_section *grant, struct problems *problems, gid_t *ret_gid)
{
	const char *name = config_text(grant, GRANT_KEY_group);
	_cleanup_(freep) char *buffer = malloc(GROUP_BUFFER_SIZE);
	struct group entry, *found = NULL;
	int r = buffer ? 0 : ENOMEM;

	if (r == 0 && name)
		r = getgrnam_r(name, &entry, buffer, GROUP_BUFFER_SIZE, &found);
	if (r == 0 && (!name || found)) {
		*ret_gid = found ? found->gr_gid : (gid_t)-1;
		return true;
	}
	problems_add(problems, config_place(grant, GRANT_KEY_group),
		     "group = %s: expected a group of this machine%s%s", name ? name : "",
		     r ? ": " : "", r ? strerror(r) : "");
	return false;
}

static void check_keys(const struct options *options, struct problems *problems)
{
	struct plugin_trust trust = {0};
	char text[PLUGIN_TRUST_TEXT_MAX];

	if (plugin_trust_load(&trust, options->plugin_keys, options_require_signed(options), text) <
	    0)
		problems_add(problems,
			     config_place(&options->config->watd,
					  options->plugin_keys ? WATD_KEY_plugin_keys
							       : WATD_KEY_require_signed),
			     "%s", text);
	plugin_trust_deinit(&trust);
}

/* One that says only what is granted is of plugin-dir. */
static void check_is_there(const struct options *options,
			   const struct catalog *catalog,
			   const struct config_section *plugin,
			   struct problems *problems)
{
	_cleanup_(freep) char *path = NULL;

	if (asprintf(&path, "%s/%s.so", options->plugin_dir, plugin->name) < 0)
		path = NULL;
	else if (!catalog_file(catalog, path))
		problems_add(problems, &plugin->place,
			     "[plugin %s] has no file, and there is no %s; expected file = PATH",
			     plugin->name, path);
}

static void check_plugins(const struct options *options,
			  const struct catalog *catalog,
			  struct problems *problems)
{
	config_for_each (plugin, options->config, CONFIG_PLUGIN) {
		const char *path = config_text(plugin, PLUGIN_KEY_file);
		const struct plugin_file *file = path ? catalog_file(catalog, path) : NULL;

		if (file && file->error)
			problems_add(problems, config_place(plugin, PLUGIN_KEY_file),
				     "file = %s: expected a plugin that can be used: %s", path,
				     file->error);
		if (!path && !plugin->values[PLUGIN_KEY_file].place.file)
			check_is_there(options, catalog, plugin, problems);
	}
}

struct check {
	const struct options *options;
	const struct catalog *catalog;
	struct problems *problems, *unread;
};

static void check_grants(const struct check *check,
			 const char *instance,
			 const Wat__Manifest__Service *service)
{
	config_for_each (grant, check->options->config, CONFIG_GRANT) {
		const char *of = config_text(grant, GRANT_KEY_instance);
		uint64_t mask;

		if (of && strcmp(of, instance) == 0)
			(void)configured_methods(service, grant, check->problems, &mask);
	}
}

static void check_instance(const struct check *check,
			   const struct config_section *instance,
			   bool exists)
{
	const struct plugin_file *file;
	const Wat__Manifest__Service *service;
	_cleanup_(freep) uint8_t *state = NULL;
	size_t n;

	if (!configured_service(check->catalog, check->options, instance, check->problems, &file,
				&service))
		return;
	if (!exists)
		(void)configured_state(file, service, instance, check->problems, check->unread,
				       &state, &n);
	check_grants(check, instance->name, service);
}

int configured_check(const struct options *options,
		     bool (*exists)(const void *arg, const char *name),
		     const void *arg,
		     struct problems *problems,
		     struct problems *unread)
{
	struct catalog catalog = {0};
	struct check check = {options, &catalog, problems, unread};
	/* A directory that can't be read is told by those who need it. */
	int r = catalog_scan(&catalog, options->plugin_dir, options->config);

	if (r != -ENOMEM) {
		check_keys(options, problems);
		check_plugins(options, &catalog, problems);
		config_for_each (instance, options->config, CONFIG_INSTANCE) {
			check_instance(&check, instance, exists && exists(arg, instance->name));
		}
		config_for_each (grant, options->config, CONFIG_GRANT) {
			gid_t gid;

			(void)configured_group(grant, problems, &gid);
		}
	}
	catalog_deinit(&catalog);
	return r == -ENOMEM ? r : 0;
}
