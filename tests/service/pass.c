/* pass.c - starts watd as a service manager does, with descriptors that have names. Takes watd's
 * arguments. $PASS_WATD is the program, $PASS what it is given: NAME=KIND, separated by spaces,
 * where KIND is one of fd:N      a descriptor that this program inherited datagram, silent, inet,
 * pipe a datagram socket, one that does not listen, one of another family, no socket */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSED_MAX 8
#define FIRST 3 /* SD_LISTEN_FDS_START */
#define HIGH 100

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "pass: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int make(const char *kind)
{
	int pair[2];

	if (strncmp(kind, "fd:", 3) == 0)
		return atoi(kind + 3);
	if (strcmp(kind, "datagram") == 0)
		return socket(AF_UNIX, SOCK_DGRAM, 0);
	if (strcmp(kind, "silent") == 0)
		return socket(AF_UNIX, SOCK_STREAM, 0);
	if (strcmp(kind, "inet") == 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		return listen(fd, 1) < 0 ? -1 : fd;
	}
	if (strcmp(kind, "pipe") == 0)
		return pipe(pair) < 0 ? -1 : pair[0];
	errno = EINVAL;
	return -1;
}

/* Out of the way first, so that none takes another's number. */
static void place(const int *fds, int n)
{
	int high[PASSED_MAX];

	for (int i = 0; i < n; i++)
		if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH)) < 0)
			fail("a descriptor");
	for (int i = 0; i < n; i++)
		if (dup2(high[i], FIRST + i) < 0)
			fail("a descriptor");
}

static void set_number(const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", number);
	setenv(name, text, 1);
}

int main(int argc, char **argv)
{
	char *given = getenv("PASS"), *watd = getenv("PASS_WATD"), names[256] = "";
	int fds[PASSED_MAX], n = 0;
	size_t length = 0;

	(void)argc;
	for (char *word = given ? strtok(given, " ") : NULL; word && n < PASSED_MAX;
	     word = strtok(NULL, " "), n++) {
		char *kind = strchr(word, '=');

		if (!kind)
			fail(word);
		*kind++ = '\0';
		fds[n] = make(kind);
		if (fds[n] < 0)
			fail(kind);
		length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
					   n ? ":" : "", word);
	}
	place(fds, n);
	set_number("LISTEN_FDS", n);
	setenv("LISTEN_FDNAMES", names, 1);
	set_number("LISTEN_PID", (int)getpid());
	if (watd)
		execv(watd, argv);
	fail("watd");
}
