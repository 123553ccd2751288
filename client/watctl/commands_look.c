/* commands_look.c - commands that look. Constant data. */
#include "client/watctl/commands.h"

/* clang-format off: a line of help is a line here. */
const struct command commands_look[] = {
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
};
/* clang-format on */
const size_t n_commands_look = sizeof commands_look / sizeof commands_look[0];
