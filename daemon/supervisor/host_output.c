/* host_output.c - lines of a host: whose they are, and how grave. Loop thread. */
#include "daemon/supervisor/host_output.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/supervisor/host.h"
#include "daemon/supervisor/instance.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "proto/support/cleanup.h"
#include "proto/utf8.h"

/* A line as it came, taken apart: the text begins behind what a log line of the host's begins with.
 */
struct said {
	const struct instance *instance; /* NULL: of none in particular */
	int level;
	enum output_stream stream;
	char *text;
};

static struct instance *instance_in(const struct host *host, const char *name, size_t n)
{
	list_for_each (i, &host->instances) {
		struct instance *instance = container_of(i, struct instance, of_host);

		if (strlen(instance->name) == n && memcmp(instance->name, name, n) == 0)
			return instance;
	}
	return NULL;
}

/* "<6>text" or "<6 NAME>text", as LOG_FORMAT_CHILD writes them; false: the line is no such. What it
 * says is the host's word: the name is believed if that instance is in it. */
static bool take_apart_log(const struct host *host, struct said *said)
{
	char *at = said->text, *end;

	if (at[0] != '<' || at[1] < '0' || at[1] > '7')
		return false;
	end = at + 2;
	if (*end == ' ') {
		end += strcspn(end, ">");
		said->instance = instance_in(host, at + 3, (size_t)(end - at - 3));
		if (!said->instance)
			return false;
	}
	if (*end != '>')
		return false;
	said->level = at[1] - '0';
	said->stream = OUTPUT_LOG;
	said->text = end + 1;
	return true;
}

static void take_apart(const struct host_output *output, char *line, struct said *ret)
{
	const struct host *host = output->host;

	*ret = (struct said){
		.level = output->stream == OUTPUT_STDOUT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		.stream = output->stream,
		.text = line,
	};
	(void)take_apart_log(host, ret);
	/* A process of its own is all one instance's. */
	if (!ret->instance && !host->pool && !list_empty(&host->instances))
		ret->instance = container_of(host->instances.next, struct instance, of_host);
}

static void keep(const struct host *host, const struct said *said)
{
	struct output_line line = {
		.at_ms = clock_unix_ms(),
		.pid = (uint32_t)host->pid,
		.level = said->level,
		.stream = said->stream,
		.text = said->text,
		.n = strlen(said->text),
	};

	if (said->instance) {
		memcpy(line.name, said->instance->name, sizeof line.name);
		line.generation = said->instance->generation;
	}
	/* It is in the log of watd all the same. */
	if (output_log_add(host->node->output, &line) == 0)
		node_logs_notice(host->node);
}

static void say(const struct host *host, const struct said *said)
{
	char pid[16];

	(void)snprintf(pid, sizeof pid, "%d", (int)host->pid);
	if (said->instance)
		log_write(said->level, said->text, "instance", said->instance->name, "host", pid,
			  (char *)0);
	else
		log_write(said->level, said->text, "host", pid, (char *)0);
}

static void end_line(struct host_output *output)
{
	struct host *host = output->host;
	struct said said;

	output->line[output->n] = '\0';
	output->n = 0;
	utf8_clean(output->line);
	take_apart(output, output->line, &said);
	say(host, &said);
	keep(host, &said);
	if (output == &host->err && *said.text) {
		(void)snprintf(host->last_words, sizeof host->last_words, "%s", said.text);
		host->n_words++;
	}
}

/* A line that is too long ends between two characters. */
static void cut_line(struct host_output *output)
{
	char rest[4];
	size_t whole = utf8_prefix((const uint8_t *)output->line, output->n);
	size_t n = output->n - whole;

	if (n >= sizeof rest) {
		end_line(output);
		return;
	}
	memcpy(rest, output->line + whole, n);
	output->n = whole;
	end_line(output);
	memcpy(output->line, rest, n);
	output->n = n;
}

static void take_output(struct host_output *output, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			end_line(output);
		else if (output->n == sizeof output->line - 1)
			cut_line(output);
		if (bytes[i] != '\n')
			output->line[output->n++] = bytes[i] ? bytes[i] : ' ';
	}
}

bool host_output_read(struct host_output *output)
{
	char bytes[HOST_OUTPUT_READ];
	ssize_t n = read(output->fd, bytes, sizeof bytes);

	if (n > 0)
		take_output(output, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		(void)event_del(output->event);
	return n > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)host_output_read(arg);
}

void host_output_drain(struct host_output *output)
{
	while (host_output_read(output))
		;
	if (output->n > 0)
		end_line(output);
}

int host_output_init(struct host_output *output,
		     struct host *host,
		     int *fd,
		     enum output_stream stream)
{
	output->host = host;
	output->fd = fd_take(fd);
	output->stream = stream;
	output->event =
		event_new(host->node->base, output->fd, EV_READ | EV_PERSIST, on_readable, output);
	return output->event && event_add(output->event, NULL) == 0 ? 0 : -ENOMEM;
}

void host_output_deinit(struct host_output *output)
{
	if (output->event)
		event_free(output->event);
	output->fd = fd_close(output->fd);
}
