/* call_deaths.h - what outlives watd about the deaths of calls: which call an instance's host ran
 * when it died, how often that call did, and whether it may run again. Loop thread.
 *
 * RUNTIME_DIR/calls.<node id> has a page for each host (proto/attribution.h), which the host maps,
 * and a note for each instance, which only watd writes: in which slot of which page it stands, and
 * what was found when its last host died. Bytes of files outlive every process without a sync; so a
 * death costs one write, and a call none. Both are gone after a boot, as are the processes.
 *
 * The note of an instance is written as a whole, and the page that it was made from goes after it:
 * whoever dies in between leaves one of them. */
#ifndef WAT_SUPERVISOR_CALL_DEATHS_H
#define WAT_SUPERVISOR_CALL_DEATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/support/must_check.h"

struct instance_table;

/* Of one instance. */
struct call_note {
	uint64_t page; /* that its host's slot is in; 0: none, or what was there is in the note */
	uint32_t slot;
	uint8_t lane[16]; /* the call that its host last died with, */
	uint64_t id;      /* 0: none */
	uint32_t deaths;  /* so often */
	bool judged;      /* and it must not run again */
};

/* What a slot of a page says after its host's end. */
struct call_found {
	uint32_t running; /* as host_running has it */
	bool faulted;
	uint8_t lane[16];
	uint64_t id; /* 0: none */
};

/* The directory, which is made. */
int call_deaths_init(const char *runtime_dir, const uint8_t node_id[16], int *ret_dir)
	WAT_MUST_CHECK;

/* A page for a host of n_slots instances, with its memory: writing to it can't fail. Its number is
 * never 0. */
int call_deaths_new_page(int dir, uint32_t n_slots, uint64_t *ret_page, int *ret_fd) WAT_MUST_CHECK;
/* What is in it was noted, or is nobody's. */
void call_deaths_drop_page(int dir, uint64_t page);
/* Of a host of a watd of before, which may have written anything, and has ended. -ENOENT: there is
 * no such page, which is one whose instances were all noted. */
int call_deaths_read_page(int dir, uint64_t page, uint32_t slot, struct call_found *ret)
	WAT_MUST_CHECK;

int call_deaths_note(int dir, const uint8_t instance_id[16], const struct call_note *note)
	WAT_MUST_CHECK;
/* -ENOENT: there is none; -EBADMSG: it was not written by a watd like this one. */
int call_deaths_read(int dir, const uint8_t instance_id[16], struct call_note *ret) WAT_MUST_CHECK;
/* The incarnation's calls are all answered, or nobody's. */
void call_deaths_forget(int dir, const uint8_t instance_id[16]);

/* At the start: pages that no note of an instance needs go, and notes of no instance. */
void call_deaths_sweep(int dir, const struct instance_table *instances);

#endif
