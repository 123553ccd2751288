/* help.c - help for watctl as a whole and for each command. */
#include "client/watctl/help.h"

#include <ctype.h>

#include "client/watctl/commands.h"
#include "client/watctl/options.h"

static const char *const groups[] = {
	[GROUP_LOOK] = "See what there is",
	[GROUP_RUN] = "Instances and their Users",
	[GROUP_USE] = "Use a service",
	[GROUP_NODE] = "watd itself",
	[GROUP_TOOL] = "Tools",
};
#define N_GROUPS (sizeof groups / sizeof groups[0])

/* "  -s, --socket PATH   watd.sock; ..." */
static void print_option(FILE *out, const struct option_row *row)
{
	char name[64], letter[8] = "    ";

	if (row->letter)
		(void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
	(void)snprintf(name, sizeof name, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
		       row->value ? row->value : "");
	fprintf(out, "  %-33s %s\n", name, row->help);
}

static void print_options(FILE *out, uint64_t which, const char *title)
{
	if (which)
		fprintf(out, "\n%s\n", title);
	for (int i = 0; i < WATCTL_N_OPTIONS; i++)
		if (which & UINT64_C(1) << i)
			print_option(out, &option_rows[i]);
}

static void print_command(FILE *out, const struct command *command)
{
	char names[32];

	(void)snprintf(names, sizeof names, "%s%s%s", command->name, command->alias ? ", " : "",
		       command->alias ? command->alias : "");
	fprintf(out, "  %-12s %s\n", names, command->summary);
}

static void print_group(FILE *out, size_t group)
{
	const struct command *command;

	fprintf(out, "\n%s\n", groups[group]);
	for (size_t i = 0; (command = command_at(i)); i++)
		if ((size_t)command->group == group)
			print_command(out, command);
}

void help_overview(FILE *out)
{
	fputs("usage: watctl [OPTION]... COMMAND [ARGUMENT]...\n", out);
	for (size_t i = 0; i < N_GROUPS; i++)
		print_group(out, i);
	print_options(out, WATCTL_HAS_ALWAYS, "Options of every command");
	fputs("\n"
	      "watctl help COMMAND says more about one, watctl completion bash makes the shell\n"
	      "know them. Commands about the node use admin.sock beside watd.sock.\n\n"
	      "Exit: 0 done, 1 the call failed, 64 usage, 69 watd is not reachable, 75 try again\n"
	      "later, 77 access denied or a stale capability, 78 configuration.\n",
	      out);
}

void help_command(const struct command *command)
{
	printf("usage: watctl %s%s%s%s\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->options ? " [OPTION]..." : "");
	if (command->alias)
		printf("   or: watctl %s\n", command->alias);
	printf("\n%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
	if (*command->details)
		printf("\n%s\n", command->details);
	print_options(stdout, command->options, "Options");
	if (*command->examples)
		printf("\nExamples\n%s\n", command->examples);
	puts("\nwatctl help has the options of every command and the exit codes.");
}
