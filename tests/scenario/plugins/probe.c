/* probe.c - a service that does everything wrong that a handler can. Runs on its instance's thread.
 */
#include "probe.service.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define WAITING_MAX 64

/* An instance has a thread of its own, and no other place to keep calls in yet. */
static _Thread_local struct probe_wait_call *waiting[WAITING_MAX];
static _Thread_local size_t n_waiting;

static bool note_is(const probe_state *state, const char *note)
{
	return strcmp(state->note, note) == 0;
}

static void __attribute__((noreturn)) hang(void)
{
	for (;;)
		(void)pause();
}

static void crash(void)
{
	/* A sanitizer would make a report of a bad access, and exit instead. */
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
}

wat_status probe_on_start(struct probe_start_call *call, probe_state *state)
{
	state->value++;
	if (note_is(state, "refuse start"))
		return wat_fail(call, WAT_FAILED_PRECONDITION, "told to refuse");
	if (note_is(state, "panic start"))
		wat_panic(call, "told to panic");
	if (note_is(state, "crash start"))
		crash();
	if (note_is(state, "hang start"))
		hang();
	return WAT_OK;
}

wat_status probe_on_stop(struct probe_stop_call *call, probe_state *state)
{
	state->value = -state->value;
	if (note_is(state, "refuse stop"))
		return wat_fail(call, WAT_FAILED_PRECONDITION, "told to refuse");
	if (note_is(state, "panic stop"))
		wat_panic(call, "told to panic");
	state->note = wat_strdup(call, "stopped");
	return WAT_OK;
}

static void append_item(struct wat_call *call, probe_state *state, const probe_change *in)
{
	probe_item **items = call->api->alloc(call, (state->n_items + 1) * sizeof(*items));
	probe_item *item = call->api->alloc(call, sizeof *item);

	probe__item__init(item);
	item->name = call->api->copy_string(call, in->note);
	item->n = in->n;
	if (state->n_items > 0)
		memcpy(items, state->items, state->n_items * sizeof(*items));
	items[state->n_items] = item;
	state->items = items;
	state->n_items++;
	state->last = item;
}

static void add(struct wat_call *call, probe_state *state, const probe_change *in)
{
	state->value += in->n;
	state->note = call->api->copy_string(call, in->note);
	append_item(call, state, in);
}

/* What `out` points to may be the state's: it is packed before the call ends. */
static void show(const probe_state *state, probe_value *out)
{
	out->value = state->value;
	out->note = state->note;
	out->n_items = (uint32_t)state->n_items;
	out->last = state->last;
}

wat_status probe_on_get(struct probe_get_call *call,
			probe_state *state,
			const wat_empty *in,
			probe_value *out)
{
	(void)call;
	(void)in;
	show(state, out);
	return WAT_OK;
}

wat_status probe_on_add(struct probe_add_call *call,
			probe_state *state,
			const probe_change *in,
			probe_value *out)
{
	add(&call->base, state, in);
	show(state, out);
	return WAT_OK;
}

wat_status probe_on_add_then_fail(struct probe_add_then_fail_call *call,
				  probe_state *state,
				  const probe_change *in,
				  probe_value *out)
{
	(void)out;
	add(&call->base, state, in);
	/* What the state pointed to is written over too. */
	if (state->n_items > 1)
		state->items[0]->n = 999;
	return wat_fail(call, WAT_FAILED_PRECONDITION, "added, then failed");
}

wat_status probe_on_add_then_panic(struct probe_add_then_panic_call *call,
				   probe_state *state,
				   const probe_change *in,
				   probe_value *out)
{
	(void)out;
	add(&call->base, state, in);
	wat_panic(call, "panic at %" PRId64, state->value);
}

wat_status probe_on_sneak(struct probe_sneak_call *call,
			  probe_state *state,
			  const probe_change *in,
			  probe_value *out)
{
	add(&call->base, state, in);
	show(state, out);
	return WAT_OK;
}

wat_status probe_on_crash(struct probe_crash_call *call,
			  probe_state *state,
			  const wat_empty *in,
			  wat_empty *out)
{
	(void)call;
	(void)state;
	(void)in;
	(void)out;
	crash();
	return WAT_OK;
}

wat_status probe_on_hang(struct probe_hang_call *call,
			 probe_state *state,
			 const wat_empty *in,
			 wat_empty *out)
{
	(void)call;
	(void)state;
	(void)in;
	(void)out;
	hang();
}

wat_status probe_on_spin(struct probe_spin_call *call,
			 probe_state *state,
			 const probe_size *in,
			 probe_size *out)
{
	volatile uint64_t n = 0;

	(void)call;
	(void)state;
	while (n < in->n)
		n = n + 1;
	out->n = n;
	return WAT_OK;
}

wat_status probe_on_wait(struct probe_wait_call *call, probe_state *state, const wat_empty *in)
{
	(void)state;
	(void)in;
	if (n_waiting == WAITING_MAX)
		return wat_fail(call, WAT_OVERLOADED, "too many wait");
	waiting[n_waiting++] = call;
	return probe_wait_take(call);
}

static size_t answer_waiting(const probe_state *state)
{
	probe_value value = PROBE_VALUE_INIT;

	show(state, &value);
	for (size_t i = 0; i < n_waiting; i++)
		(void)probe_wait_reply(waiting[i], &value);
	return n_waiting;
}

wat_status probe_on_release(struct probe_release_call *call,
			    probe_state *state,
			    const probe_change *in,
			    probe_size *out)
{
	add(&call->base, state, in);
	out->n = answer_waiting(state);
	n_waiting = 0;
	return WAT_OK;
}

