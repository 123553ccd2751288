/* commands.c - the table of commands, and the usage made from it. Constant data. */
#include "client/watctl/commands.h"

#include <string.h>

const struct command commands[] = {
	{"status", "[NAME]", "watd itself, or one instance", command_status, 0, 1, 0, WATCTL_NODE},
	{"plugins", "", "the plugins that watd found, and their services", command_plugins, 0, 0, 0,
	 WATCTL_NODE},
	{"describe", "SERVICE|./FILE.so",
	 "methods, types and state of a service, or of all services of a plugin's file",
	 command_describe, 1, 1, 0, WATCTL_NODE},
	{"ls", "", "the instances", command_ls, 0, 0, 0, WATCTL_NODE},
	{"show", "NAME", "everything about one instance", command_show, 1, 1, 0, WATCTL_NODE},
	{"users", "NAME", "the Users of an instance", command_users, 1, 1, 0, WATCTL_NODE},
	{"spawn", "SERVICE NAME [--tier thread|process] [--state JSON|@FILE|-]",
	 "begin an instance; its Admin goes into the keyring", command_spawn, 2, 2,
	 WATCTL_TIER | WATCTL_STATE, WATCTL_NODE},
	{"start", "NAME [--tier thread|process]", "a new incarnation from the last final state",
	 command_start, 1, 1, WATCTL_TIER, WATCTL_NODE},
	{"provision", "NAME USER [--out FILE] [--session]",
	 "make a User; its token is printed and goes into the keyring. With --session it ends when "
	 "its last\n        channel goes",
	 command_provision, 2, 2, WATCTL_OUT | WATCTL_SESSION, WATCTL_ADMIN},
	{"deprovision", "NAME USER", "end a User", command_deprovision, 2, 2, 0, WATCTL_ADMIN},
	{"call", "NAME METHOD [JSON|@FILE|-] [--as USER] [--token FILE]",
	 "call a method as a User; prints the reply", command_call, 2, 3, WATCTL_AS | WATCTL_TOKEN,
	 WATCTL_USER},
	{"stop", "NAME", "end an incarnation; prints the final state", command_stop, 1, 1, 0,
	 WATCTL_ADMIN},
	{"kill", "NAME", "kill the process that an instance runs in, whatever it is doing",
	 command_kill, 1, 1, 0, WATCTL_NODE},
	{"admin", "NAME [--only] [--out FILE]",
	 "make one more Admin of an instance; it goes into the keyring. With --only all others end",
	 command_admin, 1, 1, WATCTL_ONLY | WATCTL_OUT, WATCTL_NODE},
	{"reload", "[--dry-run]",
	 "read the configuration again and apply it; says what changed, what needs a restart, what "
	 "is wrong",
	 command_reload, 0, 0, WATCTL_DRY_RUN, WATCTL_NODE},
};
const size_t n_commands = sizeof commands / sizeof commands[0];

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

void commands_print_usage(FILE *out)
{
	fputs("usage: watctl [-s SOCKET] [-j] COMMAND [ARGUMENT]...\n\n", out);
	for (size_t i = 0; i < n_commands; i++)
		fprintf(out, "  %s%s%s\n        %s\n", commands[i].name,
			*commands[i].arguments ? " " : "", commands[i].arguments,
			commands[i].summary);
	fputs("\n"
	      "  -s, --socket SOCKET   watd.sock; else $WAT_SOCKET, else the default place.\n"
	      "  -H, --host ADDRESS    a watd elsewhere: wat://KEY@HOST:PORT, as watd "
	      "--print-address\n"
	      "                        prints it there; wat://HOST:PORT if the key is in "
	      "known_daemons\n"
	      "                        Commands about the node use admin.sock beside it\n"
	      "  -j, --json            print one JSON document\n"
	      "      --version, --help\n\n"
	      "call acts as --token FILE, --as USER of the keyring, $WAT_TOKEN_FILE, or the only\n"
	      "User in the keyring. Keyring: $WAT_KEYRING, else $XDG_DATA_HOME/watctl, else\n"
	      "~/.local/share/watctl.\n\n"
	      "Exit: 0 done, 1 the call failed, 64 usage, 69 watd is not reachable, 75 try again\n"
	      "later, 77 access denied or a stale capability, 78 configuration.\n",
	      out);
}
