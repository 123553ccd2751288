/* commands_node.c - commands for the node. Constant data. */
#include "client/watctl/commands.h"

/* clang-format off: a line of help is a line here. */
const struct command commands_node[] = {
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
};
/* clang-format on */
const size_t n_commands_node = sizeof commands_node / sizeof commands_node[0];
