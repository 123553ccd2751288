/* commands.c - the table of commands. Constant data. */
#include "client/watctl/commands.h"

#include <string.h>

#include "client/watctl/problem.h"
#include "client/watctl/suggest.h"

#define FIELDS                                                                                 \
	"FIELD=VALUE sets a field by its type: n=3, name=bob, on=true, color=RED. Inside a\n"  \
	"message it is a.b=1; a field given again, or tags[]=x, adds to a list, at[0].n=1\n"   \
	"reaches into one; labels.KEY=VALUE sets an entry of a map. name=@FILE is what FILE\n" \
	"holds, for strings and bytes. FIELD:=JSON gives the value as JSON."

/* clang-format off: a line of help is a line here. */
const struct command commands[] = {
	{
		.name = "status",
		.group = GROUP_LOOK,
		.arguments = "[NAME]",
		.summary = "watd itself, or one instance",
		.details = "With NAME it is the same as show.",
		.examples = "",
		.run = command_status,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "ls",
		.alias = "list",
		.group = GROUP_LOOK,
		.arguments = "",
		.summary = "the instances",
		.details = "A table in a terminal is cut to its width; what is piped is whole.",
		.examples =
			"  watctl -j ls | jq -r '.instances[] | select(.state == \"failed\").name'",
		.run = command_ls,
	},
	{
		.name = "show",
		.group = GROUP_LOOK,
		.arguments = "NAME",
		.summary = "everything about one instance",
		.details = "With its last failure and the chain of causes, nearest first, and the "
			   "last deaths\n"
			   "of its processes, at most 8.",
		.examples = "",
		.run = command_show,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "users",
		.group = GROUP_LOOK,
		.arguments = "NAME",
		.summary = "the Users of an instance",
		.details = "What they may call, until when, and when they were bound last. (soon): "
			   "within a week\n"
			   "it is over, though it was made for longer; watctl renew gives it more "
			   "time.",
		.examples = "",
		.run = command_users,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "who-can",
		.group = GROUP_LOOK,
		.arguments = "NAME METHOD",
		.summary = "the Users of an instance that may call a method",
		.details = "What was made from their tokens may do less, and watd does not know of "
			   "it.",
		.examples = "  watctl who-can c1 Reset",
		.run = command_who_can,
		.n_min = 2,
		.n_max = 2,
		.words = {WORD_INSTANCE, WORD_METHOD},
	},
	{
		.name = "events",
		.group = GROUP_LOOK,
		.arguments = "[NAME]",
		.summary = "what happened, and who did it",
		.details = "The newest 100; with --since all of that time, with --follow the "
			   "newest 10 and\n"
			   "then each as it happens, until ^C or for as long as --timeout says. -n "
			   "is how\n"
			   "many to begin with. Every grant, revocation, refusal, beginning, death "
			   "and end is\n"
			   "there, with the uid and pid that asked for it and the number of the "
			   "invocation,\n"
			   "which is in the log of watd too. watd keeps the newest 100,000 of "
			   "them, of\n"
			   "refusals the newest 20,000, and none for longer than 90 days.",
		.examples =
			"  watctl events c1 --since 2h\n"
			"  watctl events --follow -n 0\n"
			"  watctl -j events --follow | jq -r 'select(.kind == \"deny\").detail'",
		.run = command_events,
		.n_max = 1,
		.options = WATCTL_HAS(FOLLOW) | WATCTL_HAS(SINCE) | WATCTL_HAS(LINES),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "watch",
		.group = GROUP_LOOK,
		.arguments = "NAME",
		.summary = "what happens to an instance, to its end",
		.details =
			"The newest 10 events of its incarnation, and then each as it happens; "
			"-j prints one\n"
			"JSON document a line. It ends with 0 when the instance was stopped or "
			"removed, with 1\n"
			"when it has failed or is quarantined, and with 75 when --timeout is over "
			"before that.\n"
			"Needs the Admin of NAME in the keyring; events --follow needs none.",
		.examples = "  watctl watch c1 || watctl show c1",
		.run = command_watch,
		.n_min = 1,
		.n_max = 1,
		.power = WATCTL_ADMIN,
		.options = WATCTL_HAS(SINCE) | WATCTL_HAS(LINES),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "logs",
		.group = GROUP_LOOK,
		.arguments = "[NAME]",
		.summary = "what instances wrote: wat_log, standard output and error",
		.details =
			"Of the instance, or of all. With --follow the newest 10 lines and then "
			"each as it\n"
			"comes, until ^C or for as long as --timeout says. watd keeps the last "
			"64 KiB of\n"
			"each name while it runs, also when the process has died; all of it is in "
			"the log\n"
			"of watd. Instances of the thread tier share a process: what they write "
			"other than\n"
			"by wat_log is that process's, and shown without NAME.",
		.examples = "  watctl logs c1 -n 20\n"
			    "  watctl -j logs --follow | jq -r .text",
		.run = command_logs,
		.n_max = 1,
		.options = WATCTL_HAS(FOLLOW) | WATCTL_HAS(SINCE) | WATCTL_HAS(LINES),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "plugins",
		.group = GROUP_LOOK,
		.arguments = "",
		.summary = "the plugins that watd found, and their services",
		.details = "",
		.examples = "",
		.run = command_plugins,
	},
	{
		.name = "describe",
		.group = GROUP_LOOK,
		.arguments = "SERVICE|./FILE.so",
		.summary = "methods, types and state of a service",
		.details =
			"Of the service of that name or prefix, or of all services of a plugin's\n"
			"file. The plugin is not run for it; a file needs no watd either.",
		.examples = "  watctl describe counter\n"
			    "  watctl describe ./counter.so",
		.run = command_describe,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_SERVICE},
	},
	{
		.name = "spawn",
		.group = GROUP_RUN,
		.arguments = "SERVICE NAME [FIELD=VALUE]...",
		.summary = "begin an instance; its Admin goes into the keyring",
		.details =
			"The state that it begins with comes from --state or from fields.\n" FIELDS
			"\n\n"
			"An acknowledged call survives a stop and a restart of watd (none), the "
			"death of\n"
			"its processes too (crash), or the loss of power (sync).\n\n"
			"An instance that died is started again (on-failure: unless its process "
			"ended by\n"
			"itself with exit code 0), at most 5 times within 10 s, with growing "
			"pauses: then it\n"
			"has failed. The configuration says it for the instances that it has.\n\n"
			"With --attached it belongs to this watctl, which waits until somebody "
			"stops it:\n"
			"when watctl ends, by ^C or otherwise, the instance is stopped, and its "
			"state kept.",
		.examples = "  watctl spawn counter c1\n"
			    "  watctl spawn counter c1 --tier thread value=40\n"
			    "  watctl spawn counter scratch --attached",
		.run = command_spawn,
		.n_min = 2,
		.n_max = -1,
		.options = WATCTL_HAS(TIER) | WATCTL_HAS(STATE) | WATCTL_HAS(DURABILITY) |
			   WATCTL_HAS(RESTART) | WATCTL_HAS(ATTACHED),
		.words = {WORD_SERVICE, WORD_ANY},
	},
	{
		.name = "start",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "begin again from the last final state",
		.details =
			"Of a stopped instance: a new incarnation with a new Admin; its Users are\n"
			"made anew. A failed one goes on, from its last committed state. Where it "
			"runs and\n"
			"what its calls survive stay as they were, unless the options say "
			"otherwise.\n\n"
			"With --from it goes back to an earlier state, of a failed instance, too: "
			"always a\n"
			"new incarnation, so that no token and no call sent again is taken for one "
			"of that\n"
			"time. What a failed instance's journal has beyond it is kept in "
			"journal/aside.",
		.examples = "  watctl start c1\n"
			    "  watctl start c1 --from 12",
		.run = command_start,
		.n_min = 1,
		.n_max = 1,
		.options = WATCTL_HAS(TIER) | WATCTL_HAS(DURABILITY) | WATCTL_HAS(RESTART) |
			   WATCTL_HAS(FROM),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "snapshots",
		.group = GROUP_LOOK,
		.arguments = "NAME",
		.summary = "the states of an instance that are kept",
		.details =
			"Kinds: start (it began), checkpoint (made by watd while it ran), "
			"manual (asked\n"
			"for), suspend (watd ended), final (it was stopped). Each is read and "
			"its digest\n"
			"checked; * is the one that the instance goes on from. How many are kept "
			"is said\n"
			"in watd.conf: snapshots, checkpoints.",
		.examples = "",
		.run = command_snapshots,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "snapshot",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "store what an instance is now, to go back to; it serves on",
		.details = "",
		.examples = "  watctl snapshot c1\n"
			    "  watctl stop c1 && watctl start c1 --from 12",
		.run = command_snapshot,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "restart",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "end an instance in order and start it again",
		.details = "What was sent before is served first. Incarnation, Admins and Users "
			   "stay, no handler\n"
			   "of its life runs, and clients go on unaware. One that failed is "
			   "started. Returns\n"
			   "when it is ready.",
		.examples = "",
		.run = command_restart,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "reset-failed",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "forget the deaths of an instance; one that failed is started",
		.details =
			"What counts towards its policy's bound begins anew, and so do its "
			"pauses: one that\n"
			"is about to be started again is started at once. What show tells of the "
			"last deaths\n"
			"stays.",
		.examples = "",
		.run = command_reset_failed,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "release",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "let an isolated instance back into the pool",
		.details =
			"Whoever the pool died of, or died with twice, is kept out of it: it runs "
			"in a process\n"
			"of its own, which show says, until this. One that is up is ended in "
			"order and started\n"
			"again in the pool, as restart does it.",
		.examples = "",
		.run = command_release,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "wait",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "wait until an instance is ready, stopped, failed or quarantined",
		.details = "For good, unless --timeout says how long: then it ends with 75. Where "
			   "nothing but\n"
			   "an operator leads to the state it ends with 1 at once: waiting for "
			   "ready, when\n"
			   "the instance has failed, is quarantined or was stopped.",
		.examples = "  watctl wait c1 --timeout 10s && watctl call c1 Get",
		.run = command_wait,
		.n_min = 1,
		.n_max = 1,
		.options = WATCTL_HAS(FOR),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "admin",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "make one more Admin of an instance; it goes into the keyring",
		.details = "For an instance that the configuration began, or whose Admin was lost. "
			   "Who\n"
			   "manages the node may do that.",
		.examples = "  watctl admin c1 --only",
		.run = command_admin,
		.n_min = 1,
		.n_max = 1,
		.options = WATCTL_HAS(ONLY) | WATCTL_HAS(OUT),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "provision",
		.group = GROUP_RUN,
		.arguments = "NAME USER",
		.summary = "make a User; its token is printed",
		.details = "The token also goes into the keyring: who has that line is that User, "
			   "unless\n"
			   "--holder names a key: then it is of use only with that, and not kept. "
			   "Calls over a\n"
			   "limit are refused as OVERLOADED, and not run.\n"
			   "Needs the Admin of NAME in the keyring.",
		.examples = "  watctl provision c1 me\n"
			    "  watctl provision c1 bob --methods Get --expires 1d --out bob.token\n"
			    "  watctl provision c1 app --limit-rate 100 --limit-inflight 8",
		.run = command_provision,
		.n_min = 2,
		.n_max = 2,
		.options = WATCTL_HAS(OUT) | WATCTL_HAS(SESSION) | WATCTL_HAS(METHODS) |
			   WATCTL_HAS(EXPIRES) | WATCTL_HAS(HOLDER) | WATCTL_HAS(LIMIT_RATE) |
			   WATCTL_HAS(LIMIT_INFLIGHT) | WATCTL_HAS(PID),
		.power = WATCTL_ADMIN,
		.words = {WORD_INSTANCE, WORD_ANY},
	},
	{
		.name = "deprovision",
		.group = GROUP_RUN,
		.arguments = "NAME USER",
		.summary = "end a User: no call of it runs from then on",
		.details = "Needs the Admin of NAME in the keyring.",
		.examples = "",
		.run = command_deprovision,
		.n_min = 2,
		.n_max = 2,
		.power = WATCTL_ADMIN,
		.words = {WORD_INSTANCE, WORD_USER},
	},
	{
		.name = "renew",
		.group = GROUP_RUN,
		.arguments = "NAME USER",
		.summary = "give a User more time; prints its new token",
		.details =
			"It stays who it is: the same grant, methods, limits and key, and its "
			"channels go on\n"
			"for the time that the token before has. If the keyring has that one, the "
			"new one\n"
			"takes its place; else it is printed without a secret, for its holder.\n"
			"Needs the Admin of NAME in the keyring.",
		.examples = "  watctl renew c1 bob --expires 30d --out bob.token",
		.run = command_renew,
		.n_min = 2,
		.n_max = 2,
		.options = WATCTL_HAS(OUT) | WATCTL_HAS(EXPIRES),
		.power = WATCTL_ADMIN,
		.words = {WORD_INSTANCE, WORD_USER},
	},
	{
		.name = "revoke-all",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "end all Admins and Users of an instance; it runs on",
		.details =
			"Returns when no call of any of them can run. Who manages the node may do "
			"that, and\n"
			"make an Admin again.",
		.examples = "  watctl revoke-all c1 && watctl admin c1",
		.run = command_revoke_all,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "stop",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "end an incarnation; prints the final state",
		.details = "What was sent before is served first. Needs the Admin of NAME in the "
			   "keyring.",
		.examples = "  watctl stop c1 > c1.json\n"
			    "  watctl spawn counter c2 --state @c1.json",
		.run = command_stop,
		.n_min = 1,
		.n_max = 1,
		.power = WATCTL_ADMIN,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "kill",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "kill the process that an instance runs in, whatever it is doing",
		.details = "It is started again by its policy; one that is about to begin fails. "
			   "Others in\n"
			   "the same process (tier thread) are started again, too.",
		.examples = "",
		.run = command_kill,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_INSTANCE},
	},
	{
		.name = "replay",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "print the state as it was after a record of the journal",
		.details =
			"Of a service that is deterministic: its calls are run again, from the "
			"newest\n"
			"checkpoint on, in a process of their own that changes nothing and is "
			"ended after\n"
			"60 s of processor time. NAME goes on meanwhile, if it runs; of a stopped "
			"one there\n"
			"is its final state. Where a call differs it is said which: the record "
			"before that\n"
			"one is the last that can be had.",
		.examples = "  watctl replay c1 --to 4711 > c1.json\n"
			    "  watctl spawn counter c2 --state @c1.json",
		.run = command_replay,
		.n_min = 1,
		.n_max = 1,
		.options = WATCTL_HAS(TO),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "rm",
		.group = GROUP_RUN,
		.arguments = "NAME",
		.summary = "forget a stopped, failed or quarantined instance, its states and its "
			   "Users",
		.details = "The tokens of it in your keyring go, too. One that runs is refused, "
			   "unless\n"
			   "--force stops it first: its Stop handler runs, and its final state is "
			   "thrown\n"
			   "away.",
		.examples = "  watctl stop c1 && watctl rm c1",
		.run = command_rm,
		.n_min = 1,
		.n_max = 1,
		.options = WATCTL_HAS(FORCE),
		.words = {WORD_INSTANCE},
	},
	{
		.name = "call",
		.group = GROUP_USE,
		.arguments = "NAME METHOD [JSON|@FILE|-|FIELD=VALUE...]",
		.summary = "call a method as a User; prints the reply",
		.details = "The request is JSON, or fields.\n" FIELDS "\n\n"
			   "It acts as --token FILE, --as USER of the keyring, $WAT_TOKEN_FILE, or "
			   "the only\n"
			   "User in the keyring ($WAT_KEYRING, else $XDG_DATA_HOME/watctl, else\n"
			   "~/.local/share/watctl).",
		.examples = "  watctl call c1 Increment n=3\n"
			    "  watctl call c1 Increment '{\"n\": 3}' --as bob\n"
			    "  watctl call s1 Put key=k value=@photo.jpg 'tags:=[\"a\", \"b\"]'",
		.run = command_call,
		.n_min = 2,
		.n_max = -1,
		.options = WATCTL_HAS(AS) | WATCTL_HAS(TOKEN) | WATCTL_HAS(KEY),
		.power = WATCTL_USER,
		.words = {WORD_INSTANCE, WORD_METHOD, WORD_FIELD},
	},
	{
		.name = "reload",
		.group = GROUP_NODE,
		.arguments = "",
		.summary = "let watd read its configuration again and apply it",
		.details = "Says what changed, what needs a restart, and what is wrong: then "
			   "nothing is\n"
			   "changed, and it ends with 78.",
		.examples = "  watctl reload --dry-run",
		.run = command_reload,
		.options = WATCTL_HAS(DRY_RUN),
	},
	{
		.name = "log-level",
		.group = GROUP_NODE,
		.arguments = "[LEVEL]",
		.summary = "how much watd logs: error, warning, info or debug",
		.details = "Prints it without LEVEL. What is set lasts until watd starts again, or "
			   "a reload\n"
			   "finds another in the configuration.",
		.examples = "",
		.run = command_log_level,
		.n_max = 1,
		.words = {WORD_LEVEL},
	},
	{
		.name = "keys",
		.group = GROUP_NODE,
		.arguments = "",
		.summary = "the keys that tokens are signed with",
		.details = "The one that signs, and those before it whose tokens are still good.",
		.examples = "",
		.run = command_keys,
	},
	{
		.name = "rotate-key",
		.group = GROUP_NODE,
		.arguments = "",
		.summary = "sign tokens with a new key from now on",
		.details =
			"Tokens of the one before are good for --grace, else as long as key-grace "
			"of the\n"
			"configuration says; watctl renew makes one of the new key. With --grace 0 "
			"they are\n"
			"good for nothing when this returns. A key that is a credential of the "
			"service is\n"
			"replaced there: watd keygen FILE.",
		.examples = "  watctl rotate-key --grace 7d",
		.run = command_rotate_key,
		.options = WATCTL_HAS(GRACE),
	},
	{
		.name = "revoke-key",
		.group = GROUP_NODE,
		.arguments = "KEY",
		.summary = "end the tokens of a key that signs no more",
		.details = "Returns when no call under one of them can run.",
		.examples = "  watctl revoke-key 9d24e2eeaf27c2a0",
		.run = command_revoke_key,
		.n_min = 1,
		.n_max = 1,
	},
	{
		.name = "backup",
		.group = GROUP_NODE,
		.arguments = "FILE",
		.summary = "copy everything that watd keeps into FILE",
		.details = "First everything that runs is checkpointed; nothing stops for it. FILE "
			   "has mode\n"
			   "0600 and is there whole or not at all. Instances that could not be "
			   "asked are\n"
			   "named. The keys in the state directory are not in it. watd --restore "
			   "FILE goes\n"
			   "back to it.",
		.examples = "  watctl backup watd-$(date +%F).backup",
		.run = command_backup,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_FILE},
	},
	{
		.name = "export",
		.group = GROUP_NODE,
		.arguments = "NAME FILE",
		.summary = "write the state of an instance to FILE, to begin one from it elsewhere",
		.details = "As it is now, or as it was in the snapshot of --from. Capabilities are "
			   "not in it.\n"
			   "It serves on: to move it, stop it first.",
		.examples = "  watctl stop c1 && watctl export c1 c1.wat",
		.run = command_export,
		.n_min = 2,
		.n_max = 2,
		.options = WATCTL_HAS(FROM),
		.words = {WORD_INSTANCE, WORD_FILE},
	},
	{
		.name = "import",
		.group = GROUP_NODE,
		.arguments = "FILE [NAME]",
		.summary =
			"begin an instance from what export wrote; its Admin goes into the keyring",
		.details = "Under the name that it had, or NAME. Where it runs and what its calls "
			   "survive\n"
			   "is as it was, unless the options say otherwise.",
		.examples = "  watctl import c1.wat",
		.run = command_import,
		.n_min = 1,
		.n_max = 2,
		.options = WATCTL_HAS(TIER) | WATCTL_HAS(DURABILITY),
		.words = {WORD_FILE, WORD_ANY},
	},
	{
		.name = "new",
		.group = GROUP_TOOL,
		.arguments = "NAME [DIR]",
		.summary = "write the skeleton of a plugin",
		.details = "Into DIR, else ./NAME: the service's .proto, its handlers in C, a\n"
			   "CMakeLists.txt and a test. Nothing that is there is overwritten.",
		.examples = "  watctl new greeter && cd greeter &&\n"
			    "    cmake -B build && cmake --build build && ctest --test-dir build",
		.run = command_new,
		.n_min = 1,
		.n_max = 2,
		.words = {WORD_ANY, WORD_FILE},
	},
	{
		.name = "token",
		.group = GROUP_TOOL,
		.arguments = "inspect|attenuate|newkey FILE",
		.summary = "look into a token, make a narrower one, make a key; without watd",
		.details =
			"inspect says what the token in FILE is good for; attenuate makes one that "
			"can do\n"
			"less, for somebody else, and prints it: methods (numbers, or names with\n"
			"--plugin), an earlier end, another holder. Neither can do more than the "
			"first, and\n"
			"both end with their grant. newkey writes the secret half of a key to FILE "
			"and prints\n"
			"the public one: for --holder of provision and attenuate. A token that was "
			"made for a\n"
			"key is used with --key.",
		.examples =
			"  watctl token attenuate me.token --methods 0 --expires 1h --out "
			"less.token\n"
			"  watctl provision c1 bob --holder $(watctl token newkey bob.key) --out "
			"bob.token\n"
			"  watctl call c1 Get --token bob.token --key bob.key",
		.run = command_token,
		.n_min = 2,
		.n_max = 2,
		.options = WATCTL_HAS(OUT) | WATCTL_HAS(METHODS) | WATCTL_HAS(EXPIRES) |
			   WATCTL_HAS(HOLDER) | WATCTL_HAS(KEY) | WATCTL_HAS(PLUGIN),
		.words = {WORD_TOKEN, WORD_FILE},
	},
	{
		.name = "plugin",
		.group = GROUP_TOOL,
		.arguments = "keygen|sign|verify FILE",
		.summary = "sign a plugin, check a signature, make a key for that; without watd",
		.details =
			"In minisign's format, so that minisign does the same. keygen writes a new "
			"secret\n"
			"key to FILE and its public key to FILE.pub, which belongs into watd's "
			"plugin-keys.\n"
			"sign writes FILE.minisig, by the secret key of --key; verify checks it by "
			"the public\n"
			"key of --key.",
		.examples = "  watctl plugin keygen ~/release.key\n"
			    "  watctl plugin sign counter.so --key ~/release.key\n"
			    "  watctl plugin verify counter.so --key ~/release.key.pub",
		.run = command_plugin,
		.n_min = 2,
		.n_max = 2,
		.options = WATCTL_HAS(KEY),
		.words = {WORD_SIGNING, WORD_FILE},
	},
	{
		.name = "completion",
		.group = GROUP_TOOL,
		.arguments = "bash",
		.summary = "print the shell's completion of commands, names and methods",
		.details = "For this shell, or for all to come: in ~/.bashrc.",
		.examples = "  source <(watctl completion bash)",
		.run = command_completion,
		.n_min = 1,
		.n_max = 1,
		.words = {WORD_SHELL},
	},
	{
		.name = "help",
		.group = GROUP_TOOL,
		.arguments = "[COMMAND]",
		.summary = "this, or more about a command",
		.details = "",
		.examples = "",
		.run = command_help,
		.n_max = 1,
		.words = {WORD_COMMAND},
	},
};
/* clang-format on */
const size_t n_commands = sizeof commands / sizeof commands[0];

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i].name, name) == 0 ||
		    (commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

int commands_refuse(const struct watctl *ctl, const char *name)
{
	const char *guess = suggest(name, &commands[0].name, n_commands, sizeof commands[0]);

	return guess ? problem_usage(ctl, "there is no command \"%s\"; did you mean %s?", name,
				     guess)
		     : problem_usage(ctl, "there is no command \"%s\"", name);
}
