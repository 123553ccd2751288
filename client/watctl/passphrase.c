/* passphrase.c - a password, from the terminal. */
#include "client/watctl/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "proto/support/cleanup.h"

#define PASSPHRASE_MAX 1024u

void passphrase_free(char *passphrase)
{
	if (passphrase)
		explicit_bzero(passphrase, PASSPHRASE_MAX);
	free(passphrase);
}

/* A terminal gives a line at a time. */
static int read_line(int fd, char *line)
{
	ssize_t n = read(fd, line, PASSPHRASE_MAX - 1);

	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECANCELED;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return 0;
}

int passphrase_ask(const char *of, char **ret)
{
	_cleanup_(fd_closep) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char *line = calloc(1, PASSPHRASE_MAX);
	struct termios was, quiet;
	int r;

	if (fd < 0 || !line || tcgetattr(fd, &was) < 0) {
		r = line ? -errno : -ENOMEM;
		free(line);
		return r;
	}
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)dprintf(fd, "Password of %s: ", of);
	r = tcsetattr(fd, TCSAFLUSH, &quiet) < 0 ? -errno : read_line(fd, line);
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	(void)dprintf(fd, "\n");
	if (r < 0) {
		passphrase_free(line);
		return r;
	}
	*ret = line;
	return 0;
}
