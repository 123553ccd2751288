/* teller.c - a client that speaks the protocol by hand. */
#include "tests/power/teller.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/check.h"

enum { METHOD_PUT, METHOD_READ };

void teller_init(struct teller *teller, uint32_t client, char *token)
{
	*teller = (struct teller){.client = client, .token = token};
	randombytes_buf(teller->lane.id, sizeof teller->lane.id);
}

void teller_unbind(struct teller *teller)
{
	if (!teller->bound)
		return;
	hand_close(&teller->channel);
	hand_close(&teller->control);
	teller->bound = false;
}

void teller_deinit(struct teller *teller)
{
	teller_unbind(teller);
	wat_memory_free(teller->token);
}

int teller_bind(struct teller *teller, const char *socket)
{
	int r;

	teller_unbind(teller);
	hand_connect(&teller->control, socket);
	hand_greet(&teller->control);
	r = hand_bind_lane(&teller->control, teller->token, &teller->lane, &teller->channel);
	if (r != 0) {
		hand_close(&teller->control);
		return r;
	}
	teller->bound = true;
	teller->lane.resume = true;
	return 0;
}

/* Up to `answered` the client has what it asked for. */
static void call(struct teller *teller, uint16_t method, uint64_t id, const void *body, size_t n)
{
	uint64_t lowest = teller->answered < id ? teller->answered + 1 : id;
	struct frame frame = {
		.type = FRAME_CALL, .method = method, .id = id, .window = (uint32_t)(id - lowest)};

	hand_queue(&teller->channel, frame, body, n);
	hand_flush(&teller->channel);
}

static uint32_t reply_of(const struct teller *teller, uint64_t number)
{
	return teller->client == 0 && number % 200 >= TELLER_LARGE_FROM ? 50000 : 0;
}

void teller_put_as(struct teller *teller, uint64_t id, uint64_t number)
{
	ballot_entry entry = BALLOT_ENTRY_INIT;
	uint8_t body[64];

	entry.client = teller->client;
	entry.number = number;
	entry.reply = reply_of(teller, number);
	call(teller, METHOD_PUT, id, body, ballot__entry__pack(&entry, body));
}

void teller_put(struct teller *teller, uint64_t number)
{
	teller_put_as(teller, number, number);
}

const char *teller_why(struct teller *teller)
{
	Wat__Envelope__Failure *failure = wat__envelope__failure__unpack(
		NULL, teller->channel.frame.body_len, teller->channel.body);

	assert_non_null(failure);
	(void)snprintf(teller->why, sizeof teller->why, "%s", failure->text);
	wat__envelope__failure__free_unpacked(failure, NULL);
	return teller->why;
}

static int take(struct teller *teller)
{
	if (!hand_read(&teller->channel))
		return -1;
	if (teller->channel.frame.type == FRAME_FAIL)
		return (int)teller->channel.frame.budget;
	return teller->channel.frame.type == FRAME_REPLY ? 0 : -1;
}

int teller_take(struct teller *teller, uint64_t *ret_number, uint64_t *ret_place)
{
	ProtobufCMessage *message;
	int r = take(teller);

	*ret_number = r < 0 ? 0 : teller->channel.frame.id;
	if (r != 0)
		return r;
	assert_int_equal(check_unpack(&ballot__receipt__descriptor, NULL, teller->channel.body,
				      teller->channel.frame.body_len, &message, NULL),
			 0);
	*ret_place = ((const ballot_receipt *)message)->place;
	protobuf_c_message_free_unpacked(message, NULL);
	return 0;
}

int teller_read(struct teller *teller, uint64_t number, ballot_state **ret)
{
	ProtobufCMessage *message;
	int r;

	call(teller, METHOD_READ, number, NULL, 0);
	r = take(teller);
	if (r != 0)
		return r;
	assert_int_equal(check_unpack(&ballot__state__descriptor, NULL, teller->channel.body,
				      teller->channel.frame.body_len, &message, NULL),
			 0);
	*ret = (ballot_state *)message;
	return 0;
}
