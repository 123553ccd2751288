/* plugin.c - the files of one plugin together. Memory is given back by the program's end. */
#include "proto/gen/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "proto/gen/names.h"
#include "proto/gen/options.h"
#include "proto/gen/symbols.h"
#include "proto/limits.h"

typedef Google__Protobuf__FileDescriptorSet descriptor_set;

size_t plugin_n_services(const struct plugin *plugin)
{
	size_t n = 0;

	for (size_t i = 0; i < plugin->n_files; i++)
		n += plugin->files[i]->n_services;
	return n;
}

const struct service *plugin_service(const struct plugin *plugin, size_t i)
{
	const struct file *const *file = plugin->files;

	while (i >= (*file)->n_services)
		i -= (*file++)->n_services;
	return &(*file)->services[i];
}

/* Comments are part of the description; places of what has none are not. */
static void drop_plain_locations(file_proto *proto)
{
	size_t kept = 0;

	if (!proto->source_code_info)
		return;
	for (size_t i = 0; i < proto->source_code_info->n_location; i++) {
		Google__Protobuf__SourceCodeInfo__Location *l =
			proto->source_code_info->location[i];

		if (l->leading_comments || l->trailing_comments)
			proto->source_code_info->location[kept++] = l;
	}
	proto->source_code_info->n_location = kept;
}

/* Adds the files that are not there yet; imports come first in each closure. */
static void add_files(descriptor_set *set, const struct file *file)
{
	for (size_t i = 0; i < file->n_closure; i++) {
		bool there = false;

		for (size_t j = 0; j < set->n_file; j++)
			there = there || set->file[j] == file->closure[i];
		if (there)
			continue;
		drop_plain_locations((file_proto *)file->closure[i]);
		set->file = reallocarray(set->file, set->n_file + 1, sizeof(*set->file));
		if (!set->file)
			abort();
		set->file[set->n_file++] = (file_proto *)file->closure[i];
	}
}

static void make_schema(struct plugin *plugin)
{
	descriptor_set set = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;

	for (size_t i = 0; i < plugin->n_files; i++)
		add_files(&set, plugin->files[i]);
	plugin->n_schema = google__protobuf__file_descriptor_set__get_packed_size(&set);
	plugin->schema = malloc(plugin->n_schema + 1);
	if (!plugin->schema)
		abort();
	google__protobuf__file_descriptor_set__pack(&set, plugin->schema);
}

/* Those of all files, in the order of the files. */
static struct symbol *all_symbols(const struct plugin *plugin, size_t *ret_n)
{
	struct symbol *all = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < plugin->n_files; i++) {
		size_t n;
		struct symbol *symbols = symbols_of(plugin->files[i], &n);

		all = reallocarray(all, *ret_n + n + 1, sizeof *all);
		if (!all)
			abort();
		for (size_t j = 0; j < n; j++) {
			all[*ret_n] = symbols[j];
			all[*ret_n].order = *ret_n;
			(*ret_n)++;
		}
	}
	return all;
}

static char *find_meeting(const struct plugin *plugin)
{
	const struct symbol *later, *earlier = NULL;
	size_t n;
	struct symbol *symbols = all_symbols(plugin, &n);

	later = symbols_find_meeting(symbols, n, &earlier);
	if (!later)
		return NULL;
	return name_format("%s: error: %s gets the C name %s, which %s of %s in the same plugin "
			   "has; give one of the files another prefix: option (wat.file) = { "
			   "prefix: ... }",
			   location_of(later->file->proto, later->path, later->n_path),
			   later->owner, later->name, earlier->owner, earlier->file->proto->name);
}

char *plugin_complete(struct plugin *plugin)
{
	char *error = find_meeting(plugin);

	if (error)
		return error;
	make_schema(plugin);
	if (plugin->n_schema <= WAT_SCHEMA_MAX)
		return NULL;
	return name_format(
		"%s:1:1: error: the plugin's schema, with the comments of its files, has "
		"%zu bytes; at most %u are possible",
		plugin->files[0]->proto->name, plugin->n_schema, WAT_SCHEMA_MAX);
}
