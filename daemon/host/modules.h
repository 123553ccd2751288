/* modules.h - which files are mapped where, for whoever reads the stack of a host that died. */
#ifndef WAT_HOST_MODULES_H
#define WAT_HOST_MODULES_H

#include "proto/attribution.h"

/* Control thread, whenever something was mapped. */
void modules_note(struct attribution *page);

#endif
