/* plugin_copies.c - private copies of plugins. A copy is never written to again, so that what its
 * name says stays true: its directory belongs to watd alone. */
#include "daemon/supervisor/plugin_copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/supervisor/file_bytes.h"
#include "daemon/supervisor/plugin_trust.h"
#include "proto/plugin_file.h"
#include "proto/support/cleanup.h"

/* Of a file's name, which says half of it: that is enough for no two to meet, and all of it is
 * checked. */
#define DIGEST_TEXT_SIZE (2 * PLUGIN_NAMED_SIZE + 1)
/* DIGEST.so, DIGEST.minisig */
#define NAME_SIZE (DIGEST_TEXT_SIZE + 8)

_Static_assert(PLUGIN_TRUST_TEXT_MAX == PLUGIN_COPY_TEXT_MAX, "one sentence");

/* A plugin's bytes, and its signature if it has one. */
struct content {
	uint8_t *bytes, *signature;
	size_t n, signature_n;
	uint8_t digest[PLUGIN_DIGEST_SIZE];
};

static void content_deinit(struct content *content)
{
	free(content->bytes);
	free(content->signature);
}

static int WAT_PRINTF(3, 4) explain(char *text, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, PLUGIN_COPY_TEXT_MAX, format, arguments);
	va_end(arguments);
	return error;
}

