/* key.c - keys of holders, in files and as text. */
#include "client/watctl/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "client/watctl/problem.h"
#include "client/watctl/token_file.h"
#include "proto/base64.h"
#include "proto/token.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

void key_to_text(const uint8_t pk[static WAT_KEY_SIZE], char ret_text[static KEY_TEXT_SIZE])
{
	(void)sodium_bin2base64(ret_text, KEY_TEXT_SIZE, pk, WAT_KEY_SIZE, VARIANT);
}

int key_of_holder(const struct watctl *ctl, uint8_t room[static WAT_KEY_SIZE], const uint8_t **ret)
{
	const char *text = ctl->values[WATCTL_HOLDER];
	size_t n;

	*ret = NULL;
	if (!text)
		return 0;
	if (!base64_decode(text, strlen(text), VARIANT, room, WAT_KEY_SIZE, &n) ||
	    n != WAT_KEY_SIZE)
		return problem_usage(ctl, "--holder: expected a public key, the 43 characters that "
					  "watctl token newkey prints");
	*ret = room;
	return 0;
}

static int write_key(int fd, const uint8_t seed[static WAT_KEY_SIZE])
{
	ssize_t n = write(fd, seed, WAT_KEY_SIZE);

	if (n != WAT_KEY_SIZE)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

int key_write(const struct watctl *ctl, const char *path, const uint8_t seed[static WAT_KEY_SIZE])
{
	_cleanup_(fd_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_key(fd, seed);

	if (r < 0 && fd >= 0)
		(void)unlink(path);
	return r < 0 ? problem_file(ctl, "no key can be written to", path, r) : 0;
}

static int read_key(const struct watctl *ctl, const char *path, uint8_t seed[static WAT_KEY_SIZE])
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	uint8_t room[WAT_KEY_SIZE + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, room, sizeof room);

	if (n < 0)
		return problem_file(ctl, "no key can be read from", path, -errno);
	memcpy(seed, room, WAT_KEY_SIZE);
	sodium_memzero(room, sizeof room);
	if (n != WAT_KEY_SIZE)
		return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT,
				    "%s is no key: it has not 32 bytes, as watctl token newkey "
				    "writes",
				    path);
	return 0;
}

/* The text in the room that token_text_free wipes. */
static void take_text(const char *text, char *token)
{
	(void)memset(token, 0, TOKEN_TEXT_MAX);
	memcpy(token, text, strlen(text));
}

int key_complete(const struct watctl *ctl, const char *path, char **token)
{
	const char *file = ctl->values[WATCTL_KEY];
	uint8_t seed[WAT_KEY_SIZE];
	char *whole = NULL;
	int r = file ? read_key(ctl, file, seed) : 0;

	if (r != 0 || !file)
		return r;
	r = wat_token_with_key(*token, seed, &whole);
	sodium_memzero(seed, sizeof seed);
	if (r != 0)
		return problem_exit(ctl, WATCTL_CONFIG, WAT_INVALID_ARGUMENT, "%s with %s: %s",
				    path, file, wat_failure()->text);
	take_text(whole, *token);
	sodium_memzero(whole, strlen(whole));
	wat_memory_free(whole);
	return 0;
}
