/* report.c - failures that a host tells. Pure but for the time. */
#include "daemon/host/report.h"

#include "daemon/base/clock.h"
#include "daemon/host/instance.h"

static void link_cause(struct report *report, const struct instance *instance)
{
	wat__envelope__failure__init(&report->failure);
	wat__envelope__cause__init(&report->cause);
	report->cause.service = (char *)instance->service->interface->name;
	report->link = &report->cause;
	report->failure.chain = &report->link;
	report->failure.n_chain = 1;
}

void report_init_for_user(struct report *report,
			  Wat__Envelope__CauseKind kind,
			  const struct instance *instance,
			  const char *text)
{
	link_cause(report, instance);
	report->cause.kind = kind;
	report->failure.text = (char *)text;
}

void report_init(struct report *report,
		 Wat__Envelope__CauseKind kind,
		 const struct instance *instance,
		 const char *method,
		 const char *text)
{
	link_cause(report, instance);
	report->cause.kind = kind;
	report->cause.instance = (char *)instance->name;
	report->cause.generation = instance->generation;
	report->cause.method = (char *)(method ? method : "");
	report->cause.text = report->failure.text = (char *)text;
	report->cause.time_ms = clock_unix_ms();
}
