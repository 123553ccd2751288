/* commands_use.c - commands that call. Constant data. */
#include "client/watctl/commands.h"

#define FIELDS                                                                                 \
	"FIELD=VALUE sets a field by its type: n=3, name=bob, on=true, color=RED. Inside a\n"  \
	"message it is a.b=1; a field given again, or tags[]=x, adds to a list, at[0].n=1\n"   \
	"reaches into one; labels.KEY=VALUE sets an entry of a map. name=@FILE is what FILE\n" \
	"holds, for strings and bytes. FIELD:=JSON gives the value as JSON."

/* clang-format off: a line of help is a line here. */
const struct command commands_use[] = {
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
};
/* clang-format on */
const size_t n_commands_use = sizeof commands_use / sizeof commands_use[0];
