/* files.c - the configuration file and its drop-ins. Main thread, and the loop thread at a reload:
 * regular files, so reading them does not wait. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/private.h"

static void refuse(struct problems *problems, const char *path, const char *why)
{
	problems_add(problems, &(struct place){.file = path}, "%s", why);
}

static int read_all(int fd, char *text, size_t n, size_t *ret_n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = read(fd, text + done, n - done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	*ret_n = done;
	return 0;
}

/* 1: it was refused, which is said. */
static int read_file(int fd, const char *path, struct problems *problems, char **ret, size_t *ret_n)
{
	_cleanup_(freep) char *text = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		refuse(problems, path, "expected a regular file");
		return 1;
	}
	if (st.st_size > (off_t)CONFIG_FILE_SIZE_MAX) {
		refuse(problems, path, "expected at most 1 MiB");
		return 1;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, (size_t)st.st_size, ret_n);
	if (r < 0) {
		problems_add(problems, &(struct place){.file = path}, "can't be read: %s",
			     strerror(-r));
		return 1;
	}
	*ret = TAKE(text);
	return 0;
}

static int add_file(struct config *config,
		    const char *path,
		    bool must_exist,
		    struct problems *problems)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_(freep) char *text = NULL;
	size_t n = 0;
	int r;

	if (fd < 0 && errno == ENOENT && !must_exist)
		return 0;
	if (fd < 0) {
		problems_add(problems, &(struct place){.file = path}, "can't be read: %s",
			     strerror(errno));
		return 0;
	}
	r = read_file(fd, path, problems, &text, &n);
	if (r != 0)
		return r < 0 ? r : 0;
	return config_add_text(config, text, n, path, problems);
}

static int is_drop_in(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* alphasort would ask the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_drop_in(struct config *config,
		       const char *dir,
		       const char *name,
		       struct problems *problems)
{
	_cleanup_(freep) char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (config->n_files >= CONFIG_FILES_MAX) {
		refuse(problems, path, "one file too many, expected at most 256");
		return 0;
	}
	return add_file(config, path, true, problems);
}

static int add_drop_ins(struct config *config, const char *dir, struct problems *problems)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_drop_in, by_name), r = 0;

	if (n < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (n < 0) {
		if (errno != ENOENT)
			problems_add(problems, &(struct place){.file = dir}, "can't be read: %s",
				     strerror(errno));
		return 0;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_drop_in(config, dir, entries[i]->d_name, problems);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* "conf.d" beside the file. */
static char *drop_in_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) + 1 : 0;
	char *dir;

	return asprintf(&dir, "%.*sconf.d", n, path) < 0 ? NULL : dir;
}

int config_load(const char *path, bool must_exist, struct problems *problems, struct config **ret)
{
	_cleanup_(config_freep) struct config *config = config_new();
	_cleanup_(freep) char *dir = drop_in_dir(path);
	int r;

	if (!config || !dir)
		return -ENOMEM;
	if ((r = add_file(config, path, must_exist, problems)) < 0 ||
	    (r = add_drop_ins(config, dir, problems)) < 0)
		return r;
	config_check_whole(config, problems);
	*ret = TAKE(config);
	return 0;
}
