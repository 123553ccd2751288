/* value.h - values of the configuration: what each kind may be, and what it means. Pure; any
 * thread. */
#ifndef WAT_CONFIG_VALUE_H
#define WAT_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/name.h"
#include "proto/support/must_check.h"

/* V(kind, word for a usage, what is expected) */
#define VALUE_KINDS(V)                                                                           \
	V(PATH, "PATH", "an absolute path")                                                      \
	V(SOCKET, "PATH", "an absolute path of at most 107 bytes")                               \
	V(LEVEL, "LEVEL", "error, warning, info or debug")                                       \
	V(FORMAT, "FORMAT", "text or json")                                                      \
	V(LISTEN, "ADDRESS:PORT...",                                                             \
	  "up to 8 times ADDRESS:PORT with blanks between them, numeric, an IPv6 "               \
	  "address in [brackets]")                                                               \
	V(SWITCH, "yes|no", "yes or no")                                                         \
	V(COUNT, "N", "a number from 1 to 1000000")                                              \
	V(DROP, "FROM:PERCENT:FULL",                                                             \
	  "FROM:PERCENT:FULL, FROM and FULL from 1 to 1000000 and FROM not above "               \
	  "FULL, PERCENT from 1 to 100")                                                         \
	V(DURATION, "TIME", "a number with s, min, h, d or w, from 1s to 3650d")                 \
	V(PAUSE, "TIME", "a number with ms, s, min or h, from 1ms to 1h")                        \
	V(LIFE, "TIME", "a number with s, min, h, d or w, from 4s to 3650d")                     \
	V(NAME, "NAME", "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit")            \
	V(NAMES, "NAME...", "names of instances with blanks between them, each once")            \
	V(SERVICE, "SERVICE", "a service such as counter or counter.Counter")                    \
	V(METHODS, "METHOD...", "names of methods with blanks between them, each once")          \
	V(TIER, "TIER", "process or thread")                                                     \
	V(POLICY, "POLICY", "never, on-failure or always")                                       \
	V(STARTS, "N", "a number from 1 to 100")                                                 \
	V(STRATEGY, "STRATEGY", "one_for_one, one_for_all or rest_for_one")                      \
	V(STUCK, "report|kill", "report or kill")                                                \
	V(TRUST, "confined|trusted", "confined or trusted")                                      \
	V(DURABILITY, "DURABILITY", "none, crash or sync")                                       \
	V(NEEDS, "NEED...",                                                                      \
	  "FILES_READ:/path, FILES_WRITE:/path and NET_OUT with blanks between them, each once") \
	V(GROUP, "GROUP", "a name of a group")

enum value_kind {
#define VALUE_ENUM(kind, word, expected) VALUE_##kind,
	VALUE_KINDS(VALUE_ENUM)
#undef VALUE_ENUM
};

/* "a number from 1 to 1000000" */
const char *value_expected(enum value_kind kind);
const char *value_word(enum value_kind kind);
bool value_is_valid(enum value_kind kind, const char *text) WAT_MUST_CHECK;

/* Of a valid one. Seconds for DURATION and LIFE, milliseconds for PAUSE. */
uint64_t value_number(enum value_kind kind, const char *text);

/* Of a valid DROP: FROM, PERCENT, FULL. */
void value_drop(const char *text, uint32_t ret[static 3]);

/* The next of several words; false: none is left. One that is longer than the buffer is cut. */
bool value_next(const char **at, char *ret_word, size_t size);
#define VALUE_WORD_SIZE 288u

#endif
