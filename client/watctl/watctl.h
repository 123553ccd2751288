/* watctl.h - what one run of watctl is made of. One thread; the process ends with the command.
 *
 * Functions that take a struct watctl return 0, or the exit status of the program after they have
 * said why. */
#ifndef WAT_WATCTL_WATCTL_H
#define WAT_WATCTL_WATCTL_H

#include <stdbool.h>
#include <stdint.h>

#include <wat/raw.h>
#include <wat/wat.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"

/* sysexits.h has the names; the README says when each is given. */
enum watctl_exit {
	WATCTL_OK = 0,
	WATCTL_FAILED = 1,       /* a call that failed in a way not listed below */
	WATCTL_USAGE = 64,       /* the command line */
	WATCTL_UNREACHABLE = 69, /* no watd answers */
	WATCTL_RETRY = 75,       /* UNAVAILABLE, OVERLOADED, DEADLINE_EXCEEDED */
	WATCTL_DENIED = 77,      /* ACCESS_DENIED, STALE */
	WATCTL_CONFIG = 78,      /* keyring, token files, socket paths */
};

/* What completion offers for a word. */
enum watctl_word {
	WORD_ANY, /* nothing is known of it */
	WORD_FILE,
	WORD_COMMAND,
	WORD_INSTANCE,
	WORD_SERVICE,
	WORD_USER,   /* of the instance named before */
	WORD_METHOD, /* the same */
	WORD_FIELD,  /* of the method's request: n= */
	WORD_TIER,
	WORD_STATE,
	WORD_DURABILITY,
	WORD_RESTART,
	WORD_LEVEL,
	WORD_SHELL,
	WORD_TOKEN,   /* what can be done with one */
	WORD_SIGNING, /* what can be done about signatures */
};

/* Name in the code, letter (0: none), name, value (NULL: it takes none), what the value is, help.
 * Letters may stand for different options of different commands. */
#define WATCTL_OPTIONS(O)                                                                          \
	O(SOCKET, 's', "socket", "PATH", FILE,                                                     \
	  "watd.sock; else $WAT_SOCKET, else the default place")                                   \
	O(HOST, 'H', "host", "ADDRESS", FILE,                                                      \
	  "a watd elsewhere: wat://KEY@HOST:PORT; or unix:PATH")                                   \
	O(JSON, 'j', "json", NULL, ANY, "print JSON: one document, or one a line with --follow")   \
	O(TIMEOUT, 0, "timeout", "TIME", ANY,                                                      \
	  "how long to wait: 500ms, 10s, 2m; 0: for good; else 30s")                               \
	O(HELP, 'h', "help", NULL, ANY, "help, with COMMAND for that")                             \
	O(VERSION, 'V', "version", NULL, ANY, "the version")                                       \
	O(TIER, 0, "tier", "thread|process", TIER, "where it runs; else process, or as it was")    \
	O(STATE, 0, "state", "JSON|@FILE|-", FILE, "the state it begins with")                     \
	O(DURABILITY, 0, "durability", "none|crash|sync", DURABILITY,                              \
	  "what an acknowledged call survives; else as the service says, or as it was")            \
	O(RESTART, 0, "restart", "never|on-failure|always", RESTART,                               \
	  "what follows a death; else on-failure, or as it was")                                   \
	O(OUT, 0, "out", "FILE", FILE, "write the token to FILE, mode 0600")                       \
	O(AS, 0, "as", "USER", USER, "act as this User of the keyring")                            \
	O(TOKEN, 0, "token", "FILE", FILE, "act with the token in FILE")                           \
	O(SESSION, 0, "session", NULL, ANY, "the User ends when its last channel goes")            \
	O(ONLY, 0, "only", NULL, ANY, "all other Admins of it end")                                \
	O(DRY_RUN, 0, "dry-run", NULL, ANY, "say what would change, and change nothing")           \
	O(METHODS, 0, "methods", "METHOD,...", METHOD, "the User may call these only; else all")   \
	O(EXPIRES, 0, "expires", "TIME", ANY, "the User ends after 1h, 30d, ...; else 90d")        \
	O(FORCE, 'f', "force", NULL, ANY, "stop it first, if it runs")                             \
	O(FOR, 0, "for", "ready|stopped|failed|quarantined", STATE,                                \
	  "the state to wait for; else ready")                                                     \
	O(FOLLOW, 'f', "follow", NULL, ANY, "go on with what happens from now on")                 \
	O(SINCE, 0, "since", "TIME", ANY, "2h, 2026-01-31, \"2026-01-31 12:00\", today, @SECONDS") \
	O(TO, 0, "to", "SEQ", ANY, "as of this record of the journal; else the last")              \
	O(LINES, 'n', "lines", "N|all", ANY, "at most so many, the newest")                        \
	O(FROM, 0, "from", "SEQ", ANY, "begin from this snapshot; see watctl snapshots NAME")      \
	O(HOLDER, 0, "holder", "KEY", ANY, "only the holder of this key can use the token")        \
	O(KEY, 0, "key", "FILE", FILE,                                                             \
	  "the key that the token is for, if it has no secret; of plugin: the key that signs")     \
	O(LIMIT_RATE, 0, "limit-rate", "N", ANY, "the User may make N calls a second")             \
	O(LIMIT_INFLIGHT, 0, "limit-inflight", "N", ANY, "the User may have N calls open at once") \
	O(GRACE, 0, "grace", "TIME", ANY,                                                          \
	  "how long tokens of the key before are good; 0: no more")                                \
	O(PID, 0, "pid", "PID", ANY, "the User ends with this process")                            \
	O(ATTACHED, 0, "attached", NULL, ANY,                                                      \
	  "it ends with watctl: wait until it is stopped, or for ^C")                              \
	O(PLUGIN, 0, "plugin", "FILE", FILE, "where the service's methods have their names")

