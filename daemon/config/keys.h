/* keys.h - every section and key of the configuration: the one list that the reader, the command
 * line, --help, conf/watd.conf and the checks are made of. Constant data. */
#ifndef WAT_CONFIG_KEYS_H
#define WAT_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/value.h"

/* K(id, name, kind, applied, need, default, example, help). default NULL: there is none, or it
 * depends on the machine and stands in the help. */

#define CONFIG_WATD_KEYS(K)                                                                       \
	K(state_dir, "state-dir", PATH, RESTART, MAY, "/var/lib/watd", NULL,                      \
	  "database and issuing key; $STATE_DIRECTORY goes before the default, which for an "     \
	  "unprivileged user is $XDG_STATE_HOME/watd")                                            \
	K(runtime_dir, "runtime-dir", PATH, RESTART, MAY, "/run/watd", NULL,                      \
	  "sockets; $RUNTIME_DIRECTORY goes before the default, which for an unprivileged "       \
	  "user is $XDG_RUNTIME_DIR/watd")                                                        \
	K(plugin_dir, "plugin-dir", PATH, RESTART, MAY, NULL, "/usr/lib/watd/plugins",            \
	  "service plugins (*.so); without it watd/plugins where the libraries are, as watd was " \
	  "installed")                                                                            \
	K(plugin_keys, "plugin-keys", PATH, RELOAD, MAY, NULL, "/etc/watd/plugin-keys",           \
	  "directory of public keys (*.pub, minisign's): a plugin with a FILE.so.minisig beside " \
	  "it is used only if one of them signed it")                                             \
	K(require_signed, "require-signed", SWITCH, RELOAD, MAY, "no", NULL,                      \
	  "no plugin without a signature is used; needs plugin-keys")                             \
	K(socket, "socket", SOCKET, RESTART, MAY, "/run/watd/watd.sock", NULL,                    \
	  "client socket; the default is watd.sock in runtime-dir")                               \
	K(admin_socket, "admin-socket", SOCKET, RESTART, MAY, "/run/watd/admin.sock", NULL,       \
	  "admin socket, whose file mode decides who manages the node; the default is "           \
	  "admin.sock in runtime-dir")                                                            \
	K(listen, "listen", LISTEN, RESTART, MAY, NULL, "0.0.0.0:7117 [::]:7117",                 \
	  "TCP, for clients on other machines; encrypted. watd --print-address says what they "   \
	  "connect to. Sockets that the service manager passes are listened on instead")          \
	K(gate_socket, "gate-socket", SOCKET, RESTART, MAY, NULL, "/run/watd/gate.sock",          \
	  "client socket for programs that can't take descriptors")                               \
	K(gate_connections, "gate-connections", COUNT, RELOAD, MAY, "4096", NULL,                 \
	  "connections at a time by listen and gate-socket; beside max-connections")              \
	K(gate_connections_of_address, "gate-connections-of-address", COUNT, RELOAD, MAY, "256",  \
	  NULL, "the same of one address (of IPv6, a /64)")                                       \
	K(insecure_loopback, "insecure-loopback", SWITCH, RESTART, MAY, "no", NULL,               \
	  "TCP without encryption as well, between loopback addresses; for debugging")            \
	K(log_level, "log-level", LEVEL, RELOAD, MAY, "info", NULL,                               \
	  "what is logged: this and everything worse")                                            \
	K(log_format, "log-format", FORMAT, RESTART, MAY, "text", NULL, "form of a log line")     \
	K(max_connections, "max-connections", COUNT, RELOAD, MAY, "4096", NULL,                   \
	  "control connections at a time; those over it are told OVERLOADED, except on the "      \
	  "admin socket")                                                                         \
	K(max_connections_of_uid, "max-connections-of-uid", COUNT, RELOAD, MAY, "1024", NULL,     \
	  "the same of one uid; and as many by gate-socket")                                      \
	K(max_unauthenticated, "max-unauthenticated", DROP, RELOAD, MAY, "128:30:512", NULL,      \
	  "connections that have bound nothing yet, by socket, and as many by the gate: once "    \
	  "FROM of them are there, for one that comes one of them, by chance, is told "           \
	  "OVERLOADED and closed with a chance of PERCENT %, which grows to 100 % at FULL")       \
	K(handshake_rate, "handshake-rate", COUNT, RELOAD, MAY, "1000", NULL,                     \
	  "connections that one uid or address (of IPv6, a /64) may begin in a second; those "    \
	  "over it are told OVERLOADED. By TCP a failed handshake counts as 64. Nothing here "    \
	  "counts for the admin socket")                                                          \
	K(handshake_burst, "handshake-burst", COUNT, RELOAD, MAY, "8192", NULL,                   \
	  "the same at once, after a time without any")                                           \
	K(bind_rate, "bind-rate", COUNT, RELOAD, MAY, "1000", NULL,                               \
	  "BINDs that one uid or address may send in a second, whether or not they are granted; " \
	  "those over it are answered OVERLOADED")                                                \
	K(bind_burst, "bind-burst", COUNT, RELOAD, MAY, "8192", NULL,                             \
	  "the same at once, after a time without any")                                           \
	K(max_buffered, "max-buffered", COUNT, RELOAD, MAY, "256", NULL,                          \
	  "MiB in the buffers of all control connections, and as many in those of the gate; "     \
	  "beyond it a connection that holds more than 128 KiB is told OVERLOADED and closed")    \
	K(max_calls, "max-calls", COUNT, RELOAD, MAY, "256", NULL,                                \
	  "open calls of one control connection")                                                 \
	K(max_capabilities, "max-capabilities", COUNT, RELOAD, MAY, "4096", NULL,                 \
	  "capabilities that one control connection may have bound")                              \
	K(max_waiting, "max-waiting", COUNT, RELOAD, MAY, "256", NULL,                            \
	  "BINDs of one control connection that wait for their instance")                         \
	K(hello_timeout, "hello-timeout", DURATION, RELOAD, MAY, "10s", NULL,                     \
	  "how long a new connection may take to say HELLO")                                      \
	K(ballast, "ballast", COUNT, RESTART, MAY, "4", NULL,                                     \
	  "MiB of the state directory's disk that are kept for the moment in which it is full: "  \
	  "then a Stop and a Deprovision still have room")                                        \
	K(stuck_after, "stuck-after", PAUSE, RELOAD, MAY, "1min", NULL,                           \
	  "how long a handler may run before it is named as stuck: in the log, by an event, in "  \
	  "ls, show and status, and to the service manager")                                      \
	K(stuck, "stuck", STUCK, RELOAD, MAY, "report", NULL,                                     \
	  "what else follows: nothing (report); the end of its process, with tier thread of the " \
	  "pool, after which it is started by its policy (kill)")                                 \
	K(snapshots, "snapshots", COUNT, RELOAD, MAY, "16", NULL,                                 \
	  "snapshots of an instance that are kept, the newest: those of its beginnings and ends " \
	  "and those that were asked for")                                                        \
	K(checkpoints, "checkpoints", COUNT, RELOAD, MAY, "4", NULL,                              \
	  "the same of those that watd makes by itself while an instance runs")                   \
	K(thread_tier, "thread-tier", TRUST, RESTART, MAY, "confined", NULL,                      \
	  "what instances of tier thread are where the kernel has no Landlock: confined ones "    \
	  "can't be there and are refused; trusted ones can read watd's files")                   \
	K(memory_max, "memory-max", COUNT, RELOAD, MAY, "4096", NULL,                             \
	  "MiB of memory of its own that a host may take: an instance of tier process, or all "   \
	  "of tier thread together; for hosts that are started from then on")                     \
	K(grant_life, "grant-life", LIFE, RELOAD, MAY, "90d", NULL,                               \
	  "life of a capability when whoever makes it says nothing else")                         \
	K(key_grace, "key-grace", LIFE, RELOAD, MAY, "30d", NULL,                                 \
	  "how long tokens of the issuing key are good after another took its place, unless "     \
	  "watctl rotate-key says something else")

