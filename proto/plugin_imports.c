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

/* Threads, processes, programs, and what looks into others. The last one is C++'s std::thread. */
static const char *const of_others[] = {
	"fork",
	"_Fork",
	"vfork",
	"__libc_fork",
	"__fork",
	"__vfork",
	"clone",
	"__clone",
	"clone3",
	"forkpty",
	"daemon",
	"pthread_create",
	"thrd_create",
	"posix_spawn",
	"posix_spawnp",
	"system",
	"__libc_system",
	"popen",
	"_IO_popen",
	"wordexp",
	"execl",
	"execle",
	"execlp",
	"execv",
	"execve",
	"execveat",
	"execvp",
	"execvpe",
	"fexecve",
	"dlmopen",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_open",
	"pidfd_getfd",
	"unshare",
	"setns",
	"_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
};
#define N_MAX 64u
#define N(names) (sizeof(names) / sizeof *(names))
_Static_assert(N(of_chance) <= N_MAX && N(of_others) <= N_MAX, "a flag for each name");

struct search {
	const char *const *names;
	size_t n;
	bool found[N_MAX];
};

static void note(struct search *search, const char *name)
{
	for (size_t i = 0; name && i < search->n; i++)
		if (strcmp(name, search->names[i]) == 0)
			search->found[i] = true;
}

static void look_through(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct search *search)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize > 0 ? data->d_size / header->sh_entsize : 0;

	for (size_t i = 0; i < n && i <= INT32_MAX; i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol) && symbol.st_shndx == SHN_UNDEF)
			note(search, elf_strptr(elf, header->sh_link, symbol.st_name));
	}
}

static int list(const struct search *search, char **ret_names)
{
	_cleanup_(freep) char *names = NULL;

	for (size_t i = 0; i < search->n; i++) {
		char *more;

		if (!search->found[i])
			continue;
		if (asprintf(&more, "%s%s%s", names ? names : "", names ? ", " : "",
			     search->names[i]) < 0)
			return -ENOMEM;
		free(names);
		names = more;
	}
	*ret_names = TAKE(names);
	return 0;
}

static int find(Elf *elf, const char *const *names, size_t n, char **ret_names)
{
	struct search search = {.names = names, .n = n};
	Elf_Scn *at = NULL;

	while ((at = elf_nextscn(elf, at))) {
		GElf_Shdr header;

		if (gelf_getshdr(at, &header) && header.sh_type == SHT_DYNSYM)
			look_through(elf, at, &header, &search);
	}
	return list(&search, ret_names);
}

int plugin_imports_of_chance(Elf *elf, char **ret_names)
{
	return find(elf, of_chance, N(of_chance), ret_names);
}

int plugin_imports_of_others(Elf *elf, char **ret_names)
{
	return find(elf, of_others, N(of_others), ret_names);
}
