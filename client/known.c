/* known.c - the file of known daemons: a line for each, its address with the key, as watd
 * --print-address prints it. Empty lines and those that begin with # are skipped. Any thread. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/private.h"
#include "client/remote.h"
#include "proto/support/cleanup.h"

static char *home_path(void)
{
	const char *home = getenv("HOME");
	struct passwd entry, *found = NULL;
	char buffer[4096], *path;

	if ((!home || *home != '/') &&
	    getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
		home = entry.pw_dir;
	if (!home || *home != '/')
		return NULL;
	return asprintf(&path, "%s/.local/share/watctl/known_daemons", home) < 0 ? NULL : path;
}

char *known_path(void)
{
	const char *own = getenv("WAT_KNOWN_DAEMONS"), *xdg = getenv("XDG_DATA_HOME");
	char *path;

	if (own && *own)
		return strdup(own);
	if (xdg && *xdg == '/')
		return asprintf(&path, "%s/watctl/known_daemons", xdg) < 0 ? NULL : path;
	return home_path();
}

struct reading {
	const char *path;
	unsigned line;
	unsigned found_at; /* line; 0: not yet */
	struct remote found;
};

static char *trim(char *line)
{
	line += strspn(line, " \t\r\n");
	line[strcspn(line, " \t\r\n")] = '\0';
	return line;
}

static bool is_place_of(const struct remote *a, const struct remote *b)
{
	return strcasecmp(a->place.host, b->place.host) == 0 &&
	       atoi(a->place.port) == atoi(b->place.port);
}

/* Nothing is guessed: a line that can't be read might be the one that is meant. */
static int take_line(struct reading *reading, char *line, const struct remote *wanted)
{
	const char *text = trim(line), *wrong;
	struct remote entry;

	if (!*text || *text == '#')
		return 0;
	wrong = remote_is(text) ? remote_parse(text, &entry) : "expected wat://KEY@HOST:PORT";
	if (!wrong && !entry.has_key)
		wrong = "expected wat://KEY@HOST:PORT, with the key";
	if (wrong)
		return failure_set(WAT_FAILED_PRECONDITION, NULL, "%s:%u: %s", reading->path,
				   reading->line, wrong);
	if (!is_place_of(&entry, wanted))
		return 0;
	if (reading->found_at && memcmp(entry.key, reading->found.key, NOISE_KEY_SIZE) != 0)
		return failure_set(-EKEYREJECTED, NULL,
				   "%s:%u: another key for %s:%s than in line %u; one of the two "
				   "must go",
				   reading->path, reading->line, wanted->place.host,
				   wanted->place.port, reading->found_at);
	if (!reading->found_at)
		reading->found_at = reading->line;
	reading->found = entry;
	return 0;
}

static int read_file(struct reading *reading, FILE *file, const struct remote *wanted)
{
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;
	int r = 0;

	errno = 0;
	while (r == 0 && getline(&line, &size, file) >= 0) {
		reading->line++;
		r = take_line(reading, line, wanted);
		errno = 0;
	}
	if (r == 0 && errno != 0)
		return failure_set_errno(-errno, "reading %s", reading->path);
	return r;
}

int known_find(struct remote *remote)
{
	_cleanup_(freep) char *path = known_path();
	_cleanup_(file_closep) FILE *file = path ? fopen(path, "re") : NULL;
	struct reading reading = {.path = path};
	int r;

	if (!file && path && errno != ENOENT && errno != ENOTDIR)
		return failure_set_errno(-errno, "the known daemons in %s", path);
	if (!file)
		return 0;
	r = read_file(&reading, file, remote);
	if (r != 0 || !reading.found_at)
		return r;
	memcpy(remote->key, reading.found.key, NOISE_KEY_SIZE);
	remote->has_key = true;
	if (asprintf(&remote->known_at, "%s:%u", path, reading.found_at) >= 0)
		return 0;
	remote->known_at = NULL;
	return failure_set_errno(-ENOMEM, "an address");
}
