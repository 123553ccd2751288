/* plugin.h - what a service's handlers may call. A plugin links against nothing of watd: every
 * function is reached through the call at hand. All of it runs on the thread of the instance. */
#ifndef WAT_PLUGIN_H
#define WAT_PLUGIN_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <wat/interface.h>
#include <wat/status.h>

#define WAT_PLUGIN_ABI 1u

/* Exported by a plugin as `const struct wat_plugin wat_plugin`; generated. */
struct wat_plugin {
	uint32_t abi;  /* WAT_PLUGIN_ABI */
	uint32_t size; /* of this struct */
	uint32_t n_services;
	const struct wat_service *const *services;
};

enum wat_log_level { WAT_LOG_ERROR = 3, WAT_LOG_WARNING = 4, WAT_LOG_INFO = 6, WAT_LOG_DEBUG = 7 };

/* Ends the call with a status other than WAT_OK and a sentence for the caller; the state is then
 * what it was before. Returns the status, so that a handler says `return wat_fail(call, ...)`. In a
 * `later` method it answers the call. What a service can't know (STALE, STOPPED, SERVER_DIED,
 * DISCONNECTED, START_FAILED, TOO_OLD), PERMISSION_DENIED, and numbers that are no status become
 * INTERNAL, and the log names the method. */
#define wat_fail(call, ...) ((call)->base.api->fail(&(call)->base, __VA_ARGS__))

/* Zeroed memory for `out` or for what `state` newly points to; never freed by the author. A call
 * that would take more than 8 MiB ends here with RESOURCE_EXHAUSTED, so NULL is never returned. */
#define wat_alloc(call, n) ((call)->base.api->alloc(&(call)->base, (n)))
#define wat_strdup(call, string) ((call)->base.api->copy_string(&(call)->base, (string)))

/* The state is beyond repair: ends the call, the state is what it was before. Its caller gets
 * SERVER_DIED, the log and the Admin (`watctl show`) the sentence. */
#define wat_panic(call, ...) \
	((call)->base.api->panic(&(call)->base, __FILE__, __LINE__, __VA_ARGS__))
#define wat_check(call, expression) \
	((expression) ? (void)0 : wat_panic(call, "check failed: %s", #expression))

/* Level: enum wat_log_level. One line in the log of watd. */
#define wat_log(call, level, ...) ((call)->base.api->log(&(call)->base, (level), __VA_ARGS__))

/* Unix time in nanoseconds. The only clock a handler should use. In a deterministic service it is
 * recorded, as randomness and context are, and given back when the call is run again. */
#define wat_now(call) ((call)->base.api->now(&(call)->base))
/* Where this handler runs and for whom: const struct wat_context *, valid while the call is. */
#define wat_context(call) ((call)->base.api->context(&(call)->base))
/* Fills the buffer with random bytes. The only source of randomness a handler should use. */
#define wat_random(call, buffer, n) ((call)->base.api->random(&(call)->base, (buffer), (n)))

#endif
