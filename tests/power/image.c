/* image.c - crash images out of a recording. */
#include "tests/power/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/support/cleanup.h"
#include "tests/scenario/chance.h"

#define SECTOR 512u
#define NAME 64u

struct name {
	char text[NAME];
	size_t file; /* index */
};

/* An entry since the last sync of its file. */
struct change {
	uint64_t at;
	size_t named; /* the file that a name is given to */
};

/* A file or a directory. An inode number is used again after the file has gone. */
struct file {
	uint64_t inode;
	bool is_dir;
	struct change *pending;
	size_t n_pending, pending_size;
	uint8_t *bytes;
	size_t n, size;
	struct name *names;
	size_t n_names;
};

struct image {
	const struct power_log *log;
	struct file *files; /* 0: the root */
	size_t n_files, files_size;
	struct chance chance;
	bool failed; /* no memory */
};

static void *grow(struct image *image, void *array, size_t *size, size_t n, size_t each)
{
	size_t more = n + n / 2 + 8;
	void *grown;

	if (n <= *size)
		return array;
	grown = reallocarray(array, more, each);
	if (!grown) {
		image->failed = true;
		return array;
	}
	memset((char *)grown + *size * each, 0, (more - *size) * each);
	*size = more;
	return grown;
}

static size_t add_file(struct image *image, uint64_t inode, bool is_dir)
{
	image->files = grow(image, image->files, &image->files_size, image->n_files + 1,
			    sizeof *image->files);
	if (image->failed)
		return 0;
	image->files[image->n_files] = (struct file){.inode = inode, .is_dir = is_dir};
	return image->n_files++;
}

/* The newest of that number; NULL: it is none of the tree's. */
static struct file *find_file(struct image *image, uint64_t inode)
{
	for (size_t i = image->n_files; i-- > 0;)
		if (image->files[i].inode == inode)
			return &image->files[i];
	return NULL;
}

/* Bytes */

static void resize(struct image *image, struct file *file, size_t n)
{
	file->bytes = grow(image, file->bytes, &file->size, n, 1);
	if (image->failed)
		return;
	if (n < file->n)
		memset(file->bytes + n, 0, file->n - n);
	file->n = n;
}

/* Those of its sectors that have luck, of 256. */
static void put_bytes(struct image *image,
		      struct file *file,
		      const struct power_entry *entry,
		      size_t luck)
{
	size_t done = 0;

	while (done < entry->n && !image->failed) {
		size_t at = entry->at + done, n = SECTOR - at % SECTOR;

		if (n > entry->n - done)
			n = entry->n - done;
		if (luck >= 256 || chance_below(&image->chance, 256) < luck) {
			if (at + n > file->n)
				resize(image, file, at + n);
			memcpy(file->bytes + at, entry->bytes + done, n);
		}
		done += n;
	}
	/* That the file has grown may be known before what is in it. */
	if (luck < 256 && entry->at + entry->n > file->n && chance_below(&image->chance, 2))
		resize(image, file, entry->at + entry->n);
}

static void change_file(struct image *image,
			struct file *file,
			const struct power_entry *entry,
			size_t luck)
{
	switch (entry->kind) {
	case POWER_WRITE:
		put_bytes(image, file, entry, luck);
		break;
	case POWER_TRUNCATE:
		resize(image, file, entry->at);
		break;
	case POWER_EXTEND:
		if (entry->at > file->n)
			resize(image, file, entry->at);
		break;
	default:
		break;
	}
}

/* Names */

static struct name *find_name(const struct file *dir, const char *text)
{
	for (size_t i = 0; i < dir->n_names; i++)
		if (strcmp(dir->names[i].text, text) == 0)
			return &dir->names[i];
	return NULL;
}

static void drop_name(struct file *dir, const char *text)
{
	struct name *name = find_name(dir, text);

	if (name)
		*name = dir->names[--dir->n_names];
}

