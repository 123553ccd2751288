/* recorded.c - a call as a journal of calls has it. */
#include "daemon/host/recorded.h"

#include <errno.h>

#include "proto/limits.h"
#include "proto/support/bytes.h"
#include "proto/utf8.h"

/* Of a body, and of an entry: two u32 each. */
#define HEAD_SIZE 8u

int recorded_give(struct bytes *given, const struct recorded_given *entry)
{
	uint8_t *to = bytes_add(given, HEAD_SIZE + entry->n);

	if (!to)
		return -ENOMEM;
	bytes_put32(to, (uint32_t)entry->kind);
	bytes_put32(to + 4, (uint32_t)entry->n);
	if (entry->n > 0)
		memcpy(to + HEAD_SIZE, entry->bytes, entry->n);
	return 0;
}

size_t recorded_size(size_t n_request, const struct bytes *given)
{
	return HEAD_SIZE + n_request + given->n;
}

void recorded_put(uint8_t *room,
		  const uint8_t *request,
		  size_t n_request,
		  const struct bytes *given)
{
	bytes_put32(room, (uint32_t)n_request);
	bytes_put32(room + 4, 0);
	if (n_request > 0)
		memcpy(room + HEAD_SIZE, request, n_request);
	if (given->n > 0)
		memcpy(room + HEAD_SIZE + n_request, given->data, given->n);
}

static bool is_name(const uint8_t *bytes, size_t n)
{
	return n <= WAT_NAME_MAX && !memchr(bytes, '\0', n) && utf8_is_text(bytes, n);
}

static bool is_entry(const struct recorded_given *entry)
{
	switch (entry->kind) {
	case RECORDED_TIME:
		return entry->n == 8;
	case RECORDED_RANDOM:
		return true;
	case RECORDED_CONTEXT:
		return entry->n >= RECORDED_CONTEXT_SIZE &&
		       is_name(entry->bytes + RECORDED_CONTEXT_SIZE,
			       entry->n - RECORDED_CONTEXT_SIZE);
	default:
		return false;
	}
}

/* 1, 0 at the end, or -EBADMSG. */
static int take(struct recorded_call *call, struct recorded_given *ret)
{
	const uint8_t *at = call->given;
	size_t n;

	if (call->n_given == 0)
		return 0;
	if (call->n_given < HEAD_SIZE)
		return -EBADMSG;
	n = bytes_get32(at + 4);
	if (n > call->n_given - HEAD_SIZE)
		return -EBADMSG;
	*ret = (struct recorded_given){(enum recorded_kind)bytes_get32(at), at + HEAD_SIZE, n};
	if (!is_entry(ret))
		return -EBADMSG;
	call->given += HEAD_SIZE + n;
	call->n_given -= HEAD_SIZE + n;
	return 1;
}

int recorded_open(const uint8_t *body, size_t n, struct recorded_call *ret)
{
	struct recorded_given entry;
	struct recorded_call rest;
	int r;

	if (n < HEAD_SIZE || bytes_get32(body) > n - HEAD_SIZE || bytes_get32(body + 4) != 0)
		return -EBADMSG;
	ret->request = body + HEAD_SIZE;
	ret->n_request = bytes_get32(body);
	ret->given = ret->request + ret->n_request;
	ret->n_given = n - HEAD_SIZE - ret->n_request;
	rest = *ret;
	do
		r = take(&rest, &entry);
	while (r > 0);
	return r;
}

int recorded_take(struct recorded_call *call, struct recorded_given *ret)
{
	/* It was looked through when it was opened. */
	return take(call, ret) > 0;
}
