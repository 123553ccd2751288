/* command_completion.c - completion bash: a small script; what a word may be watctl says itself
 * when it is asked (complete.c). */
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/problem.h"

/* bash splits words at = and : too. They are put together again, and what is printed loses the part
 * in front of the piece at hand. Lines that begin with a colon are not words: ":files" asks for the
 * names of files, ":nospace" for no blank behind. */
static const char script[] = "# bash completion of watctl: source <(watctl completion bash)\n"
			     "_watctl() {\n"
			     "\tlocal -a words=()\n"
			     "\tlocal piece word='' before='' line i\n"
			     "\tlocal joined=0 files=0\n"
			     "\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
			     "\t\tpiece=${COMP_WORDS[i]-}\n"
			     "\t\tif ((${#words[@]})) && { ((joined)) && [[ -n $piece ]] || [[ "
			     "$piece == [=:]* ]]; }; then\n"
			     "\t\t\tbefore=${words[-1]}\n"
			     "\t\t\twords[-1]+=$piece\n"
			     "\t\telse\n"
			     "\t\t\tbefore=''\n"
			     "\t\t\twords+=(\"$piece\")\n"
			     "\t\tfi\n"
			     "\t\tjoined=0\n"
			     "\t\t[[ $piece != *[=:] ]] || joined=1\n"
			     "\tdone\n"
			     "\tpiece=${COMP_WORDS[COMP_CWORD]-}\n"
			     "\t[[ $piece != [=:]* ]] || before=${words[-1]}\n"
			     "\tCOMPREPLY=()\n"
			     "\twhile IFS= read -r line; do\n"
			     "\t\tcase $line in\n"
			     "\t\t:files) files=1 ;;\n"
			     "\t\t:nospace) compopt -o nospace 2>/dev/null || : ;;\n"
			     "\t\t*) COMPREPLY+=(\"${line#\"$before\"}\") ;;\n"
			     "\t\tesac\n"
			     "\tdone < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" " COMMAND_COMPLETE
			     " \"${words[@]}\" 2>/dev/null)\n"
			     "\tif ((files)); then\n"
			     "\t\tword=${words[-1]#\"$before\"}\n"
			     "\t\tcompopt -o filenames 2>/dev/null || :\n"
			     "\t\twhile IFS= read -r line; do\n"
			     "\t\t\tCOMPREPLY+=(\"$line\")\n"
			     "\t\tdone < <(compgen -f -- \"$word\")\n"
			     "\tfi\n"
			     "}\n"
			     "complete -F _watctl watctl\n";

int command_completion(struct watctl *ctl)
{
	const char *shell = watctl_argument(ctl, 0);

	if (strcmp(shell, "bash") != 0)
		return problem_usage(ctl, "there is completion for bash, not for \"%s\"", shell);
	(void)fputs(script, stdout);
	return 0;
}
