/* pages.h - a command that reads what watd keeps in order, page after page by a cursor, and with
 * --follow what comes: events, lines of logs. */
#ifndef WAT_WATCTL_PAGES_H
#define WAT_WATCTL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client/watctl/output.h"
#include "client/watctl/watctl.h"

struct pages_query {
	wat_capability *admin; /* whose instance it is; NULL: the node is asked */
	const char *name;      /* of an instance; NULL: of all */
	uint64_t after_seq;    /* the cursor */
	uint64_t since_ms;     /* Unix time; 0: from the oldest on */
	uint32_t newest;       /* leave out all but so many; 0: none */
	uint32_t limit;        /* of the page */
	bool wait;             /* until there is something, or the call's time is nearly over */
};

/* What a reply holds. */
struct page {
	size_t n;
	uint64_t next_seq;
	uint64_t oldest_seq; /* above the query's cursor + 1: some are not kept any more */
	bool more;           /* there may be another page */
};

#define PAGES_SAYS_NOTHING (-1) /* of an end */
#define PAGES_GOES_ON (-2)      /* it went on from the end before */

struct pages_kind {
	const char *method;             /* of the node, for problems */
	const char *what;               /* "events" */
	uint32_t newest, newest_follow; /* without -n; 0: all */
	/* As connection_node_try. */
	int (*ask)(struct watctl *ctl, const struct pages_query *query, ProtobufCMessage **ret);
	void (*look)(const ProtobufCMessage *reply, struct page *ret);
	json_t *(*view)(const ProtobufCMessage *reply, size_t i);
	/* A view as text: a row of columns, to which cells adds what they lack; or print, a line.
	 */
	const struct output_column *columns;
	size_t n_columns;
	const size_t *widths; /* of lines that follow one another */
	void (*cells)(json_t *view);
	void (*print)(const json_t *view);
	/* The exit code of a command that ends with what the view tells, or one of those below.
	 * NULL: it ends by its time or by ^C. */
	int (*ends)(const json_t *view);
	wat_capability *admin; /* pages_query */
};

/* Runs the command, whose options are FOLLOW, SINCE and LINES; one that `ends` follows in any case.
 * The exit code. */
int pages_run(struct watctl *ctl, const struct pages_kind *kind) WAT_MUST_CHECK;

#endif
