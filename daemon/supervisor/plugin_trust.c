/* plugin_trust.c - whose signatures on plugins are accepted. */
#include "daemon/supervisor/plugin_trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/supervisor/file_bytes.h"
#include "proto/support/cleanup.h"

void plugin_trust_deinit(struct plugin_trust *trust)
{
	free(trust->directory);
	free(trust->keys);
	*trust = (struct plugin_trust){0};
}

static int is_key(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 4, ".pub") == 0;
}

static int add_key(struct plugin_trust *trust, int dir_fd, const char *name, char *text)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct minisign_public *grown;
	size_t n;
	int r = file_bytes_read(dir_fd, name, MINISIGN_TEXT_MAX, &bytes, &n);

	if (r < 0) {
		(void)snprintf(text, PLUGIN_TRUST_TEXT_MAX, "%.256s/%.200s can't be read: %s",
			       trust->directory, name, strerror(-r));
		return r;
	}
	grown = reallocarray(trust->keys, trust->n_keys + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	trust->keys = grown;
	if (minisign_public_parse((const char *)bytes, n, &trust->keys[trust->n_keys]) < 0) {
		(void)snprintf(text, PLUGIN_TRUST_TEXT_MAX,
			       "%.256s/%.160s is no public key of minisign (watctl plugin keygen "
			       "makes one)",
			       trust->directory, name);
		return -EBADMSG;
	}
	trust->n_keys++;
	return 0;
}

static int add_keys(struct plugin_trust *trust, char *text)
{
	_cleanup_(fd_closep) int fd = open(trust->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &entries, is_key, alphasort), r = 0;

	if (n < 0) {
		r = -errno;
		(void)snprintf(text, PLUGIN_TRUST_TEXT_MAX,
			       "the directory of keys %.256s can't be read: %s", trust->directory,
			       strerror(-r));
		return r;
	}
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_key(trust, fd, entries[i]->d_name, text);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int plugin_trust_load(struct plugin_trust *trust,
		      const char *directory,
		      bool required,
		      char text[static PLUGIN_TRUST_TEXT_MAX])
{
	struct plugin_trust loaded = {.required = required};
	int r = 0;

	(void)snprintf(text, PLUGIN_TRUST_TEXT_MAX, "no memory");
	if (directory) {
		loaded.directory = strdup(directory);
		r = loaded.directory ? add_keys(&loaded, text) : -ENOMEM;
	}
	if (r == 0 && required && loaded.n_keys == 0) {
		(void)snprintf(text, PLUGIN_TRUST_TEXT_MAX,
			       "require-signed = yes, but %.256s: no plugin could be used",
			       directory ? "there is no *.pub in plugin-keys"
					 : "plugin-keys names no directory of public keys");
		r = -EBADMSG;
	}
	if (r < 0) {
		plugin_trust_deinit(&loaded);
		return r;
	}
	plugin_trust_deinit(trust);
	*trust = loaded;
	return 0;
}

static int WAT_PRINTF(2, 3) reject(char *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, PLUGIN_TRUST_TEXT_MAX, format, arguments);
	va_end(arguments);
	return -EKEYREJECTED;
}

static const struct minisign_public *find_key(const struct plugin_trust *trust,
					      const struct minisign_signature *signature)
{
	for (size_t i = 0; i < trust->n_keys; i++)
		if (memcmp(trust->keys[i].id, signature->id, sizeof signature->id) == 0)
			return &trust->keys[i];
	return NULL;
}

static int judge_signature(const struct plugin_trust *trust,
			   const char *path,
			   const uint8_t *bytes,
			   size_t n,
			   const char *text_of_signature,
			   char *text)
{
	_cleanup_(freep) struct minisign_signature *signature = malloc(sizeof *signature);
	const struct minisign_public *key;
	char id[MINISIGN_ID_TEXT_SIZE];

	if (!signature)
		return -ENOMEM;
	if (minisign_signature_parse(text_of_signature, strlen(text_of_signature), signature) < 0)
		return reject(text, "%.256s.minisig is no signature of minisign", path);
	minisign_id_text(signature->id, id);
	key = find_key(trust, signature);
	if (!key)
		return reject(text,
			      "%.200s is signed by key %s, which is not in %.160s (plugin-keys)",
			      path, id, trust->directory);
	if (!minisign_verify(key, signature, bytes, n))
		return reject(text,
			      "%.256s is not what key %s signed: it, or its .minisig, was changed",
			      path, id);
	return 0;
}

int plugin_trust_judge(const struct plugin_trust *trust,
		       const char *path,
		       const uint8_t *bytes,
		       size_t n,
		       const char *signature,
		       char text[static PLUGIN_TRUST_TEXT_MAX])
{
	if (trust->n_keys == 0)
		return 0;
	if (signature)
		return judge_signature(trust, path, bytes, n, signature, text);
	if (!trust->required)
		return 0;
	return reject(text,
		      "%.200s is not signed, and require-signed = yes: expected %.200s.minisig "
		      "(watctl plugin sign)",
		      path, path);
}
