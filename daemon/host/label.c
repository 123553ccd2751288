/* label.c - titles of the process, names of its threads. */
#include "daemon/host/label.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/title.h"
#include "daemon/host/control.h"

#define SERVICE_MAX 64
#define COMM_MAX 16 /* the kernel's, with its NUL */

static bool begins_word(const char *name, size_t i)
{
	return i > 0 && isupper((unsigned char)name[i]) &&
	       (!isupper((unsigned char)name[i - 1]) || islower((unsigned char)name[i + 1]));
}

/* acme.v1.KeyValue is key_value, as in C. */
static void short_name(const char *service, char ret[static SERVICE_MAX])
{
	const char *dot = strrchr(service, '.'), *name = dot ? dot + 1 : service;
	size_t n = 0;

	for (size_t i = 0; name[i] && n + 2 < SERVICE_MAX; i++) {
		if (begins_word(name, i))
			ret[n++] = '_';
		ret[n++] = (char)tolower((unsigned char)name[i]);
	}
	ret[n] = '\0';
}

void label_single(const Wat__Host__StartRequest *start)
{
	char service[SERVICE_MAX];

	short_name(start->service, service);
	title_set("watd: %s %s (%s) gen %" PRIu64, service, start->instance,
		  start->replay ? "replay" : "process", start->generation);
}

void label_pool(const struct control *control)
{
	size_t n = 0;

	if (control->single)
		return;
	list_for_each (i, &control->instances)
		n++;
	title_set("watd: pool (thread) %zu instance%s", n, n == 1 ? "" : "s");
}

void label_thread(const char *instance)
{
	char comm[COMM_MAX];

	(void)snprintf(comm, sizeof comm, "%.15s", instance);
	(void)pthread_setname_np(pthread_self(), comm);
}
