/* noise_peer.c - proto/noise for a test in another language: a line of words in, a line out. Bytes
 * are hex, "-" is none. A line that is no command ends the program with a failure.
 *
 *   initiator PROLOGUE SERVER_PK EPHEMERAL_SK   ok
 *   responder PROLOGUE SERVER_SK EPHEMERAL_SK   ok
 *   write PAYLOAD                               the handshake's next message
 *   read MESSAGE                                its payload
 *   split                                       the handshake hash
 *   at send|receive NONCE                       ok
 *   seal PLAIN                                  the next record
 *   open RECORD                                 what is in it
 *
 * What noise refuses is answered "error N". */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/noise.h"
#include "proto/noise_record.h"

#define BYTES_MAX (NOISE_MESSAGE_MAX + 64u)
#define WORDS_MAX 4

struct bytes {
	uint8_t data[BYTES_MAX];
	size_t n;
};

static struct noise_handshake handshake;
static struct noise_cipher sending, receiving;
static struct bytes argument[WORDS_MAX], result;

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "noise-peer: %s\n", what);
	exit(EXIT_FAILURE);
}

static void parse(const char *hex, struct bytes *ret)
{
	ret->n = 0;
	if (strcmp(hex, "-") == 0)
		return;
	must(sodium_hex2bin(ret->data, sizeof ret->data, hex, strlen(hex), NULL, &ret->n, NULL) ==
		     0,
	     "no hex");
}

static void answer(enum noise_error error)
{
	static char hex[2 * BYTES_MAX + 1];

	if (error != NOISE_OK)
		printf("error %d\n", error);
	else if (result.n == 0)
		puts("-");
	else
		puts(sodium_bin2hex(hex, sizeof hex, result.data, result.n));
	fflush(stdout);
}

static void start(int initiator)
{
	const struct bytes *a = argument;

	must(a[1].n == NOISE_KEY_SIZE && a[2].n == NOISE_KEY_SIZE, "no key");
	if (initiator)
		noise_initiator_init(&handshake, a[0].data, a[0].n, a[1].data, a[2].data);
	else
		noise_responder_init(&handshake, a[0].data, a[0].n, a[1].data, a[2].data);
	puts("ok");
	fflush(stdout);
}

static void open_record(void)
{
	const struct bytes *record = &argument[0];
	size_t size;
	enum noise_error error = noise_record_measure(record->data, record->n, &size);

	if (error == NOISE_OK && size != record->n)
		error = NOISE_E_LENGTH;
	if (error == NOISE_OK)
		error = noise_record_open(&receiving, record->data, size, result.data);
	result.n = record->n - NOISE_RECORD_OVERHEAD;
	answer(error);
}

static void exchange(const char *command)
{
	const struct bytes *a = argument;

	if (strcmp(command, "write") == 0) {
		result.n = a->n + NOISE_HANDSHAKE_OVERHEAD;
		answer(noise_handshake_write(&handshake, a->data, a->n, result.data));
	} else if (strcmp(command, "read") == 0) {
		result.n = a->n - NOISE_HANDSHAKE_OVERHEAD;
		answer(noise_handshake_read(&handshake, a->data, a->n, result.data));
	} else if (strcmp(command, "split") == 0) {
		noise_handshake_split(&handshake, &sending, &receiving, result.data);
		result.n = NOISE_HASH_SIZE;
		answer(NOISE_OK);
	} else if (strcmp(command, "seal") == 0) {
		result.n = a->n + NOISE_RECORD_OVERHEAD;
		answer(noise_record_seal(&sending, a->data, a->n, result.data));
	} else {
		must(strcmp(command, "open") == 0, "no such command");
		open_record();
	}
}

static void run(char *words[static WORDS_MAX], int n)
{
	if (n == 3 && strcmp(words[0], "at") == 0) {
		struct noise_cipher *cipher = strcmp(words[1], "send") == 0 ? &sending : &receiving;

		cipher->nonce = strtoull(words[2], NULL, 10);
		puts("ok");
		fflush(stdout);
		return;
	}
	for (int i = 1; i < n; i++)
		parse(words[i], &argument[i - 1]);
	if (n == 4)
		start(strcmp(words[0], "initiator") == 0);
	else
		exchange(words[0]);
}

int main(void)
{
	char *line = NULL, *saved, *words[WORDS_MAX];
	size_t size = 0;

	must(sodium_init() >= 0, "no libsodium");
	while (getline(&line, &size, stdin) > 0) {
		int n = 0;

		for (char *word = strtok_r(line, " \n", &saved); word && n < WORDS_MAX;
		     word = strtok_r(NULL, " \n", &saved))
			words[n++] = word;
		must(n > 0, "an empty line");
		run(words, n);
	}
	free(line);
	return EXIT_SUCCESS;
}
