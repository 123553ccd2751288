/* idler.c - clients that connect and then do nothing, until its input ends.
 *
 *   bench-idle ADDRESS N [TOKENS]   with a file of tokens, a line each, each client also binds one
 *                                   and calls once; they take them in turn
 *
 * Says "ready" when all are there. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wat/wat.h>

#include "counter.client.h"

#define TOKENS_MAX 1024u
#define TOKEN_MAX 4096u

static char *tokens[TOKENS_MAX];
static size_t n_tokens;

static int read_tokens(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[TOKEN_MAX];

	while (file && n_tokens < TOKENS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		tokens[n_tokens++] = strdup(line);
	}
	return file && fclose(file) == 0 && n_tokens > 0 ? 0 : -1;
}

/* It stays for as long as this program does. */
static int join(const char *address, size_t i)
{
	counter_user *user;
	wat *w;

	if (wat_connect(address, &w) != 0)
		return -1;
	if (n_tokens == 0)
		return 0;
	return counter_user_open(w, tokens[i % n_tokens], &user) == 0 &&
			       counter_increment_with(user, 1, NULL) == 0
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	size_t n = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 3 || argc > 4 || n == 0 || (argc == 4 && read_tokens(argv[3]) < 0)) {
		fputs("usage: bench-idle ADDRESS N [TOKENS]\n", stderr);
		return 64;
	}
	for (size_t i = 0; i < n; i++)
		if (join(argv[1], i) < 0) {
			printf("client %zu: %s\n", i, wat_failure()->text);
			return 1;
		}
	puts("ready");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
		;
	(void)pause();
	return 0;
}
