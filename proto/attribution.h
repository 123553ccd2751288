/* attribution.h - the page in which a host says what each of its instances is running: written by
 * the host's threads, read by watd after the host's death. Shared memory: whoever reads it checks
 * bounds, for the host may have written anything. */
#ifndef WAT_PROTO_ATTRIBUTION_H
#define WAT_PROTO_ATTRIBUTION_H

#include <stdatomic.h>
#include <stdint.h>

#define ATTRIBUTION_SLOTS 1024u
#define ATTRIBUTION_FRAMES 64u
#define ATTRIBUTION_MODULES 64u

/* method_plus_1 while a lifecycle handler runs. */
#define ATTRIBUTION_LIFECYCLE 0xffff0001u /* and its number: enum dispatch_lifecycle */
#define ATTRIBUTION_START (ATTRIBUTION_LIFECYCLE + 0)
#define ATTRIBUTION_STOP (ATTRIBUTION_LIFECYCLE + 1)
#define ATTRIBUTION_SELF 0xffff0100u /* load or save */
#define ATTRIBUTION_LOAD 0xffff0101u /* the main thread loads the plugin for the instance */

/* Exit code of a host that ends by itself because its journal or its memory leaves it no way on:
 * no handler's doing, whatever runs just then. */
#define ATTRIBUTION_EXIT_OF_HOST 74

/* One instance; a cache line of its own. */
struct attribution_slot {
	_Atomic uint32_t method_plus_1; /* 0: no handler runs */
	_Atomic uint32_t
		faulted; /* this instance's thread raised the signal that killed the host */
	_Atomic uint64_t call_id;
	uint8_t lane[16];
	_Atomic uint32_t begun; /* handlers so far, this one too: another one is another number */
	uint8_t padding[28];
};

/* What the first thread that faults notes of it. */
struct attribution_fault {
	_Atomic uint32_t claimed; /* one has begun to */
	_Atomic uint32_t
		slot_plus_1; /* whose thread it was, written last; 0: nobody's, or not yet */
	_Atomic uint32_t has_address;
	_Atomic uint64_t address;            /* that it touched, or was at */
	_Atomic uint32_t n_frames;           /* written after them */
	uint64_t frames[ATTRIBUTION_FRAMES]; /* the place of the fault, then those to return to */
};

/* A file that is mapped. */
struct attribution_module {
	uint64_t begin, end; /* of its segments */
	uint64_t base;       /* less this an address is as the file counts them */
	uint32_t n_build_id; /* 0: it has none */
	uint8_t build_id[20];
	char name[64]; /* without its directory */
};

struct attribution {
	struct attribution_slot slots[ATTRIBUTION_SLOTS];
	struct attribution_fault fault;
	_Atomic uint32_t n_modules;
	struct attribution_module modules[ATTRIBUTION_MODULES];
};

_Static_assert(sizeof(struct attribution_slot) == 64, "one cache line for each instance");

#endif
