/* report.h - failures that a host tells, with their chain. Any thread. */
#ifndef WAT_HOST_REPORT_H
#define WAT_HOST_REPORT_H

#include <wat/envelope.pb-c.h>

struct instance;

/* A chain of one cause on the caller's stack: failure points to link, link to cause, and all of it
 * to the strings given. */
struct report {
	Wat__Envelope__Failure failure;
	Wat__Envelope__Cause cause;
	Wat__Envelope__Cause *link;
};

/* What a User is told: kind and service, and a sentence that gives nothing away. */
void report_init_for_user(struct report *report,
			  Wat__Envelope__CauseKind kind,
			  const struct instance *instance,
			  const char *text);
/* text: of the failure and of its cause. method may be NULL. */
void report_init(struct report *report,
		 Wat__Envelope__CauseKind kind,
		 const struct instance *instance,
		 const char *method,
		 const char *text);

#endif