#define CONFIG_PLUGIN_KEYS(K)                                                                     \
	K(file, "file", PATH, RELOAD, MAY, NULL, "/opt/counter/counter.so",                       \
	  "a plugin beside those of plugin-dir; a service that both have comes from it. Without " \
	  "it the plugin is NAME.so in plugin-dir")                                               \
	K(allow, "allow", NEEDS, RELOAD, MAY, NULL, "FILES_READ:/srv/tables NET_OUT",             \
	  "what its services get of what they say they need: reading or writing files below a "   \
	  "path, connecting to others; for hosts that are started from then on")

#define CONFIG_INSTANCE_KEYS(K)                                                                 \
	K(service, "service", SERVICE, SPAWN, MUST, NULL, "counter",                            \
	  "full name of the service, or its prefix where that is unique")                       \
	K(tier, "tier", TIER, SPAWN, MAY, "process", NULL,                                      \
	  "a process of its own, or a thread in the pool")                                      \
	K(state_file, "state-file", PATH, SPAWN, MAY, NULL, "/etc/watd/counter.json",           \
	  "initial state as JSON; without it every field is empty")                             \
	K(restart, "restart", POLICY, RELOAD, MAY, "on-failure", NULL,                          \
	  "what follows a death: nothing (never); a start, unless its process ended by itself " \
	  "with exit code 0 (on-failure); a start in any case (always)")                        \
	K(restart_max, "restart-max", STARTS, RELOAD, MAY, "5", NULL,                           \
	  "starts after deaths within restart-within; with one death more it has failed, and "  \
	  "is left alone until watctl reset-failed")                                            \
	K(restart_within, "restart-within", DURATION, RELOAD, MAY, "10s", NULL,                 \
	  "the time in which restart-max counts")                                               \
	K(restart_pause, "restart-pause", PAUSE, RELOAD, MAY, "50ms", NULL,                     \
	  "pause before the second start in a row, less up to a quarter by chance; it doubles " \
	  "with each further one")                                                              \
	K(restart_pause_max, "restart-pause-max", PAUSE, RELOAD, MAY, "2s", NULL,               \
	  "the longest pause")                                                                  \
	K(restart_healthy, "restart-healthy", DURATION, RELOAD, MAY, "10s", NULL,               \
	  "an instance that was ready for so long begins a new row: it is started at once")     \
	K(stuck_after, "stuck-after", PAUSE, RELOAD, MAY, NULL, "10s",                          \
	  "how long a handler of it may run before it is named as stuck; without it what "      \
	  "[watd] says")                                                                        \
	K(stuck, "stuck", STUCK, RELOAD, MAY, NULL, "kill",                                     \
	  "what else follows (report or kill); without it what [watd] says")                    \
	K(after, "after", NAMES, RESTART, MAY, NULL, "database cache",                          \
	  "instances that are ready before this one is started")                                \
	K(group, "group", NAME, RELOAD, MAY, NULL, "shop", "the [group] it is a member of")     \
	K(durability, "durability", DURABILITY, SPAWN, MAY, NULL, "sync",                       \
	  "what an acknowledged call survives: an orderly end (none), the death of any of "     \
	  "watd's processes (crash), loss of power (sync); without it what the service says, "  \
	  "else crash")

