/* methods.c - a list of methods, to a mask and back. */
#include "client/watctl/methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/problem.h"

static bool read_number(const char *name, uint64_t *mask)
{
	size_t n = strspn(name, "0123456789");
	unsigned long number = strtoul(name, NULL, 10);

	if (n == 0 || n > 2 || name[n] || number > 63)
		return false;
	*mask |= UINT64_C(1) << number;
	return true;
}

static int refuse(const struct watctl *ctl, const method_service *service, const char *name)
{
	char suggestion[1024];

	if (!service)
		return problem_usage(ctl,
				     "\"%s\" is no number of a method; for names say which plugin "
				     "has them: --plugin FILE",
				     name);
	method_suggest(service, name, suggestion, sizeof suggestion);
	return problem(ctl, WAT_INVALID_ARGUMENT, "%s has no method \"%s\"; %s", service->name,
		       name, suggestion);
}

/* One of a list; behind it *list is the next. */
static int read_one(const struct watctl *ctl,
		    const method_service *service,
		    const char **list,
		    uint64_t *mask)
{
	size_t n = strcspn(*list, ",");
	struct method method;
	char name[128];

	(void)snprintf(name, sizeof name, "%.*s", (int)n, *list);
	*list += n + ((*list)[n] == ',');
	if (service && method_find(service, name, &method)) {
		*mask |= UINT64_C(1) << method.number;
		return 0;
	}
	return read_number(name, mask) ? 0 : refuse(ctl, service, name);
}

int methods_read(const struct watctl *ctl,
		 const method_service *service,
		 const char *list,
		 uint64_t *ret_mask)
{
	uint64_t mask = 0;
	int r;

	do
		r = read_one(ctl, service, &list, &mask);
	while (r == 0 && *list);
	if (r == 0)
		*ret_mask = mask;
	return r;
}

static uint64_t all_of(const method_service *service)
{
	uint64_t all = 0;
	struct method method;

	for (size_t i = 0; i < service->n_method; i++) {
		method_read(service, i, &method);
		if (!(method.flags & WAT_METHOD_INTERNAL))
			all |= UINT64_C(1) << method.number;
	}
	return all;
}

void methods_text(const method_service *service, uint64_t mask, char *ret_text, size_t size)
{
	struct method method;
	size_t used = 0;

	if (!service) {
		(void)snprintf(ret_text, size, "0x%" PRIx64, mask);
		return;
	}
	(void)snprintf(ret_text, size, "%s", (mask & all_of(service)) ? "all" : "none");
	if (!(all_of(service) & ~mask))
		return;
	for (size_t i = 0; i < service->n_method && used < size; i++) {
		int n;

		method_read(service, i, &method);
		if (!(mask >> method.number & 1))
			continue;
		n = snprintf(ret_text + used, size - used, "%s%s", used > 0 ? "," : "",
			     method.name);
		used += n > 0 ? (size_t)n : 0;
	}
}
