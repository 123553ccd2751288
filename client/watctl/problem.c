/* problem.c - what went wrong, said once. */
#include "client/watctl/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client/watctl/advice.h"
#include "client/watctl/output.h"
#include "client/watctl/terminal.h"
#include "client/watctl/view.h"

static enum watctl_exit exit_of(int status)
{
	switch (status) {
	case WAT_UNAVAILABLE:
	case WAT_OVERLOADED:
	case WAT_DEADLINE_EXCEEDED:
		return WATCTL_RETRY;
	case WAT_ACCESS_DENIED:
	case WAT_STALE:
		return WATCTL_DENIED;
	default:
		return WATCTL_FAILED;
	}
}

static json_t *chain_document(const struct wat_failure *failure)
{
	json_t *chain = json_array();

	for (size_t i = 0; failure && i < failure->n_causes; i++) {
		const struct wat_cause *cause = &failure->causes[i];

		(void)json_array_append_new(
			chain, json_pack("{s:s, s:s, s:s, s:I, s:s, s:i, s:s, s:I}", "kind",
					 view_cause_kind(cause->kind), "service", cause->service,
					 "instance", cause->instance, "generation",
					 (json_int_t)cause->generation, "method", cause->method,
					 "signal", cause->signal, "text", cause->text, "timeMs",
					 (json_int_t)cause->time_ms));
	}
	return chain;
}

static void print_document(int status, const char *text, const struct wat_failure *failure)
{
	json_auto_t *document =
		json_pack("{s:{s:s, s:i, s:s, s:o}}", "error", "status", wat_status_name(status),
			  "code", status, "text", text, "chain", chain_document(failure));

	if (document)
		output_json(document);
}

static void say(const struct watctl *ctl,
		int status,
		const char *text,
		const struct wat_failure *failure)
{
	fputs("watctl: ", stderr);
	terminal_colour(stderr, TERMINAL_BAD);
	fputs(wat_status_name(status), stderr);
	terminal_plain(stderr);
	fputs(": ", stderr);
	output_text(stderr, text);
	(void)fputc('\n', stderr);
	if (ctl->json)
		print_document(status, text, failure);
}

static int say_format(const struct watctl *ctl,
		      enum watctl_exit code,
		      int status,
		      const char *format,
		      va_list arguments)
{
	char text[2048];

	(void)vsnprintf(text, sizeof text, format, arguments);
	say(ctl, status, text, NULL);
	return (int)code;
}

int problem(const struct watctl *ctl, int status, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = say_format(ctl, exit_of(status), status, format, arguments);
	va_end(arguments);
	return r;
}

int problem_exit(const struct watctl *ctl,
		 enum watctl_exit code,
		 int status,
		 const char *format,
		 ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = say_format(ctl, code, status, format, arguments);
	va_end(arguments);
	return r;
}

int problem_usage(const struct watctl *ctl, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	fputs("watctl: ", stderr);
	output_text(stderr, text);
	if (ctl->command)
		fprintf(stderr, "; usage: watctl %s%s%s (watctl help %s)\n", ctl->command->name,
			*ctl->command->arguments ? " " : "", ctl->command->arguments,
			ctl->command->name);
	else
		fputs("; see watctl --help\n", stderr);
	return WATCTL_USAGE;
}

int problem_file(const struct watctl *ctl, const char *what, const char *path, int error)
{
	return problem_exit(ctl, WATCTL_CONFIG, WAT_FAILED_PRECONDITION, "%s %s: %s", what, path,
			    strerror(-error));
}

int problem_memory(const struct watctl *ctl)
{
	return problem(ctl, WAT_RESOURCE_EXHAUSTED, "memory is out");
}

static int status_of_errno(int error)
{
	switch (-error) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return WAT_RESOURCE_EXHAUSTED;
	case EINVAL:
		return WAT_INVALID_ARGUMENT;
	case EACCES:
	case EPERM:
		return WAT_ACCESS_DENIED;
	default:
		return WAT_INTERNAL;
	}
}

/* " (c1 of counter.Counter, generation 2: signal 11 in Increment)"; nothing where the sentence has
 * told it. */
static void format_cause(const struct wat_failure *failure, char *text, size_t size)
{
	const struct wat_cause *cause = failure->n_causes > 0 ? &failure->causes[0] : NULL;
	char number[16] = "";

	text[0] = '\0';
	if (!cause || !*cause->instance ||
	    (*cause->text && failure->text && strstr(failure->text, cause->text)))
		return;
	if (cause->signal != 0)
		(void)snprintf(number, sizeof number, " %d", cause->signal);
	(void)snprintf(text, size, " (%s of %s, generation %llu: %s%s%s%s%s%s)", cause->instance,
		       cause->service, (unsigned long long)cause->generation,
		       view_cause_kind(cause->kind), number, *cause->method ? " in " : "",
		       cause->method, *cause->text ? ": " : "", cause->text);
}

int problem_call(const struct watctl *ctl, const char *instance, int r)
{
	const struct wat_failure *failure = wat_failure();
	int status = r > 0 ? r : status_of_errno(r);
	const char *text = failure->status == r && failure->text && *failure->text
				   ? failure->text
				   : (r < 0 ? strerror(-r) : wat_status_text(status));
	int n = (int)strlen(text);
	char full[4096], cause[1536], help[512];

	while (n > 0 && text[n - 1] == '.')
		n--;
	format_cause(failure, cause, sizeof cause);
	help[0] = '\0';
	/* Where watd has named a command already it knew better than a table. */
	if (!strstr(text, "watctl "))
		advice(status, ctl->command->power, instance, help, sizeof help);
	(void)snprintf(full, sizeof full, "%.*s%s%s%s", n, text, cause, *help ? "; " : "", help);
	say(ctl, status, full, failure);
	return (int)exit_of(status);
}
