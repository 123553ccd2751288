/* token_file.c - files that hold one token. A reserved file owns its descriptor and its temporary
 * name, which begins with a dot and is removed unless it was committed. */
#include "client/watctl/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/support/cleanup.h"
#include "proto/token.h"

struct token_file {
	int fd;
	char *path, *temporary;
	char *directory;
};

struct token_file *token_file_free(struct token_file *file)
{
	if (!file)
		return NULL;
	if (file->fd >= 0 && file->temporary)
		(void)unlink(file->temporary);
	fd_close(file->fd);
	free(file->path);
	free(file->temporary);
	free(file->directory);
	free(file);
	return NULL;
}

/* "/a/b" gives "/a/"; "b" gives "./". */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

int token_file_reserve(const char *path, struct token_file **ret)
{
	_cleanup_(token_file_freep) struct token_file *file = calloc(1, sizeof *file);
	struct stat existing;
	int r;

	if (!file)
		return -ENOMEM;
	file->fd = -1;
	file->path = strdup(path);
	file->directory = directory_of(path);
	if (!file->path || !file->directory)
		return -ENOMEM;
	if (lstat(path, &existing) == 0 && !S_ISREG(existing.st_mode))
		return S_ISDIR(existing.st_mode) ? -EISDIR : -EEXIST;
	if (asprintf(&file->temporary, "%s.token-XXXXXX", file->directory) < 0) {
		file->temporary = NULL;
		return -ENOMEM;
	}
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	if (file->fd < 0 || fchmod(file->fd, 0600) < 0)
		return -errno;
	/* A full disk is noticed now, not when there is a token that would be lost. */
	r = posix_fallocate(file->fd, 0, TOKEN_TEXT_MAX);
	if (r > 0)
		return -r;
	*ret = TAKE(file);
	return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

/* The new name survives a power loss only once the directory is synced. */
static int sync_directory(const char *path)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int token_file_commit(struct token_file *file, const char *text)
{
	int r;

	if ((r = write_all(file->fd, text, strlen(text))) < 0 ||
	    (r = write_all(file->fd, "\n", 1)) < 0)
		return r;
	if (ftruncate(file->fd, (off_t)strlen(text) + 1) < 0 || fsync(file->fd) < 0 ||
	    rename(file->temporary, file->path) < 0)
		return -errno;
	file->fd = fd_close(file->fd);
	return sync_directory(file->directory);
}

int token_file_read(const char *path, char **ret_text)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_(token_text_freep) char *text = NULL;
	size_t used = 0;

	if (fd < 0)
		return -errno;
	text = calloc(1, TOKEN_TEXT_MAX + 1);
	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, text + used, TOKEN_TEXT_MAX - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used == TOKEN_TEXT_MAX)
			return -EFBIG;
	}
	text[strcspn(text, " \t\r\n")] = '\0';
	*ret_text = TAKE(text);
	return 0;
}

void token_text_free(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, TOKEN_TEXT_MAX);
	free(text);
}