static void put_name(struct image *image, struct file *dir, const char *text, size_t file)
{
	struct name *grown;

	drop_name(dir, text);
	grown = reallocarray(dir->names, dir->n_names + 1, sizeof *grown);
	if (!grown || strlen(text) >= NAME) {
		image->failed = true;
		return;
	}
	dir->names = grown;
	(void)snprintf(grown[dir->n_names].text, NAME, "%s", text);
	grown[dir->n_names++].file = file;
}

/* All renames are within a directory. */
static void change_dir(struct image *image,
		       struct file *dir,
		       const struct power_entry *entry,
		       size_t named)
{
	const char *text = (const char *)entry->bytes, *second = text + strlen(text) + 1;
	const struct name *name;

	switch (entry->kind) {
	case POWER_CREATE:
	case POWER_MKDIR:
	case POWER_LINK:
		put_name(image, dir, text, named);
		break;
	case POWER_UNLINK:
		drop_name(dir, text);
		break;
	case POWER_RENAME:
		name = find_name(dir, text);
		if (name) {
			size_t file = name->file;

			drop_name(dir, text);
			put_name(image, dir, second, file);
		}
		break;
	default:
		break;
	}
}

/* Entries */

/* Of 256 sectors of what is written, `luck` are kept. */
static void apply(struct image *image, size_t file, const struct change *change, size_t luck)
{
	const struct power_entry *entry = power_log_at(image->log, change->at);

	if (image->files[file].is_dir)
		change_dir(image, &image->files[file], entry, change->named);
	else
		change_file(image, &image->files[file], entry, luck);
}

/* What had been done when the sync began. */
static void make_durable(struct image *image, size_t at, uint64_t began)
{
	struct file *file = &image->files[at];
	size_t n = 0;

	while (n < file->n_pending && file->pending[n].at < began)
		apply(image, at, &file->pending[n++], 256);
	file->n_pending -= n;
	if (n > 0)
		memmove(file->pending, file->pending + n, file->n_pending * sizeof *file->pending);
}

static void add_pending(struct image *image, size_t at, uint64_t entry, size_t named)
{
	struct file *file = &image->files[at];

	file->pending = grow(image, file->pending, &file->pending_size, file->n_pending + 1,
			     sizeof *file->pending);
	if (!image->failed)
		file->pending[file->n_pending++] = (struct change){entry, named};
}

/* Which file a name is given to: a new one, or one that has a name already. */
static size_t file_named(struct image *image, const struct power_entry *entry)
{
	const struct file *file;

	if (entry->kind == POWER_CREATE || entry->kind == POWER_MKDIR)
		return add_file(image, entry->other, entry->kind == POWER_MKDIR);
	file = entry->kind == POWER_LINK ? find_file(image, entry->other) : NULL;
	return file ? (size_t)(file - image->files) : 0;
}

static void read_entry(struct image *image, const struct power_entry *entry, uint64_t at)
{
	const struct file *file = entry->kind == POWER_MARK ? NULL : find_file(image, entry->file);
	size_t index;

	if (!file)
		return;
	index = (size_t)(file - image->files);
	if (entry->kind == POWER_SYNC)
		make_durable(image, index, entry->at);
	else
		add_pending(image, index, at, file_named(image, entry));
}

/* The power goes. */

static void keep_first(struct image *image, size_t file)
{
	size_t n = image->files[file].n_pending, kept = chance_below(&image->chance, n + 1);

	for (size_t i = 0; i < kept; i++)
		apply(image, file, &image->files[file].pending[i], 256);
	if (kept < n && !image->files[file].is_dir)
		apply(image, file, &image->files[file].pending[kept],
		      chance_below(&image->chance, 256));
}

static void keep_some(struct image *image, size_t file)
{
	for (size_t i = 0; i < image->files[file].n_pending; i++)
		if (chance_below(&image->chance, 2))
			apply(image, file, &image->files[file].pending[i],
			      64 + chance_below(&image->chance, 256));
}

