/* report.c - failures that a host tells. Pure but for the time. */
#include "daemon/host/report.h"

#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/host/instance.h"
#include "proto/utf8.h"

/* Bytes of the character at the front of text; 0 if there is none. */
static size_t character_size(const char *text, size_t left)
{
	for (size_t n = 1; n <= 4 && n <= left; n++)
		if (utf8_is_text((const uint8_t *)text, n))
			return n;
	return 0;
}

void report_clean_text(char *text)
{
	size_t left = strlen(text);

	if (utf8_is_text((const uint8_t *)text, left))
		return;
	while (left > 0) {
		size_t n = character_size(text, left);

		if (n == 0) {
			*text = '?';
			n = 1;
		}
		text += n;
		left -= n;
	}
}

void report_init(struct report *report,
		 Wat__Envelope__CauseKind kind,
		 const struct instance *instance,
		 const char *method,
		 const char *text)
{
	wat__envelope__failure__init(&report->failure);
	wat__envelope__cause__init(&report->cause);
	report->cause.kind = kind;
	report->cause.service = (char *)instance->service->interface->name;
	report->cause.instance = (char *)instance->name;
	report->cause.generation = instance->generation;
	report->cause.method = (char *)(method ? method : "");
	report->cause.text = report->failure.text = (char *)text;
	report->cause.time_ms = clock_unix_ms();
	report->link = &report->cause;
	report->failure.chain = &report->link;
	report->failure.n_chain = 1;
}
