/* commands_run.c - commands about instances and Users. Constant data. */
#include "client/watctl/commands.h"

#define FIELDS                                                                                 \
	"FIELD=VALUE sets a field by its type: n=3, name=bob, on=true, color=RED. Inside a\n"  \
	"message it is a.b=1; a field given again, or tags[]=x, adds to a list, at[0].n=1\n"   \
	"reaches into one; labels.KEY=VALUE sets an entry of a map. name=@FILE is what FILE\n" \
	"holds, for strings and bytes. FIELD:=JSON gives the value as JSON."

/* clang-format off: a line of help is a line here. */
const struct command commands_run[] = {
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
};
/* clang-format on */
const size_t n_commands_run = sizeof commands_run / sizeof commands_run[0];
