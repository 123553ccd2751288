/* describe_file.c - describe ./x.so: what a plugin's file says of itself. Its code is not run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "client/watctl/describe.h"
#include "client/watctl/interface_text.h"
#include "client/watctl/interface_view.h"
#include "client/watctl/message.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "proto/need.h"
#include "proto/plugin_file.h"

static int read_file(const struct watctl *ctl, const char *path, struct plugin_file **ret)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_(plugin_file_freep) struct plugin_file *file = NULL;
	Elf *elf;
	int r;

	if (fd < 0)
		return problem_file(ctl, "the plugin can't be read", path, -errno);
	(void)elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	r = plugin_file_new(path, elf, "not an ELF shared object", 0, &file);
	(void)elf_end(elf);
	if (r < 0)
		return problem_memory(ctl);
	if (file->error)
		return problem(ctl, WAT_FAILED_PRECONDITION, "%s is no plugin that can be used: %s",
			       path, file->error);
	if (file->warning)
		fprintf(stderr, "watctl: %s: %s\n", path, file->warning);
	*ret = TAKE(file);
	return 0;
}

static void print_text(json_t *views)
{
	json_t *view;
	size_t i;

	json_array_foreach(views, i, view)
	{
		if (i > 0)
			(void)putchar('\n');
		interface_text(view);
	}
}

/* What has to be granted, in the words of the configuration. */
static void add_needs(json_t *view, const Wat__Manifest__Service *service)
{
	json_t *needs = json_array();

	for (size_t i = 0; i < service->n_needs; i++) {
		const struct need need = {(enum need_kind)service->needs[i]->kind,
					  service->needs[i]->path};
		char word[NEED_WORD_SIZE];

		need_format(&need, word);
		(void)json_array_append_new(needs, json_string(word));
	}
	(void)json_object_set_new(view, "needs", needs);
}

/* All services of the file. */
static int add_views(const struct watctl *ctl, const struct plugin_file *file, json_t *views)
{
	_cleanup_(schema_freep) struct schema *schema = NULL;
	int r = message_schema(ctl, file->schema, file->schema_len, &schema);

	for (size_t i = 0; r == 0 && i < file->manifest->n_services; i++) {
		const Wat__Manifest__Service *service = file->manifest->services[i];
		json_t *view = interface_view(schema, service->name, service->prefix, file->path);

		add_needs(view, service);
		if (json_array_append_new(views, view) != 0)
			r = problem_memory(ctl);
	}
	return r;
}

int describe_file(struct watctl *ctl, const char *path)
{
	_cleanup_(plugin_file_freep) struct plugin_file *file = NULL;
	json_auto_t *views = json_array(), *document = NULL;
	int r = read_file(ctl, path, &file);

	if (r == 0)
		r = add_views(ctl, file, views);
	if (r != 0)
		return r;
	if (!ctl->json) {
		print_text(views);
		return 0;
	}
	document = json_pack("{s:s, s:O}", "file", path, "services", views);
	if (!document)
		return problem_memory(ctl);
	output_json(document);
	return 0;
}

int describe_file_service(const struct watctl *ctl,
			  const char *path,
			  uint64_t interface_hash,
			  struct schema **ret_schema,
			  char **ret_name)
{
	_cleanup_(plugin_file_freep) struct plugin_file *file = NULL;
	int r = read_file(ctl, path, &file);

	for (size_t i = 0; r == 0 && i < file->manifest->n_services; i++) {
		const Wat__Manifest__Service *service = file->manifest->services[i];

		if (service->interface_hash != interface_hash)
			continue;
		*ret_name = strdup(service->name);
		if (!*ret_name)
			return problem_memory(ctl);
		return message_schema(ctl, file->schema, file->schema_len, ret_schema);
	}
	return r != 0 ? r
		      : problem(ctl, WAT_NOT_FOUND, "%s has not the service that the token is for",
				path);
}
