/* complete_names.h - names that completion offers: of instances, services, Users, methods, fields.
 */
#ifndef WAT_WATCTL_COMPLETE_NAMES_H
#define WAT_WATCTL_COMPLETE_NAMES_H

#include "client/watctl/watctl.h"

/* Prints each that begins with the word, behind the prefix; nothing when they can't be had. The
 * arguments of ctl are those before the word. */
void complete_names(struct watctl *ctl,
		    enum watctl_word kind,
		    const char *prefix,
		    const char *word);

#endif
