/* denials.h - refused capabilities on their way into the audit: the first of a peer within a second
 * at once, the others of that second as one. So who knocks a million times makes a few lines. Loop
 * thread. The node owns it. */
#ifndef WAT_SUPERVISOR_DENIALS_H
#define WAT_SUPERVISOR_DENIALS_H

#include "daemon/supervisor/audit.h"

#define DENIALS_PEERS_MAX 64u  /* in one second; all beyond count as one more peer */
#define DENIALS_PER_UID_MAX 8u /* processes of one uid among them */

struct denials;

int denials_new(struct node *node, struct denials **ret) WAT_MUST_CHECK;
/* Records what is held back. Returns NULL; takes NULL. */
struct denials *denials_free(struct denials *denials);
void denials_add(struct denials *denials, const struct audit *what);
/* n of them at once, which somebody else has counted. */
void denials_add_many(struct denials *denials, const struct audit *what, uint32_t n);

#endif
