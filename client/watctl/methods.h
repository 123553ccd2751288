/* methods.h - a list of methods as people type it, and as they read it. */
#ifndef WAT_WATCTL_METHODS_H
#define WAT_WATCTL_METHODS_H

#include "client/watctl/method.h"
#include "client/watctl/watctl.h"

#define METHODS_TEXT_MAX 4200 /* 64 names with their commas */

/* "Get,Reset": names of the service's methods, or their numbers. service NULL: numbers only. */
int methods_read(const struct watctl *ctl,
		 const method_service *service,
		 const char *list,
		 uint64_t *ret_mask) WAT_MUST_CHECK;
/* "Get,Reset", "all"; without a service "0x5". */
void methods_text(const method_service *service, uint64_t mask, char *ret_text, size_t size);

#endif
