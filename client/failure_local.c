/* failure_local.c - this thread's last failure. Thread-local; freed with the thread. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/private.h"
#include "proto/failure.h"
#include "proto/limits.h"

struct local {
	struct wat_failure shown;
	char text[WAT_FAILURE_TEXT_MAX];
	Wat__Envelope__Failure *failure; /* holds the strings of the chain */
	struct wat_cause *causes;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void local_free(void *pointer)
{
	struct local *local = pointer;

	failure_free(local->failure);
	free(local->causes);
	free(local);
}

static void make_key(void)
{
	if (pthread_key_create(&key, local_free) != 0)
		abort();
}

/* NULL: no memory; the failure is then told without its sentence. */
static struct local *local_get(void)
{
	struct local *local;

	(void)pthread_once(&once, make_key);
	local = pthread_getspecific(key);
	if (local)
		return local;
	local = calloc(1, sizeof *local);
	if (local && pthread_setspecific(key, local) != 0) {
		free(local);
		return NULL;
	}
	if (local)
		local->shown.text = local->text;
	return local;
}

static void show_causes(struct local *local, const Wat__Envelope__Failure *failure)
{
	local->failure = failure_free(local->failure);
	free(local->causes);
	local->causes = NULL;
	local->shown.causes = NULL;
	local->shown.n_causes = 0;
	if (!failure || failure->n_chain == 0)
		return;
	local->failure = failure_copy(failure);
	local->causes = calloc(failure->n_chain, sizeof *local->causes);
	if (!local->failure || !local->causes)
		return;
	for (size_t i = 0; i < local->failure->n_chain; i++) {
		const Wat__Envelope__Cause *cause = local->failure->chain[i];

		local->causes[i] = (struct wat_cause){
			.kind = (int)cause->kind,
			.service = cause->service,
			.instance = cause->instance,
			.method = cause->method,
			.text = cause->text,
			.generation = cause->generation,
			.time_ms = cause->time_ms,
			.signal = (int)cause->signal,
			.address = cause->address,
			.frames = (const char *const *)cause->frames,
			.n_frames = cause->n_frames,
		};
	}
	local->shown.causes = local->causes;
	local->shown.n_causes = local->failure->n_chain;
}

int failure_set(int status, const Wat__Envelope__Failure *failure, const char *format, ...)
{
	struct local *local = local_get();
	va_list arguments;

	if (!local)
		return status;
	va_start(arguments, format);
	(void)vsnprintf(local->text, sizeof local->text, format, arguments);
	va_end(arguments);
	local->shown.status = status;
	show_causes(local, failure);
	return status;
}

int failure_set_errno(int r, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return failure_set(r, NULL, "%s: %s", text, strerror(-r));
}

const struct wat_failure *failure_public(int status, const Wat__Envelope__Failure *failure)
{
	failure_set(status, failure, "%s",
		    failure && *failure->text ? failure->text : wat_status_text(status));
	return wat_failure();
}

const struct wat_failure *wat_failure(void)
{
	static const struct wat_failure none = {.text = ""};
	const struct local *local = local_get();

	return local ? &local->shown : &none;
}
