/* interface_text.h - an interface_view as text for people. */
#ifndef WAT_WATCTL_INTERFACE_TEXT_H
#define WAT_WATCTL_INTERFACE_TEXT_H

#include <jansson.h>

/* To stdout. */
void interface_text(json_t *view);

#endif