wat_status probe_on_release_then_fail(struct probe_release_then_fail_call *call,
				      probe_state *state,
				      const probe_change *in,
				      probe_size *out)
{
	add(&call->base, state, in);
	out->n = answer_waiting(state);
	return wat_fail(call, WAT_ABORTED, "answered, then failed");
}

wat_status probe_on_forget(struct probe_forget_call *call,
			   probe_state *state,
			   const probe_change *in)
{
	add(&call->base, state, in);
	return WAT_OK;
}

wat_status probe_on_prompt(struct probe_prompt_call *call,
			   probe_state *state,
			   const probe_change *in)
{
	probe_value value = PROBE_VALUE_INIT;

	add(&call->base, state, in);
	show(state, &value);
	return probe_prompt_reply(call, &value);
}

wat_status probe_on_big(struct probe_big_call *call,
			probe_state *state,
			const probe_size *in,
			probe_text *out)
{
	out->text = wat_alloc(call, in->n + 1);
	memset(out->text, 'x', in->n);
	state->value++;
	return WAT_OK;
}

wat_status probe_on_grow(struct probe_grow_call *call,
			 probe_state *state,
			 const probe_size *in,
			 probe_size *out)
{
	state->note = wat_alloc(call, in->n + 1);
	memset(state->note, 'x', in->n);
	out->n = in->n;
	return WAT_OK;
}

wat_status probe_on_allocate(struct probe_allocate_call *call,
			     probe_state *state,
			     const probe_size *in,
			     probe_size *out)
{
	state->value++;
	(void)wat_alloc(call, in->n);
	out->n = in->n;
	return WAT_OK;
}

wat_status probe_on_bad_reply(struct probe_bad_reply_call *call,
			      probe_state *state,
			      const probe_change *in,
			      probe_text *out)
{
	state->value += in->n;
	out->text = wat_strdup(call, "bad \xff");
	return WAT_OK;
}

wat_status probe_on_bad_state(struct probe_bad_state_call *call,
			      probe_state *state,
			      const probe_change *in,
			      probe_text *out)
{
	(void)in;
	(void)out;
	state->note = wat_strdup(call, "bad \xff");
	return WAT_OK;
}

wat_status probe_on_bad_failure(struct probe_bad_failure_call *call,
				probe_state *state,
				const probe_change *in,
				probe_text *out)
{
	(void)state;
	(void)in;
	(void)out;
	return wat_fail(call, WAT_ABORTED, "bad \xff text");
}

wat_status probe_on_add_positive(struct probe_add_positive_call *call,
				 probe_state *state,
				 const probe_change *in,
				 probe_value *out)
{
	if (in->n < 0)
		return wat_fail(call, WAT_OUT_OF_RANGE, "n is negative");
	add(&call->base, state, in);
	show(state, out);
	return WAT_OK;
}

wat_status probe_on_log(struct probe_log_call *call,
			probe_state *state,
			const probe_change *in,
			wat_empty *out)
{
	(void)state;
	(void)out;
	wat_log(call, WAT_LOG_WARNING, "%s", in->note);
	return WAT_OK;
}

wat_status probe_on_say(struct probe_say_call *call,
			probe_state *state,
			const probe_size *in,
			probe_size *out)
{
	(void)out;
	state->value++;
	return wat_fail(call, (wat_status)in->n, "as told");
}

wat_status probe_on_fail_waiting(struct probe_fail_waiting_call *call,
				 probe_state *state,
				 const probe_size *in,
				 probe_size *out)
{
	(void)call;
	(void)state;
	for (size_t i = 0; i < n_waiting; i++)
		(void)wat_fail(waiting[i], (wat_status)in->n, "as told");
	out->n = n_waiting;
	n_waiting = 0;
	return WAT_OK;
}

wat_status probe_on_add_soon(struct probe_add_soon_call *call,
			     probe_state *state,
			     const probe_change *in,
			     probe_value *out)
{
	add(&call->base, state, in);
	show(state, out);
	return WAT_OK;
}

/* A pipe that is full is waited for. */
static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t r = write(fd, bytes, n);

		if (r < 0)
			return false;
		bytes += r;
		n -= (size_t)r;
	}
	return true;
}

wat_status probe_on_print(struct probe_print_call *call,
			  probe_state *state,
			  const probe_change *in,
			  wat_empty *out)
{
	(void)state;
	(void)out;
	if (!write_all((int)in->n, in->note, strlen(in->note)) || !write_all((int)in->n, "\n", 1))
		return wat_fail(call, WAT_INTERNAL, "it can't be written");
	return WAT_OK;
}

wat_status probe_on_write(struct probe_write_call *call,
			  probe_state *state,
			  const probe_size *in,
			  wat_empty *out)
{
	char line[1001];

	(void)state;
	(void)out;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		for (uint64_t i = 0; i < in->n; i++) {
			(void)snprintf(line, sizeof line, "%s%0993llu\n", fd == 1 ? "out-" : "err-",
				       (unsigned long long)i);
			if (!write_all(fd, line, strlen(line)))
				return wat_fail(call, WAT_INTERNAL, "it can't be written");
		}
	return WAT_OK;
}

wat_status probe_on_exit(struct probe_exit_call *call,
			 probe_state *state,
			 const probe_size *in,
			 wat_empty *out)
{
	(void)call;
	(void)state;
	(void)out;
	_exit((int)in->n);
}

wat_status probe_on_poison(struct probe_poison_call *call,
			   probe_state *state,
			   const probe_size *in,
			   wat_empty *out)
{
	static const char text[] = "the poison works\n";

	(void)call;
	(void)out;
	state->value++;
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	if (in->n > 0)
		hang();
	/* One that no sanitizer takes for itself. */
	(void)raise(SIGSYS);
	return WAT_OK;
}
