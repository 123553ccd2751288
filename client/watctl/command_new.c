/* command_new.c - new: the skeleton of a plugin, in a directory of its own. Needs no watd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"
#include "client/watctl/skeleton.h"

static int refuse(const struct watctl *ctl, const char *path, int error)
{
	if (error == -EEXIST)
		return problem(ctl, WAT_ALREADY_EXISTS,
			       "%s is there already and is not overwritten; name another "
			       "directory: watctl new %s DIR",
			       path, watctl_argument(ctl, 0));
	return problem(ctl, WAT_FAILED_PRECONDITION, "%s can't be written: %s", path,
		       strerror(-error));
}

static char *path_in(const char *dir, const char *name, const struct skeleton_file *file)
{
	_cleanup_(freep) char *filled = skeleton_fill(file->path, name);
	char *path;

	return filled && asprintf(&path, "%s/%s", dir, filled) >= 0 ? path : NULL;
}

/* Before the first is written: all or none. */
static int check_free(const struct watctl *ctl, const char *dir, const char *name)
{
	struct stat st;

	for (size_t i = 0; i < n_skeleton_files; i++) {
		_cleanup_(freep) char *path = path_in(dir, name, &skeleton_files[i]);

		if (!path)
			return problem_memory(ctl);
		if (lstat(path, &st) == 0)
			return refuse(ctl, path, -EEXIST);
	}
	return 0;
}

static int write_text(const char *path, const char *text)
{
	_cleanup_(file_closep) FILE *file = fopen(path, "wxe");
	FILE *closed;

	if (!file)
		return -errno;
	if (fputs(text, file) < 0)
		return -EIO;
	closed = TAKE(file);
	return fclose(closed) == 0 ? 0 : -errno;
}

static int write_file(const struct watctl *ctl,
		      const char *dir,
		      const char *name,
		      const struct skeleton_file *file,
		      json_t *written)
{
	_cleanup_(freep) char *path = path_in(dir, name, file);
	_cleanup_(freep) char *text = skeleton_fill(file->text, name);
	int r;

	if (!path || !text)
		return problem_memory(ctl);
	r = write_text(path, text);
	if (r < 0)
		return refuse(ctl, path, r);
	if (!ctl->json)
		puts(path);
	return json_array_append_new(written, json_string(path)) == 0 ? 0 : problem_memory(ctl);
}

int command_new(struct watctl *ctl)
{
	const char *name = watctl_argument(ctl, 0), *dir = watctl_argument(ctl, 1), *why;
	json_auto_t *written = json_array(), *document = NULL;
	int r;

	if (!skeleton_name_ok(name, &why))
		return problem_usage(ctl, "\"%s\" can't be the name of a plugin: %s", name, why);
	if (!dir)
		dir = name;
	r = check_free(ctl, dir, name);
	if (r == 0 && mkdir(dir, 0777) < 0 && errno != EEXIST)
		r = refuse(ctl, dir, -errno);
	for (size_t i = 0; r == 0 && i < n_skeleton_files; i++)
		r = write_file(ctl, dir, name, &skeleton_files[i], written);
	if (r != 0 || !ctl->json)
		return r;
	document = json_pack("{s:s, s:s, s:O}", "name", name, "directory", dir, "files", written);
	if (!document)
		return problem_memory(ctl);
	output_json(document);
	return 0;
}
