/* keyring.c - the tokens that this user holds, as files. */
#include "client/watctl/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/limits.h"
#include "proto/name.h"
#include "proto/support/cleanup.h"

#define SUFFIX ".token"

struct keyring {
	char *root; /* with the node's id */
};

bool keyring_name_ok(const char *name)
{
	return name_is_valid(name);
}

static int home_of(char **ret)
{
	const char *home = getenv("HOME");
	const struct passwd *entry;

	if (!home || !*home) {
		entry = getpwuid(geteuid());
		home = entry ? entry->pw_dir : NULL;
	}
	if (!home || *home != '/')
		return -ENOENT;
	return asprintf(ret, "%s/.local/share/watctl", home) < 0 ? -ENOMEM : 0;
}

static int root_of(char **ret)
{
	const char *own = getenv("WAT_KEYRING"), *xdg = getenv("XDG_DATA_HOME");

	if (own && *own)
		return asprintf(ret, "%s", own) < 0 ? -ENOMEM : 0;
	if (xdg && *xdg == '/')
		return asprintf(ret, "%s/watctl", xdg) < 0 ? -ENOMEM : 0;
	return home_of(ret);
}

int keyring_new(const uint8_t node_id[static 16], struct keyring **ret)
{
	_cleanup_(keyring_freep) struct keyring *keyring = calloc(1, sizeof *keyring);
	_cleanup_(freep) char *root = NULL;
	char id[2 * WAT_ID_SIZE + 1] = "";
	int r;

	if (!keyring)
		return -ENOMEM;
	r = root_of(&root);
	if (r < 0)
		return r;
	for (size_t i = 0; i < WAT_ID_SIZE; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", node_id[i]);
	if (asprintf(&keyring->root, "%s/%s", root, id) < 0) {
		keyring->root = NULL;
		return -ENOMEM;
	}
	*ret = TAKE(keyring);
	return 0;
}

struct keyring *keyring_free(struct keyring *keyring)
{
	if (keyring)
		free(keyring->root);
	free(keyring);
	return NULL;
}

const char *keyring_path(const struct keyring *keyring)
{
	return keyring->root;
}

static int path_of(const struct keyring *keyring,
		   const char *instance,
		   const char *user,
		   char **ret)
{
	int n;

	if (!keyring_name_ok(instance) || (user && !keyring_name_ok(user)))
		return -EINVAL;
	if (user)
		n = asprintf(ret, "%s/%s/users/%s" SUFFIX, keyring->root, instance, user);
	else
		n = asprintf(ret, "%s/%s/admin" SUFFIX, keyring->root, instance);
	if (n < 0)
		*ret = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* Every directory above the path, 0700. */
static int make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

int keyring_read(const struct keyring *keyring,
		 const char *instance,
		 const char *user,
		 char **ret_token)
{
	_cleanup_(freep) char *path = NULL;
	int r = path_of(keyring, instance, user, &path);

	return r < 0 ? r : token_file_read(path, ret_token);
}

int keyring_reserve(const struct keyring *keyring,
		    const char *instance,
		    const char *user,
		    struct token_file **ret)
{
	_cleanup_(freep) char *path = NULL;
	int r = path_of(keyring, instance, user, &path);

	if (r < 0)
		return r;
	r = make_directories(path);
	return r < 0 ? r : token_file_reserve(path, ret);
}

int keyring_remove_user(const struct keyring *keyring, const char *instance, const char *user)
{
	_cleanup_(freep) char *path = NULL;
	int r = path_of(keyring, instance, user, &path);

	if (r < 0)
		return r;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int keyring_remove(const struct keyring *keyring, const char *instance)
{
	_cleanup_(freep) char *path = NULL;

	if (!keyring_name_ok(instance))
		return -EINVAL;
	if (asprintf(&path, "%s/%s", keyring->root, instance) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

/* "bob.token" becomes "bob"; false for anything else that may lie there. */
static bool user_of_file(char *file)
{
	size_t n = strlen(file);

	if (n <= strlen(SUFFIX) || strcmp(file + n - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	file[n - strlen(SUFFIX)] = '\0';
	return keyring_name_ok(file);
}

static int add_name(struct keyring_users *users, const char *name)
{
	char **grown = reallocarray(users->names, users->n + 1, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	users->names = grown;
	users->names[users->n] = strdup(name);
	return users->names[users->n] ? (void)users->n++, 0 : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void directory_closep(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

/* Every entry that an own name accepts. */
static int read_names(const char *path, bool (*accepts)(char *), struct keyring_users *users)
{
	_cleanup_(directory_closep) DIR *directory = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, entry = readdir(directory)))
		if (accepts(entry->d_name))
			r = add_name(users, entry->d_name);
	return r < 0 ? r : -errno;
}

static int list_names(const char *path, bool (*accepts)(char *), struct keyring_users *ret)
{
	_cleanup_(keyring_users_deinit) struct keyring_users users = {0};
	int r = read_names(path, accepts, &users);

	if (r < 0)
		return r;
	if (users.n > 0)
		qsort(users.names, users.n, sizeof *users.names, compare_names);
	*ret = users;
	users = (struct keyring_users){0};
	return 0;
}

int keyring_users(const struct keyring *keyring, const char *instance, struct keyring_users *ret)
{
	_cleanup_(freep) char *path = NULL;

	if (!keyring_name_ok(instance))
		return -EINVAL;
	if (asprintf(&path, "%s/%s/users", keyring->root, instance) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return list_names(path, user_of_file, ret);
}

static bool is_instance(char *file)
{
	return keyring_name_ok(file);
}

int keyring_instances(const struct keyring *keyring, struct keyring_users *ret)
{
	return list_names(keyring->root, is_instance, ret);
}

void keyring_users_deinit(struct keyring_users *users)
{
	for (size_t i = 0; i < users->n; i++)
		free(users->names[i]);
	free(users->names);
	*users = (struct keyring_users){0};
}