#define CONFIG_GRANT_KEYS(K)                                                                     \
	K(instance, "instance", NAME, RELOAD, MUST, NULL, "counter", "the [instance] it is for") \
	K(methods, "methods", METHODS, RELOAD, MAY, NULL, "Get Increment",                       \
	  "methods that it allows; without it all")                                              \
	K(expires, "expires", LIFE, RELOAD, MAY, NULL, "90d",                                    \
	  "life of a token, which is renewed when a quarter of that is left; without it "        \
	  "grant-life")                                                                          \
	K(out, "out", PATH, RELOAD, MUST, NULL, "/run/watd/reader.token",                        \
	  "the token's file, 0600; its directory has to exist")                                  \
	K(group, "group", GROUP, RELOAD, MAY, NULL, "www-data",                                  \
	  "group that may read the file, which is 0640 then")

#define CONFIG_GROUP_KEYS(K)                                                                 \
	K(strategy, "strategy", STRATEGY, RELOAD, MAY, "one_for_one", NULL,                  \
	  "whom the death of a member concerns: it alone (one_for_one); all, which end in "  \
	  "order, the last one first, and start again (one_for_all); it and those after it " \
	  "(rest_for_one). In the latter two a member that is given up stops the others")    \
	K(intensity, "intensity", STARTS, RELOAD, MAY, "5", NULL,                            \
	  "deaths of members within period that are followed by a start; with one more the " \
	  "group has failed: its members are stopped, the last one first")                   \
	K(period, "period", DURATION, RELOAD, MAY, "10s", NULL,                              \
	  "the time in which intensity counts")

/* When a change is applied. */
enum config_applied {
	CONFIG_RELOAD,  /* by SIGHUP or watctl reload */
	CONFIG_RESTART, /* when watd is started again */
	CONFIG_SPAWN,   /* when an instance is begun for the first time */
};
enum config_need { CONFIG_MAY, CONFIG_MUST };

enum config_type {
	CONFIG_WATD,
	CONFIG_PLUGIN,
	CONFIG_INSTANCE,
	CONFIG_GRANT,
	CONFIG_GROUP,
	CONFIG_TYPES_N
};

#define CONFIG_KEY_ENUM(prefix, id) prefix##_KEY_##id,
#define CONFIG_WATD_ENUM(id, ...) CONFIG_KEY_ENUM(WATD, id)
#define CONFIG_PLUGIN_ENUM(id, ...) CONFIG_KEY_ENUM(PLUGIN, id)
#define CONFIG_INSTANCE_ENUM(id, ...) CONFIG_KEY_ENUM(INSTANCE, id)
#define CONFIG_GRANT_ENUM(id, ...) CONFIG_KEY_ENUM(GRANT, id)
#define CONFIG_GROUP_ENUM(id, ...) CONFIG_KEY_ENUM(GROUP, id)
enum watd_key { CONFIG_WATD_KEYS(CONFIG_WATD_ENUM) WATD_KEYS_N };
enum plugin_key { CONFIG_PLUGIN_KEYS(CONFIG_PLUGIN_ENUM) PLUGIN_KEYS_N };
enum instance_key { CONFIG_INSTANCE_KEYS(CONFIG_INSTANCE_ENUM) INSTANCE_KEYS_N };
enum grant_key { CONFIG_GRANT_KEYS(CONFIG_GRANT_ENUM) GRANT_KEYS_N };
enum group_key { CONFIG_GROUP_KEYS(CONFIG_GROUP_ENUM) GROUP_KEYS_N };
#define CONFIG_KEYS_MAX WATD_KEYS_N /* of any section */

struct config_key {
	const char *name;
	enum value_kind kind;
	enum config_applied applied;
	enum config_need need;
	const char *fallback, *example; /* NULL: none */
	const char *help;
};

struct config_section_type {
	const char *word; /* "instance" */
	bool named;       /* [word NAME] */
	const char *help;
	const struct config_key *keys;
	size_t n_keys;
};

extern const struct config_section_type config_types[CONFIG_TYPES_N];
/* "reload", ... */
extern const char *const config_applied_names[];

#endif
