/* node_audit.h - what the audit hears of watd itself. Loop thread. */
#ifndef WAT_SUPERVISOR_NODE_AUDIT_H
#define WAT_SUPERVISOR_NODE_AUDIT_H

struct node;

/* Also that the database was damaged. */
void node_note_start(struct node *node);
/* Without an orderly end there is none in the audit either. */
void node_note_end(struct node *node);

#endif