int plugin_copies_init(struct plugin_copies *copies, const char *state_dir)
{
	if (asprintf(&copies->directory, "%s/plugins", state_dir) < 0) {
		copies->directory = NULL;
		return -ENOMEM;
	}
	if (mkdir(copies->directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	copies->fd = open(copies->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return copies->fd < 0 ? -errno : 0;
}

void plugin_copies_deinit(struct plugin_copies *copies)
{
	free(copies->directory);
	fd_close(copies->fd);
	*copies = (struct plugin_copies){.fd = -1};
}

static void name_of(const uint8_t digest[PLUGIN_DIGEST_SIZE],
		    const char *suffix,
		    char ret[static NAME_SIZE])
{
	char hex[DIGEST_TEXT_SIZE];

	(void)sodium_bin2hex(hex, sizeof hex, digest, PLUGIN_NAMED_SIZE);
	(void)snprintf(ret, NAME_SIZE, "%s%s", hex, suffix);
}

/* One that has no signature is none to be afraid of; one that can't be read is. */
static int read_content(int dir_fd, const char *path, const char *signature, struct content *ret)
{
	int r = file_bytes_read(dir_fd, path, PLUGIN_FILE_MAX, &ret->bytes, &ret->n);

	if (r == 0)
		r = file_bytes_read(dir_fd, signature, MINISIGN_TEXT_MAX, &ret->signature,
				    &ret->signature_n);
	if (r == -ENOENT && ret->bytes)
		r = 0;
	if (r == 0)
		crypto_generichash(ret->digest, sizeof ret->digest, ret->bytes, ret->n, NULL, 0);
	return r;
}

/* -ENOENT: there is no copy, or none that is whole. */
static int read_copy(const struct plugin_copies *copies,
		     const uint8_t digest[PLUGIN_DIGEST_SIZE],
		     struct content *ret)
{
	char name[NAME_SIZE], signature[NAME_SIZE];
	int r;

	name_of(digest, ".so", name);
	name_of(digest, ".minisig", signature);
	r = read_content(copies->fd, name, signature, ret);
	if (r < 0 || memcmp(ret->digest, digest, PLUGIN_DIGEST_SIZE) == 0)
		return r;
	log_error("a copy of a plugin was damaged, and is made anew", "path", copies->directory,
		  "name", name);
	content_deinit(ret);
	*ret = (struct content){0};
	return -ENOENT;
}

static int read_installed(const char *path, struct content *ret, char *text)
{
	_cleanup_(freep) char *signature = NULL;
	int r;

	if (asprintf(&signature, "%s.minisig", path) < 0) {
		signature = NULL;
		return explain(text, -ENOMEM, "no memory");
	}
	r = read_content(AT_FDCWD, path, signature, ret);
	return r == 0 ? 0
		      : explain(text, r, "%.400s can't be read: %s", ret->bytes ? signature : path,
				strerror(-r));
}

/* Is it what was looked at before it was chosen? */
static int check_schema(const struct plugin_wanted *wanted,
			const struct content *content,
			char *text)
{
	Elf *elf = elf_memory((char *)content->bytes, content->n);
	struct plugin_file *file = NULL;
	int r = plugin_file_new(wanted->path, elf, "not an ELF shared object", 0, &file);

	if (r < 0)
		r = explain(text, r, "no memory to look at %.400s", wanted->path);
	else if (file->error || memcmp(file->schema_digest, wanted->schema, 32) != 0)
		r = explain(text, -ESTALE, "%.400s was changed a moment ago; try again",
			    wanted->path);
	plugin_file_free(file);
	(void)elf_end(elf);
	return r;
}

static int check_digest(const struct plugin_wanted *wanted,
			const struct content *content,
			char *text)
{
	char was[DIGEST_TEXT_SIZE], is[DIGEST_TEXT_SIZE];

	if (memcmp(content->digest, wanted->digest, PLUGIN_DIGEST_SIZE) == 0)
		return 0;
	(void)sodium_bin2hex(was, sizeof was, wanted->digest, 8);
	(void)sodium_bin2hex(is, sizeof is, content->digest, 8);
	return explain(text, -ESTALE,
		       "%.250s is another file than at its spawn (BLAKE2b %s..., then %s...): put "
		       "the former one back, or go on with this one by watctl restart",
		       wanted->path, is, was);
}

/* A copy that is right stays the same file: a host that is yet to map it may open no other. */
static bool is_kept(const struct plugin_copies *copies, const struct content *content)
{
	_cleanup_(content_deinit) struct content kept = {0};

	return read_copy(copies, content->digest, &kept) == 0;
}

static int write_copy(const struct plugin_copies *copies, const struct content *content, char *text)
{
	char name[NAME_SIZE], signature[NAME_SIZE];
	int r = 0;

	name_of(content->digest, ".so", name);
	name_of(content->digest, ".minisig", signature);
	/* The signature first: with the plugin in its place, it is as it was installed. */
	if (content->signature)
		r = file_bytes_write(copies->fd, signature, "new", content->signature,
				     content->signature_n);
	else if (unlinkat(copies->fd, signature, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r == 0 && !is_kept(copies, content))
		r = file_bytes_write(copies->fd, name, "new", content->bytes, content->n);
	return r == 0 ? 0
		      : explain(text, r, "no copy of the plugin can be kept in %.256s: %s",
				copies->directory, strerror(-r));
}

/* The installed file, if that is the one. */
static int take_installed(const struct plugin_copies *copies,
			  const struct plugin_wanted *wanted,
			  struct content *content,
			  char *text)
{
	int r = read_installed(wanted->path, content, text);

	if (r == 0)
		r = sodium_is_zero(wanted->digest, PLUGIN_DIGEST_SIZE)
			    ? check_schema(wanted, content, text)
			    : check_digest(wanted, content, text);
	if (r == 0)
		r = plugin_trust_judge(wanted->trust, wanted->path, content->bytes, content->n,
				       (const char *)content->signature, text);
	return r == 0 ? write_copy(copies, content, text) : r;
}

static int take(const struct plugin_copies *copies,
		const struct plugin_wanted *wanted,
		struct content *content,
		char *text)
{
	int r = sodium_is_zero(wanted->digest, PLUGIN_DIGEST_SIZE)
			? -ENOENT
			: read_copy(copies, wanted->digest, content);

	if (r == -ENOENT)
		return take_installed(copies, wanted, content, text);
	if (r < 0)
		return explain(text, r, "the copy of %.256s in %.160s can't be read: %s",
			       wanted->path, copies->directory, strerror(-r));
	return plugin_trust_judge(wanted->trust, wanted->path, content->bytes, content->n,
				  (const char *)content->signature, text);
}

int plugin_copy_provide(const struct plugin_copies *copies,
			const struct plugin_wanted *wanted,
			char **ret_path,
			char text[static PLUGIN_COPY_TEXT_MAX])
{
	_cleanup_(content_deinit) struct content content = {0};
	char name[NAME_SIZE];
	int r = take(copies, wanted, &content, text);

	if (r < 0)
		return r;
	name_of(content.digest, ".so", name);
	if (asprintf(ret_path, "%s/%s", copies->directory, name) < 0)
		return explain(text, -ENOMEM, "no memory");
	memcpy(wanted->digest, content.digest, PLUGIN_DIGEST_SIZE);
	return 0;
}

/* Ours by its name, and whose it is. */
static bool parse(const char *name, uint8_t ret_digest[PLUGIN_NAMED_SIZE])
{
	const char *suffix = name + DIGEST_TEXT_SIZE - 1;
	size_t n;

	return strlen(name) > DIGEST_TEXT_SIZE - 1 &&
	       (strcmp(suffix, ".so") == 0 || strcmp(suffix, ".minisig") == 0) &&
	       sodium_hex2bin(ret_digest, PLUGIN_NAMED_SIZE, name, DIGEST_TEXT_SIZE - 1, NULL, &n,
			      NULL) == 0 &&
	       n == PLUGIN_NAMED_SIZE;
}

void plugin_copies_sweep(const struct plugin_copies *copies,
			 bool (*used)(void *arg, const uint8_t digest[PLUGIN_NAMED_SIZE]),
			 void *arg)
{
	struct dirent **entries;
	int n = scandirat(copies->fd, ".", &entries, NULL, NULL);

	for (int i = 0; i < n; i++) {
		uint8_t digest[PLUGIN_NAMED_SIZE];

		if (parse(entries[i]->d_name, digest) && !used(arg, digest) &&
		    unlinkat(copies->fd, entries[i]->d_name, 0) < 0)
			log_warning("a copy of a plugin can't be removed", "path",
				    copies->directory, "name", entries[i]->d_name, "error",
				    strerror(errno));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}
