/* commands_tool.c - commands that need no watd. Constant data. */
#include "client/watctl/commands.h"

/* clang-format off: a line of help is a line here. */
const struct command commands_tool[] = {
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
const size_t n_commands_tool = sizeof commands_tool / sizeof commands_tool[0];