enum watctl_option {
#define WATCTL_OPTION_ENUM(name, letter, text, value, word, help) WATCTL_##name,
	WATCTL_OPTIONS(WATCTL_OPTION_ENUM)
#undef WATCTL_OPTION_ENUM
		WATCTL_N_OPTIONS
};
#define WATCTL_HAS(option) (UINT64_C(1) << WATCTL_##option)
/* Those of every command. */
#define WATCTL_HAS_ALWAYS                                                                 \
	(WATCTL_HAS(SOCKET) | WATCTL_HAS(HOST) | WATCTL_HAS(JSON) | WATCTL_HAS(TIMEOUT) | \
	 WATCTL_HAS(HELP) | WATCTL_HAS(VERSION))

/* What a command acts with; it decides which socket is used and what advice fits a refusal. */
enum watctl_power { WATCTL_NODE, WATCTL_ADMIN, WATCTL_USER };

struct watctl;

enum watctl_group { GROUP_LOOK, GROUP_RUN, GROUP_USE, GROUP_NODE, GROUP_TOOL };

#define WATCTL_WORDS_MAX \
	3 /* arguments whose kind is known; the last one's is that of all further */

struct command {
	const char *name, *alias; /* alias: NULL or another name */
	enum watctl_group group;
	const char *arguments; /* as the usage shows them */
	const char *summary;   /* a line */
	const char *details;   /* paragraphs; "" */
	const char *examples;  /* lines; "" */
	int (*run)(struct watctl *);
	int n_min, n_max; /* of the arguments; n_max -1: any number */
	uint64_t options; /* WATCTL_HAS() of its own */
	enum watctl_power power;
	enum watctl_word words[WATCTL_WORDS_MAX];
};

#define WATCTL_NO_TIMEOUT UINT64_MAX

struct watctl {
	const struct command *command;
	const char
		*values[WATCTL_N_OPTIONS]; /* of the options; NULL: not given, or it takes none */
	uint64_t given;                    /* WATCTL_HAS() */
	const char *socket;                /* that -s or -H names; NULL: neither */
	bool json;
	uint64_t timeout_ms; /* WATCTL_NO_TIMEOUT: not given; 0: no limit */
	char *const *arguments;
	int n_arguments;

	wat *connection; /* opened when a command first needs it */
	wat_node *node;
};

static inline bool watctl_given(const struct watctl *ctl, enum watctl_option option)
{
	return ctl->given & UINT64_C(1) << option;
}

/* The n-th argument, or NULL. */
static inline const char *watctl_argument(const struct watctl *ctl, int n)
{
	return n < ctl->n_arguments ? ctl->arguments[n] : NULL;
}

void watctl_deinit(struct watctl *ctl);

DEFINE_CLEANUP(wat_capability *, wat_capability_free);

static inline void wat_memory_freep(void *p)
{
	wat_memory_free(*(void **)p);
}

#endif
