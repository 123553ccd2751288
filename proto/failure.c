/* failure.c - failures on the heap, in the envelope's form. Pure. */
#include "proto/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/utf8.h"

#define CHAIN_MAX 16u

Wat__Envelope__Failure *failure_new(const char *format, ...)
{
	Wat__Envelope__Failure *failure = malloc(sizeof *failure);
	char text[WAT_FAILURE_TEXT_MAX];
	va_list arguments;

	if (!failure)
		return NULL;
	wat__envelope__failure__init(failure);
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	utf8_clean(text);
	failure->text = strdup(text);
	if (!failure->text) {
		free(failure);
		return NULL;
	}
	return failure;
}

Wat__Envelope__Failure *failure_copy(const Wat__Envelope__Failure *failure)
{
	size_t n = wat__envelope__failure__get_packed_size(failure);
	Wat__Envelope__Failure *copy;
	uint8_t *bytes = malloc(n ? n : 1);

	if (!bytes)
		return NULL;
	wat__envelope__failure__pack(failure, bytes);
	copy = wat__envelope__failure__unpack(NULL, n, bytes);
	free(bytes);
	return copy;
}

Wat__Envelope__Failure *failure_retell(const Wat__Envelope__Failure *failure, const char *text)
{
	Wat__Envelope__Failure told = WAT__ENVELOPE__FAILURE__INIT;
	char clean[WAT_FAILURE_TEXT_MAX];

	if (failure)
		told = *failure;
	(void)snprintf(clean, sizeof clean, "%s", text);
	utf8_clean(clean);
	told.text = clean;
	return failure_copy(&told);
}

/* From the farthest, since each is put in front. */
static int add_redacted(Wat__Envelope__Failure *to, const Wat__Envelope__Failure *from)
{
	for (size_t i = from->n_chain; i > 0; i--) {
		const struct failure_cause cause = {.kind = from->chain[i - 1]->kind,
						    .service = from->chain[i - 1]->service};
		int r = failure_add_cause(to, &cause);

		if (r < 0)
			return r;
	}
	return 0;
}

Wat__Envelope__Failure *failure_for_user(const Wat__Envelope__Failure *failure, const char *text)
{
	Wat__Envelope__Failure *redacted = failure_new("%s", text);

	if (redacted && failure && add_redacted(redacted, failure) < 0)
		return failure_free(redacted);
	return redacted;
}

Wat__Envelope__Failure *failure_free(Wat__Envelope__Failure *failure)
{
	if (failure)
		wat__envelope__failure__free_unpacked(failure, NULL);
	return NULL;
}

/* A heap copy that protobuf-c will free; the shared empty string stays shared. */
static int set_string(char **field, const char *value)
{
	char *copy;

	if (!value || !*value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	utf8_clean(copy);
	*field = copy;
	return 0;
}

static Wat__Envelope__Cause *cause_new(const struct failure_cause *from)
{
	Wat__Envelope__Cause *cause = malloc(sizeof *cause);

	if (!cause)
		return NULL;
	wat__envelope__cause__init(cause);
	cause->kind = from->kind;
	cause->generation = from->generation;
	cause->time_ms = from->time_ms;
	cause->signal = from->signal;
	if (set_string(&cause->service, from->service) < 0 ||
	    set_string(&cause->instance, from->instance) < 0 ||
	    set_string(&cause->method, from->method) < 0 ||
	    set_string(&cause->text, from->text) < 0) {
		wat__envelope__cause__free_unpacked(cause, NULL);
		return NULL;
	}
	return cause;
}

int failure_add_cause(Wat__Envelope__Failure *failure, const struct failure_cause *from)
{
	Wat__Envelope__Cause *cause = cause_new(from);
	Wat__Envelope__Cause **chain;
	size_t n = failure->n_chain;

	if (!cause)
		return -ENOMEM;
	chain = malloc((n + 1) * sizeof(*chain));
	if (!chain) {
		wat__envelope__cause__free_unpacked(cause, NULL);
		return -ENOMEM;
	}
	chain[0] = cause;
	if (n > 0)
		memcpy(chain + 1, failure->chain, n * sizeof(*chain));
	free(failure->chain);
	failure->chain = chain;
	failure->n_chain = n + 1;
	while (failure->n_chain > CHAIN_MAX)
		wat__envelope__cause__free_unpacked(chain[--failure->n_chain], NULL);
	return 0;
}
