/* plugin_imports.c - what a plugin takes from other libraries. */
#include "proto/plugin_imports.h"

#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/cleanup.h"

/* Whatever is another one each time that it is asked. */
static const char *const of_chance[] = {
	"time",         "clock",      "clock_gettime",  "gettimeofday",
	"timespec_get", "ftime",      "rand",           "random",
	"drand48",      "lrand48",    "mrand48",        "getrandom",
	"getentropy",   "arc4random", "arc4random_buf", "arc4random_uniform",
};
#define N (sizeof of_chance / sizeof *of_chance)

static void note(const char *name, bool found[static N])
{
	for (size_t i = 0; name && i < N; i++)
		if (strcmp(name, of_chance[i]) == 0)
			found[i] = true;
}

static void look_through(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, bool found[static N])
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize > 0 ? data->d_size / header->sh_entsize : 0;

	for (size_t i = 0; i < n && i <= INT32_MAX; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol) && symbol.st_shndx == SHN_UNDEF)
			note(elf_strptr(elf, header->sh_link, symbol.st_name), found);
	}
}

int plugin_imports_of_chance(Elf *elf, char **ret_names)
{
	_cleanup_(freep) char *names = NULL;
	bool found[N] = {false};
	Elf_Scn *at = NULL;

	while ((at = elf_nextscn(elf, at))) {
		GElf_Shdr header;

		if (gelf_getshdr(at, &header) && header.sh_type == SHT_DYNSYM)
			look_through(elf, at, &header, found);
	}
	for (size_t i = 0; i < N; i++) {
		char *more;

		if (!found[i])
			continue;
		if (asprintf(&more, "%s%s%s", names ? names : "", names ? ", " : "", of_chance[i]) <
		    0)
			return -ENOMEM;
		free(names);
		names = more;
	}
	*ret_names = TAKE(names);
	return 0;
}
