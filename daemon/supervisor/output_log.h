/* output_log.h - what hosts wrote, line by line, as much as a bounded memory holds: for those who
 * look after a death, and those who follow. The whole of it is in the log of watd. Pure; loop
 * thread. */
#ifndef WAT_SUPERVISOR_OUTPUT_LOG_H
#define WAT_SUPERVISOR_OUTPUT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

#define OUTPUT_NAME_SIZE 64u

enum output_stream { OUTPUT_STDOUT = 1, OUTPUT_STDERR = 2, OUTPUT_LOG = 3 };

struct output_line {
	uint64_t seq;                /* given by the log, strictly increasing */
	uint64_t at_ms;              /* Unix time, when watd read it */
	char name[OUTPUT_NAME_SIZE]; /* of the instance; "": of a host, of none in particular */
	uint64_t generation;
	uint32_t pid;
	int level;                 /* syslog's */
	enum output_stream stream; /* OUTPUT_LOG: wat_log, or the host itself */
	const char *text;          /* UTF-8, without the line's end */
	size_t n;                  /* bytes of text, without its NUL */
};

struct output_log;

/* first_seq: of the first line. of_name and in_all: bytes kept, per instance and altogether; the
 * oldest lines go first. -ENOMEM. */
int output_log_new(uint64_t first_seq, size_t of_name, size_t in_all, struct output_log **ret)
	WAT_MUST_CHECK;
/* Returns NULL; takes NULL. */
struct output_log *output_log_free(struct output_log *log);

/* Copies the line, whose seq does not matter. -ENOMEM: it is not kept. */
int output_log_add(struct output_log *log, const struct output_line *line) WAT_MUST_CHECK;

struct output_query {
	const char *name;   /* "": of all */
	uint64_t after_seq; /* lines with a higher one */
	uint64_t since_ms;  /* not earlier */
	size_t newest;      /* all but so many of them are left out; 0: none */
	size_t limit;       /* lines; at least 1 */
	size_t bytes;       /* of their texts; one line comes in any case */
};

/* Visits the lines in order. Returns the cursor for the next query: the seq of the last line, or
 * after_seq. A line is valid during the visit. */
uint64_t output_log_read(const struct output_log *log,
			 const struct output_query *query,
			 void (*visit)(void *arg, const struct output_line *line),
			 void *arg);

/* The seq of the newest line of the name ("": of all) that is not kept any more, or was of a time
 * before the log: who had read less far misses some. */
uint64_t output_log_dropped(const struct output_log *log, const char *name);

#endif