static void lose(struct image *image, size_t file, enum image_mode mode)
{
	switch (mode) {
	case IMAGE_ALL:
		for (size_t i = 0; i < image->files[file].n_pending; i++)
			apply(image, file, &image->files[file].pending[i], 256);
		break;
	case IMAGE_FIRST:
		keep_first(image, file);
		break;
	case IMAGE_SOME:
		keep_some(image, file);
		break;
	case IMAGE_MIXED:
		lose(image, file, (enum image_mode)chance_below(&image->chance, IMAGE_MIXED));
		break;
	case IMAGE_NOTHING:
	default:
		break;
	}
	image->files[file].n_pending = 0;
}

struct image *image_new(const struct power_log *log, uint64_t root, const struct image_cut *cut)
{
	struct image *image = calloc(1, sizeof *image);

	if (!image)
		return NULL;
	*image = (struct image){.log = log, .chance = {cut->seed}};
	(void)add_file(image, root, true);
	for (uint64_t at = 0; at < cut->end; at += power_log_at(log, at)->size) {
		const struct power_entry *entry = power_log_at(log, at);

		if (entry->kind != POWER_SYNC || at < cut->lies_from)
			read_entry(image, entry, at);
	}
	for (size_t i = 0; i < image->n_files; i++)
		lose(image, i, cut->mode);
	return image->failed ? image_free(image) : image;
}

struct image *image_free(struct image *image)
{
	if (!image)
		return NULL;
	for (size_t i = 0; i < image->n_files; i++) {
		free(image->files[i].pending);
		free(image->files[i].bytes);
		free(image->files[i].names);
	}
	free(image->files);
	free(image);
	return NULL;
}

/* On a disk again. */

static int write_bytes(int dir, const char *name, const struct file *file)
{
	_cleanup_(fd_closep) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	return file->n > 0 && write(fd, file->bytes, file->n) != (ssize_t)file->n ? -EIO : 0;
}

static int write_dir(const struct image *image, size_t file, const char *path)
{
	_cleanup_(fd_closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : 0;

	for (size_t i = 0; r == 0 && i < image->files[file].n_names; i++) {
		const struct name *name = &image->files[file].names[i];
		char below[4096];

		if (!image->files[name->file].is_dir) {
			r = write_bytes(dir, name->text, &image->files[name->file]);
			continue;
		}
		(void)snprintf(below, sizeof below, "%s/%s", path, name->text);
		r = mkdir(below, 0700) < 0 ? -errno : write_dir(image, name->file, below);
	}
	return r;
}

int image_write(const struct image *image, const char *dir)
{
	return write_dir(image, 0, dir);
}

static bool has_bytes(int dir, const char *name, const struct file *file)
{
	_cleanup_(fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) uint8_t *bytes = malloc(file->n + 1);

	return fd >= 0 && bytes && read(fd, bytes, file->n + 1) == (ssize_t)file->n &&
	       (file->n == 0 || memcmp(bytes, file->bytes, file->n) == 0);
}

static size_t count_names(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n - 2;
}

static int compare_dir(const struct image *image,
		       size_t file,
		       const char *path,
		       char *why,
		       size_t size)
{
	_cleanup_(fd_closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct file *f = &image->files[file];
	char below[4096];

	if (dir < 0 || count_names(path) != f->n_names) {
		(void)snprintf(why, size, "%s has other names", path);
		return -EBADMSG;
	}
	for (size_t i = 0; i < f->n_names; i++) {
		const struct file *named = &image->files[f->names[i].file];

		(void)snprintf(below, sizeof below, "%s/%s", path, f->names[i].text);
		if (named->is_dir) {
			if (compare_dir(image, f->names[i].file, below, why, size) < 0)
				return -EBADMSG;
		} else if (!has_bytes(dir, f->names[i].text, named)) {
			(void)snprintf(why, size, "%s has other bytes", below);
			return -EBADMSG;
		}
	}
	return 0;
}

int image_compare(const struct image *image, const char *dir, char *why, size_t size)
{
	return compare_dir(image, 0, dir, why, size);
}
