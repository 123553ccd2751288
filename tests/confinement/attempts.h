/* attempts.h - everything that the plugin burglar tries. Any thread; nothing of it does harm where
 * it works, but to the files and processes of the test. */
#ifndef WAT_TESTS_ATTEMPTS_H
#define WAT_TESTS_ATTEMPTS_H

#include <stddef.h>
#include <sys/types.h>

#define ATTEMPTS_MAX 192u

/* What there is to be had. */
struct targets {
	char key[256], database[256], keyring[256], journals[256];
	pid_t watd;
};

struct attempt {
	const char *name;
	int error; /* 0: it worked */
};

struct attempts {
	struct attempt all[ATTEMPTS_MAX];
	size_t n;
};

void attempts_note(struct attempts *attempts, const char *name, int error);
/* An errno for -1, else 0. */
int attempts_error(long r);

/* Calls of the kernel, one by one; attempts_calls.c. */
void attempts_calls(const struct targets *targets, struct attempts *attempts);
/* What takes more than one; attempts_ways.c. */
void attempts_ways(const struct targets *targets, struct attempts *attempts);

#endif
