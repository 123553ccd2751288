/* token_out.c - the file in which a program finds its token. Its temporary name is always the same,
 * so that a watd which is killed in between leaves one file at most. */
#include "daemon/supervisor/token_out.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"

struct token_out {
	int dir, fd;
	char *name, *temporary; /* in the directory */
	bool committed;
};

struct token_out *token_out_free(struct token_out *out)
{
	if (!out)
		return NULL;
	if (out->fd >= 0 && !out->committed)
		(void)unlinkat(out->dir, out->temporary, 0);
	fd_close(out->fd);
	fd_close(out->dir);
	free(out->name);
	free(out->temporary);
	free(out);
	return NULL;
}

static int open_dir_of(struct token_out *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *dir = strndup(path, (size_t)(slash - path) + 1);

	out->name = strdup(slash + 1);
	if (asprintf(&out->temporary, ".%s.watd-new", slash + 1) < 0)
		out->temporary = NULL;
	if (!dir || !out->name || !out->temporary)
		return -ENOMEM;
	if (!*out->name)
		return -EISDIR;
	out->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->dir < 0 ? -errno : 0;
}

void token_out_clean(const char *path)
{
	struct token_out out = {.dir = -1, .fd = -1};

	if (open_dir_of(&out, path) == 0 && unlinkat(out.dir, out.temporary, 0) < 0 &&
	    errno != ENOENT)
		log_warning("what is left of a token file can't be removed", "path", path, "error",
			    strerror(errno));
	fd_close(out.dir);
	free(out.name);
	free(out.temporary);
}

static mode_t mode_for(gid_t gid)
{
	return gid == (gid_t)-1 ? 0600 : 0640;
}

/* Nobody else has it open, and it is not a link that somebody put there. */
static int make_file(struct token_out *out, gid_t gid)
{
	struct stat st;
	int r;

	if (fstatat(out->dir, out->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return -EEXIST;
	if (unlinkat(out->dir, out->temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	out->fd = openat(out->dir, out->temporary,
			 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out->fd < 0)
		return -errno;
	if (gid != (gid_t)-1 && fchown(out->fd, (uid_t)-1, gid) < 0)
		return -errno;
	if (fchmod(out->fd, mode_for(gid)) < 0)
		return -errno;
	/* A full disk is noticed now, not when there is a token that would be lost. */
	r = posix_fallocate(out->fd, 0, TOKEN_TEXT_MAX);
	return -r;
}

int token_out_reserve(const char *path, gid_t gid, struct token_out **ret)
{
	_cleanup_(token_out_freep) struct token_out *out = calloc(1, sizeof *out);
	int r;

	if (!out)
		return -ENOMEM;
	out->dir = out->fd = -1;
	if ((r = open_dir_of(out, path)) < 0 || (r = make_file(out, gid)) < 0)
		return r;
	*ret = TAKE(out);
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

static int write_text(int fd, const struct token *token)
{
	char text[TOKEN_TEXT_MAX + 1];
	size_t n;
	int r;

	token_to_text(token, text);
	n = strlen(text);
	text[n++] = '\n';
	r = write_all(fd, text, n);
	sodium_memzero(text, sizeof text);
	if (r < 0)
		return r;
	return ftruncate(fd, (off_t)n) < 0 || fsync(fd) < 0 ? -errno : 0;
}

int token_out_commit(struct token_out *out, const struct token *token)
{
	int r = write_text(out->fd, token);

	if (r < 0)
		return r;
	if (renameat(out->dir, out->temporary, out->dir, out->name) < 0)
		return -errno;
	out->committed = true;
	/* The new name survives a power loss only once the directory is synced. */
	return fsync(out->dir) < 0 ? -errno : 0;
}

/* Text of one token, wiped by the caller. */
static int read_text(int fd, char *text, size_t size)
{
	size_t n = 0;

	while (n < size - 1) {
		ssize_t r = read(fd, text + n, size - 1 - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	text[n] = '\0';
	return n == size - 1 || strlen(text) != n ? -EBADMSG : 0;
}

static bool is_mode_right(const struct stat *st, gid_t gid)
{
	return (st->st_mode & 07777) == mode_for(gid) && st->st_uid == geteuid() &&
	       (gid == (gid_t)-1 || st->st_gid == gid);
}

int token_out_read(const char *path, gid_t gid, struct token *ret_token)
{
	_cleanup_(fd_closep) int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[TOKEN_TEXT_MAX];
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	r = read_text(fd, text, sizeof text);
	if (r == 0 && (token_from_text(text, ret_token) != TOKEN_OK || !ret_token->has_seed))
		r = -EBADMSG;
	sodium_memzero(text, sizeof text);
	if (r < 0)
		return r;
	return is_mode_right(&st, gid) ? TOKEN_OUT_MODE_RIGHT : TOKEN_OUT_MODE_OTHER;
}
