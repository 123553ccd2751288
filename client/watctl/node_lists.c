/* node_lists.c - lists of the node, page by page. */
#include "client/watctl/node_lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/watctl/connection.h"
#include "proto/support/cleanup.h"

/* Of a page: a few are made at once, so that nobody waits for long in between. */
#define ENTRIES_MAX 100u

/* A list in its message: the entries, how many, and where the next page goes on. */
struct entries {
	ProtobufCMessage *message;
	void ***all;
	size_t *n;
	uint64_t *next;
};

/* One page, of the entries after the cursor: a status or a negative errno. */
typedef int page_reader(struct watctl *ctl,
			const char *instance,
			uint64_t after,
			struct entries *ret);

static int read_instances(struct watctl *ctl,
			  const char *instance,
			  uint64_t after,
			  struct entries *ret)
{
	Wat__Node__ListRequest request = WAT__NODE__LIST_REQUEST__INIT;
	Wat__Node__InstanceList *list;
	int r;

	(void)instance;
	request.after = after;
	request.limit = ENTRIES_MAX;
	r = connection_node_try(ctl, "List", &request.base, &ret->message);
	if (r != 0)
		return r;
	list = (Wat__Node__InstanceList *)ret->message;
	ret->all = (void ***)(void *)&list->instances;
	ret->n = &list->n_instances;
	ret->next = &list->next;
	return 0;
}

static int read_users(struct watctl *ctl, const char *instance, uint64_t after, struct entries *ret)
{
	Wat__Node__UsersRequest request = WAT__NODE__USERS_REQUEST__INIT;
	Wat__Node__UserList *list;
	int r;

	request.name = (char *)(uintptr_t)instance;
	request.after = after;
	request.limit = ENTRIES_MAX;
	r = connection_node_try(ctl, "Users", &request.base, &ret->message);
	if (r != 0)
		return r;
	list = (Wat__Node__UserList *)ret->message;
	ret->all = (void ***)(void *)&list->users;
	ret->n = &list->n_users;
	ret->next = &list->next;
	return 0;
}

/* The entries of the page, which is freed, behind those of the list. */
static int join(const struct entries *list, const struct entries *page)
{
	void **all = reallocarray(*list->all, *list->n + *page->n + 1, sizeof *all);

	if (all) {
		memcpy(all + *list->n, *page->all, *page->n * sizeof *all);
		*list->all = all;
		*list->n += *page->n;
		*list->next = *page->next;
		*page->n = 0;
	}
	protobuf_c_message_free_unpacked(page->message, NULL);
	return all ? 0 : -ENOMEM;
}

static int read_all(struct watctl *ctl,
		    const char *instance,
		    page_reader *read,
		    struct entries *list)
{
	int r = read(ctl, instance, 0, list);

	while (r == 0 && *list->next != 0) {
		struct entries page = {0};

		r = read(ctl, instance, *list->next, &page);
		if (r == 0)
			r = join(list, &page);
	}
	return r;
}

static int list_of(struct watctl *ctl,
		   const char *what,
		   const char *instance,
		   page_reader *read,
		   ProtobufCMessage **ret)
{
	struct entries list = {0};
	int r = connection_open(ctl);

	if (r != 0)
		return r;
	do {
		if (list.message)
			protobuf_c_message_free_unpacked(list.message, NULL);
		list = (struct entries){0};
		/* A watd that was started again knows no cursor of the one before. */
		r = read_all(ctl, instance, read, &list);
	} while (r == WAT_ABORTED);
	if (r == 0)
		*ret = list.message;
	else if (list.message)
		protobuf_c_message_free_unpacked(list.message, NULL);
	return connection_said(ctl, what, instance, r);
}

int node_list_of_instances(struct watctl *ctl, Wat__Node__InstanceList **ret)
{
	ProtobufCMessage *message = NULL;
	int r = list_of(ctl, "List", NULL, read_instances, &message);

	if (r == 0)
		*ret = (Wat__Node__InstanceList *)message;
	return r;
}

int node_list_of_users(struct watctl *ctl, const char *instance, Wat__Node__UserList **ret)
{
	ProtobufCMessage *message = NULL;
	int r = list_of(ctl, "Users", instance, read_users, &message);

	if (r == 0)
		*ret = (Wat__Node__UserList *)message;
	return r;
}
