/* log.h - one line per event, on stderr: a sentence plus key=value, or a JSON object. Any thread: a
 * line is one write(2). */
#ifndef WAT_BASE_LOG_H
#define WAT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/support/must_check.h"

/* syslog's numbers. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

enum log_format {
	LOG_FORMAT_TEXT,  /* "warning: sentence key=value" */
	LOG_FORMAT_JSON,  /* {"time_ms":...,"level":...,"text":...,"key":"value"} */
	LOG_FORMAT_CHILD, /* "<4>sentence key=value" or, with an instance, "<4 NAME>sentence
			     key=value", for the parent that reads it */
};

/* Before other threads exist. Where stderr is the journal, LOG_FORMAT_TEXT is LOG_FORMAT_CHILD: the
 * journal reads the level from there. */
void log_setup(enum log_format format, int max_level);
void log_set_level(int max_level);
/* The instance that this thread's lines are about, said with each of them (once: a pair of that key
 * and value is left out); NULL: none. The string stays the caller's and lives until it is replaced.
 */
void log_set_instance(const char *name);
int log_level(void);
/* "info"; the next more talkative one for a number between. A constant. */
const char *log_level_name(int level);
/* "error", "warning", "info", "debug"; -1 for another word. */
int log_level_from_name(const char *name);

struct log_pair {
	const char *key, *value;
};
/* text: a sentence without a full stop. */
void log_write_pairs(int level, const char *text, const struct log_pair *pairs, size_t n);
/* The same with pairs of const char *key, const char *value, at most 16, closed by NULL. */
void log_write(int level, const char *text, ...) __attribute__((sentinel));
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__, (char *)0)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__, (char *)0)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__, (char *)0)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__, (char *)0)

#endif
