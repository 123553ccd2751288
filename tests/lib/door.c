/* door.c - by which door a test's clients come to watd. */
#include "tests/lib/door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENING "listening address="

static const char *door(void)
{
	const char *name = getenv("WAT_TEST_DOOR");

	return name ? name : "";
}

static bool is_tcp(void)
{
	return strcmp(door(), "tcp") == 0 || strcmp(door(), "plain") == 0;
}

unsigned door_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint16_t chance = 0;
	unsigned port;
	int fd, r;

	do {
		if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
			return 0;
		port = 10000u + chance % 22000u;
		address.sin_port = htons((uint16_t)port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = bind(fd, (struct sockaddr *)&address, sizeof address);
		close(fd);
	} while (r < 0);
	return port;
}

void door_arguments(struct test_daemon *daemon, const char *ret[static DOOR_ARGUMENTS_MAX + 1])
{
	size_t n = 0;

	if (is_tcp()) {
		if (!*daemon->listen)
			snprintf(daemon->listen, sizeof daemon->listen, "127.0.0.1:%u",
				 door_free_port());
		ret[n++] = "--listen";
		ret[n++] = daemon->listen;
		ret[n++] = "--insecure-loopback";
		ret[n++] = strcmp(door(), "plain") == 0 ? "yes" : "no";
	} else if (strcmp(door(), "gate") == 0) {
		snprintf(daemon->socket, sizeof daemon->socket, "%s/run/gate.sock", daemon->dir);
		ret[n++] = "--gate-socket";
		ret[n++] = daemon->socket;
	}
	ret[n] = NULL;
}

/* The last one that the log tells. */
static void read_address(const struct test_daemon *daemon, char *ret, size_t size)
{
	char path[128], line[4096];
	FILE *log;

	snprintf(path, sizeof path, "%s/log", daemon->dir);
	log = fopen(path, "r");
	while (log && fgets(line, sizeof line, log)) {
		const char *found = strstr(line, LISTENING);

		if (found)
			snprintf(ret, size, "%.*s", (int)strcspn(found + strlen(LISTENING), " \n"),
				 found + strlen(LISTENING));
	}
	if (log)
		fclose(log);
}

void door_open(struct test_daemon *daemon)
{
	const char *place;

	if (!is_tcp())
		return;
	read_address(daemon, daemon->socket, sizeof daemon->socket);
	place = strchr(daemon->socket, '@');
	if (!place) {
		fprintf(stderr, "the log tells no address\n");
		abort();
	}
	snprintf(daemon->listen, sizeof daemon->listen, "%s", place + 1);
	if (strcmp(door(), "plain") == 0)
		snprintf(daemon->socket, sizeof daemon->socket, "wat+insecure://%s",
			 daemon->listen);
}
