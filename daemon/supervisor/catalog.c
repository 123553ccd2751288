/* catalog.c - the plugins of the plugin directory, as files. Loop thread. */
#include "daemon/supervisor/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wat/plugin.h>

#include "proto/support/cleanup.h"

void catalog_deinit(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n_files; i++)
		plugin_file_free(catalog->files[i]);
	free(catalog->files);
	*catalog = (struct catalog){0};
}

static int is_plugin(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 3, ".so") == 0;
}

static bool provides(const struct plugin_file *file, const char *service)
{
	for (size_t i = 0; !file->error && i < file->manifest->n_services; i++)
		if (strcmp(file->manifest->services[i]->name, service) == 0)
			return true;
	return false;
}

/* A service has one plugin: that of the configuration, else the first by file name; a later one
 * that declares it again is refused. */
static int refuse_second(const struct catalog *catalog, struct plugin_file *file)
{
	for (size_t i = 0; !file->error && i < catalog->n_files; i++) {
		const struct plugin_file *before = catalog->files[i];

		for (size_t j = 0; !file->error && j < file->manifest->n_services; j++) {
			const char *service = file->manifest->services[j]->name;

			if (provides(before, service) &&
			    asprintf(&file->error, "%s is already provided by %s", service,
				     before->path) < 0) {
				file->error = NULL;
				return -ENOMEM;
			}
		}
	}
	return 0;
}

static int read_file(const char *path, struct plugin_file **ret)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char why[160] = "not an ELF shared object";
	Elf *elf;
	int r;

	if (fd < 0)
		(void)snprintf(why, sizeof why, "can't be read: %s", strerror(errno));
	(void)elf_version(EV_CURRENT);
	/* READ, not MMAP: a file that shrinks meanwhile must not be a SIGBUS. */
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	r = plugin_file_new(path, elf, why, WAT_PLUGIN_ABI, ret);
	(void)elf_end(elf);
	return r;
}

static int add(struct catalog *catalog, const char *path)
{
	struct plugin_file **grown =
		reallocarray(catalog->files, catalog->n_files + 1, sizeof(*grown));
	struct plugin_file *file;
	int r;

	if (!grown)
		return -ENOMEM;
	catalog->files = grown;
	r = read_file(path, &file);
	if (r < 0)
		return r;
	r = refuse_second(catalog, file);
	if (r < 0) {
		plugin_file_free(file);
		return r;
	}
	catalog->files[catalog->n_files++] = file;
	return 0;
}

static int add_configured(struct catalog *catalog, const struct config *config)
{
	int r = 0;

	config_for_each (plugin, config, CONFIG_PLUGIN) {
		const char *path = config_text(plugin, PLUGIN_KEY_file);

		if (r == 0 && path && !catalog_file(catalog, path))
			r = add(catalog, path);
	}
	return r;
}

static int add_of_directory(struct catalog *catalog, const char *directory, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	return catalog_file(catalog, path) ? 0 : add(catalog, path);
}

static int add_directory(struct catalog *catalog, const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_plugin, alphasort), r = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_of_directory(catalog, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int catalog_scan(struct catalog *catalog, const char *directory, const struct config *config)
{
	int r;

	catalog_deinit(catalog);
	r = add_configured(catalog, config);
	return r < 0 ? r : add_directory(catalog, directory);
}

const struct plugin_file *catalog_file(const struct catalog *catalog, const char *path)
{
	for (size_t i = 0; i < catalog->n_files; i++)
		if (strcmp(catalog->files[i]->path, path) == 0)
			return catalog->files[i];
	return NULL;
}

enum catalog_find catalog_find(const struct catalog *catalog,
			       const char *name,
			       const struct plugin_file **ret_file,
			       const Wat__Manifest__Service **ret_service)
{
	unsigned n_by_prefix = 0;

	for (size_t i = 0; i < catalog->n_files; i++) {
		const struct plugin_file *file = catalog->files[i];

		for (size_t j = 0; !file->error && j < file->manifest->n_services; j++) {
			const Wat__Manifest__Service *service = file->manifest->services[j];
			bool full = strcmp(service->name, name) == 0;

			if (!full && strcmp(service->prefix, name) != 0)
				continue;
			if (full || n_by_prefix == 0) {
				*ret_file = file;
				*ret_service = service;
			}
			if (full)
				return CATALOG_FOUND;
			n_by_prefix++;
		}
	}
	if (n_by_prefix == 0)
		return CATALOG_UNKNOWN;
	return n_by_prefix == 1 ? CATALOG_FOUND : CATALOG_AMBIGUOUS;
}

/* A broken file may not tell its services; then its name has to do: counter.so for counter or
 * counter.Counter. */
const struct plugin_file *catalog_broken(const struct catalog *catalog, const char *name)
{
	size_t n = strcspn(name, ".");

	for (size_t i = 0; i < catalog->n_files; i++) {
		const struct plugin_file *file = catalog->files[i];
		const char *base = strrchr(file->path, '/');

		base = base ? base + 1 : file->path;
		if (file->error && strlen(base) == n + 3 && strncmp(base, name, n) == 0)
			return file;
	}
	return NULL;
}
