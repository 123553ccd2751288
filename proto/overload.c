/* overload.c - the limits that connections and BINDs meet. Any thread. */
#include "proto/overload.h"

#include <stdio.h>
#include <sys/socket.h>
#include <wat/envelope.pb-c.h>

#include "proto/frame.h"
#include "proto/status.h"

static const struct {
	const char *key, *sentence;
} limits[] = {
#define OVERLOAD_ROW(name, number, key, sentence) [number] = {key, sentence},
	OVERLOADS(OVERLOAD_ROW)
#undef OVERLOAD_ROW
};

const char *overload_key(unsigned number)
{
	return number < sizeof limits / sizeof *limits ? limits[number].key : NULL;
}

const char *overload_text(unsigned number, char ret[static OVERLOAD_TEXT_MAX])
{
	if (overload_key(number))
		(void)snprintf(ret, OVERLOAD_TEXT_MAX, "%s (%s)", limits[number].sentence,
			       limits[number].key);
	else
		(void)snprintf(ret, OVERLOAD_TEXT_MAX, "a limit is reached (number %u)", number);
	return ret;
}

size_t overload_goaway(unsigned number, uint8_t ret[static OVERLOAD_GOAWAY_MAX])
{
	Wat__Envelope__Failure failure = WAT__ENVELOPE__FAILURE__INIT;
	Wat__Envelope__GoAway message = WAT__ENVELOPE__GO_AWAY__INIT;
	struct frame frame = {.type = FRAME_GOAWAY};
	char text[OVERLOAD_TEXT_MAX];
	size_t n;

	failure.text = (char *)(uintptr_t)overload_text(number, text);
	message.status = WAT_OVERLOADED;
	message.failure = &failure;
	n = wat__envelope__go_away__pack(&message, ret + FRAME_HEADER_SIZE);
	frame.body_len = (uint32_t)n;
	frame_encode(&frame, ret);
	return FRAME_HEADER_SIZE + n;
}

void overload_refuse(int fd, unsigned number)
{
	uint8_t bytes[OVERLOAD_GOAWAY_MAX];
	size_t n = overload_goaway(number, bytes);

	(void)!send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}
