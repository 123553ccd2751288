/* node_service_lists.c - List and Users of wat.node.Node, page by page: those with a higher serial
 * than the last one of the page before, as many as an answer takes. Loop thread. */
#include <wat/node.service.h>

#include "daemon/caps/grants.h"
#include "daemon/supervisor/control_call.h"
#include "daemon/supervisor/node.h"
#include "daemon/supervisor/node_service.h"
#include "proto/limits.h"
#include "proto/token.h"

/* Of an answer: an entry may come to more than what is left of it. */
#define PAGE_BYTES (WAT_BODY_MAX / 2u)
/* Serials are of one watd. A cursor has the count of starts above them. */
#define SERIAL_BITS 40u

static struct node *node_of(struct wat_call *call)
{
	return control_call_of(call)->node;
}

struct page {
	uint64_t after; /* serial */
	size_t most;    /* entries */
	size_t n, n_bytes;
	uint64_t last; /* serial */
	bool more;     /* than are in it */
};

static uint64_t cursor(const struct node *node, uint64_t serial)
{
	return store_starts(node->store) << SERIAL_BITS | serial;
}

static wat_status page_begin(struct wat_call *call,
			     uint64_t after,
			     uint32_t limit,
			     struct page *ret)
{
	const struct node *node = node_of(call);
	const uint64_t serial = after & ((UINT64_C(1) << SERIAL_BITS) - 1);

	if (after != 0 && after != cursor(node, serial))
		return call->api->fail(call, WAT_ABORTED,
				       "watd was started again since the page before; begin again "
				       "with the first");
	*ret = (struct page){.after = serial, .most = limit ? limit : SIZE_MAX};
	/* Who asks for no page gets all, or hears that it is too much. */
	if (limit == 0)
		ret->n_bytes = SIZE_MAX;
	return WAT_OK;
}

static bool page_skips(const struct page *page, uint64_t serial)
{
	return page->more || serial <= page->after;
}

/* Is there room for one more? */
static bool page_takes(struct page *page, uint64_t serial, const ProtobufCMessage *entry)
{
	size_t n = protobuf_c_message_get_packed_size(entry);

	if (page->n_bytes == SIZE_MAX)
		return true;
	if (page->n == page->most || (page->n > 0 && page->n_bytes + n > PAGE_BYTES)) {
		page->more = true;
		return false;
	}
	page->n++;
	page->n_bytes += n;
	page->last = serial;
	return true;
}

wat_status node_on_list(struct node_list_call *call,
			wat_empty *state,
			const node_list_request *in,
			node_instance_list *out)
{
	const struct node *node = node_of(&call->base);
	struct page page;
	wat_status status = page_begin(&call->base, in->after, in->limit, &page);

	(void)state;
	if (status != WAT_OK)
		return status;
	out->instances = wat_alloc(call, (node->instances.n + 1) * sizeof(*out->instances));
	list_for_each (i, &node->instances.all) {
		const struct instance *instance = container_of(i, struct instance, all);
		node_instance *entry;

		if (instance_is_hidden(instance) || page_skips(&page, instance->serial))
			continue;
		entry = wat_alloc(call, sizeof *entry);
		wat__node__instance__init(entry);
		node_describe_instance(instance, entry);
		if (page_takes(&page, instance->serial, &entry->base))
			out->instances[out->n_instances++] = entry;
	}
	out->next = page.more ? cursor(node, page.last) : 0;
	return WAT_OK;
}

static void describe_user(const struct node *node, const struct grant *grant, node_user *out)
{
	wat__node__user__init(out);
	out->name = (char *)(uintptr_t)grant->row.user;
	out->grant_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)grant->row.id};
	out->method_mask = grant->row.method_mask;
	out->created = grant->row.created;
	out->not_after = grant->row.not_after;
	out->channels = grant->channels;
	out->session = grant->row.session;
	out->rate = grant->row.rate;
	out->in_flight = grant->row.in_flight;
	out->last_used = grant->row.last_used;
	out->pid = (uint32_t)grant->row.process.pid;
	out->soon = grant_times_is_soon(&grant->row, node->last_time);
}

wat_status node_on_users(struct node_users_call *call,
			 wat_empty *state,
			 const node_users_request *in,
			 node_user_list *out)
{
	struct instance *instance = NULL;
	struct page page;
	wat_status status = node_find_instance(&call->base, in->name, &instance);

	(void)state;
	if (status == WAT_OK)
		status = page_begin(&call->base, in->after, in->limit, &page);
	if (status != WAT_OK)
		return status;
	out->service = instance->service;
	out->users = wat_alloc(call, (node_count_users(instance) + 1) * sizeof(*out->users));
	list_for_each (i, &instance->grants) {
		const struct grant *grant = container_of(i, struct grant, of_instance);
		node_user *user;

		if (!node_is_user(grant) || page_skips(&page, grant->serial))
			continue;
		user = wat_alloc(call, sizeof *user);
		describe_user(instance->node, grant, user);
		if (page_takes(&page, grant->serial, &user->base))
			out->users[out->n_users++] = user;
	}
	out->next = page.more ? cursor(instance->node, page.last) : 0;
	return WAT_OK;
}
