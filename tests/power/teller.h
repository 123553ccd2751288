/* teller.h - a client of tests/power/ballot.proto that speaks the protocol by hand: it chooses its
 * lane, numbers its calls as it says, and knows what was answered. Test's thread. */
#ifndef WAT_TESTS_POWER_TELLER_H
#define WAT_TESTS_POWER_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "ballot.client.h"
#include "tests/scenario/hand.h"

/* Those calls of the first client, and so on every 200, have large answers, so that segments get
 * full. */
#define TELLER_LARGE_FROM 100u
#define TELLER_LARGE 100u

struct teller {
	uint32_t client; /* of the instance's */
	char *token;     /* owned */
	struct hand_lane lane;
	struct hand control, channel;
	bool bound;
	uint64_t sent, answered; /* numbers of calls: all up to that one */
	char why[256];
};

/* Takes the token, which wat made. The lane is fresh. */
void teller_init(struct teller *teller, uint32_t client, char *token);
void teller_deinit(struct teller *teller);
/* Connects and binds, for the first time or again: 0, the wat_status that refuses it, or -1. */
int teller_bind(struct teller *teller, const char *socket);
/* Without a word to the lane. */
void teller_unbind(struct teller *teller);

/* Writes a Put as the call of that number. What it asks for follows from the number. */
void teller_put(struct teller *teller, uint64_t number);
/* The same as another call than that of its number, for one whose calls were refused in between. */
void teller_put_as(struct teller *teller, uint64_t call, uint64_t number);
/* The next answer: 0 and its call and place, a wat_status, or -1: the channel has gone. */
int teller_take(struct teller *teller, uint64_t *ret_number, uint64_t *ret_place);
/* What the last answer of those that refused said; valid until the next. Not NULL. */
const char *teller_why(struct teller *teller);
/* Reads the state, as the call of that number; freed with ballot_state_free. The same returns. */
int teller_read(struct teller *teller, uint64_t number, ballot_state **ret);

#endif
