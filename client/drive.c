/* drive.c - connecting and binding for the calls that wait, again after a loss. */
#include <errno.h>
#include <stdio.h>

#include "client/private.h"

static uint64_t grow_pause(uint64_t pause)
{
	if (pause == 0)
		return PAUSE_MIN_MS;
	return pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
}

static bool wants_binding(const wat_capability *capability)
{
	return capability->binding == UNBOUND && !list_empty(&capability->calls);
}

bool drive_given_up(const wat *w, uint64_t lost_ms)
{
	return lost_ms && now_ms() - lost_ms >= w->reconnect_ms;
}

void drive_progress(wat *w, wat_capability *capability)
{
	w->pause_ms = w->retry_at_ms = 0;
	if (capability)
		capability->pause_ms = capability->retry_at_ms = 0;
}

/* With what watd said, if it said something. */
static void lose_waiting(wat *w, const char *why)
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;

	failure.text = (char *)(uintptr_t)why;
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (wants_binding(capability) && w->turned_away.status)
			calls_refuse(capability, w->turned_away.status, &failure);
		else if (wants_binding(capability))
			calls_lose(capability, why);
	}
}

/* Did watd say that it will not want the next connection either? */
static bool is_turned_away_for_good(const wat *w)
{
	switch (w->turned_away.status) {
	case 0:
	case WAT_UNAVAILABLE:
	case WAT_OVERLOADED:
	case WAT_DEADLINE_EXCEEDED:
		return false;
	default:
		return true;
	}
}

/* Ends the calls that wait, when the last attempt leaves no hope, or there is no time for another.
 */
static bool end_hopeless(wat *w)
{
	char text[512] = "watd is not reachable";
	int r = w->error;

	if (r == 0)
		return false;
	if (r == -EKEYREJECTED || (w->remote && r == -EACCES) || is_turned_away_for_good(w))
		connect_reason(w, r, text, sizeof text);
	else if (r == -EPERM || r == -EACCES)
		(void)snprintf(text, sizeof text,
			       "the process at watd's socket is not watd, or does not let us in");
	else if (!drive_given_up(w, w->lost_ms))
		return false;
	else if (w->turned_away.status)
		connect_reason(w, r, text, sizeof text);
	lose_waiting(w, text);
	w->error = 0;
	return true;
}

/* A peer that takes connections and drops them is asked with growing pauses, like one that is not
 * there. */
static void try_connect(wat *w)
{
	uint64_t now = now_ms();
	int r;

	if (dial_goes_on(&w->dial) || end_hopeless(w))
		return;
	if (now < w->retry_at_ms) {
		loop_due(w, w->retry_at_ms);
		return;
	}
	w->pause_ms = grow_pause(w->pause_ms);
	w->retry_at_ms = now + w->pause_ms;
	r = connection_open(w);
	if (r == 0)
		return;
	w->error = r;
	if (!w->lost_ms)
		w->lost_ms = now;
	if (!end_hopeless(w))
		loop_due(w, w->retry_at_ms);
}

static void drive_capability(wat *w, wat_capability *capability)
{
	uint64_t now = now_ms();

	if (!bind_possible(capability))
		return;
	if (capability->lost_ms && drive_given_up(w, capability->lost_ms)) {
		calls_lose(capability, "the service could not be reached again");
		/* The next call tries anew. */
		capability->lost_ms = 0;
		return;
	}
	if (now < capability->retry_at_ms) {
		loop_due(w, capability->retry_at_ms);
		return;
	}
	/* A host that dies right after the binding would be asked again at once, without end. */
	capability->pause_ms = grow_pause(capability->pause_ms);
	capability->retry_at_ms = now + capability->pause_ms;
	bind_send(w, capability);
	if (capability->binding == UNBOUND)
		loop_due(w, capability->retry_at_ms);
}

void drive(wat *w)
{
	bool wanted = false;

	connection_go_on(w);
	list_for_each (i, &w->capabilities) {
		wanted = wanted || wants_binding(container_of(i, wat_capability, link));
	}
	if (wanted && !w->connected)
		try_connect(w);
	if (!w->connected || !w->greeted)
		return;
	list_for_each_safe (i, &w->capabilities) {
		wat_capability *capability = container_of(i, wat_capability, link);

		if (wants_binding(capability))
			drive_capability(w, capability);
	}
}
