/* node_audit.c - what the audit hears of watd itself. Loop thread. */
#include "daemon/supervisor/node_audit.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/supervisor/node.h"

void node_note_start(struct node *node)
{
	char detail[96];
	const struct audit start = {
		.kind = AUDIT_WATD_START, .origin = &node->start, .detail = detail};

	(void)snprintf(detail, sizeof detail, "version %s, process %d", WAT_VERSION, (int)getpid());
	audit_record(node, &start);
	if (node->damage) {
		const struct audit damage = {.kind = AUDIT_DATABASE_DAMAGED,
					     .origin = &node->start,
					     .detail = node->damage};

		audit_record(node, &damage);
	}
}

/* Without an orderly end there is none in the audit either. */
void node_note_end(struct node *node)
{
	const struct audit end = {.kind = AUDIT_WATD_STOP, .origin = &node->end};

	if (node->suspending)
		audit_record(node, &end);
}
