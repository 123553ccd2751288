/* plugin_symbols.c - functions of a file by their addresses. */
#include "proto/plugin_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX 262144u /* that are looked at, of one table */

struct plugin_symbols {
	Elf *elf;
	int fd;
};

int plugin_symbols_new(const char *path, struct plugin_symbols **ret)
{
	_cleanup_(plugin_symbols_freep) struct plugin_symbols *symbols = calloc(1, sizeof *symbols);

	if (!symbols)
		return -ENOMEM;
	symbols->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (symbols->fd < 0)
		return -errno;
	(void)elf_version(EV_CURRENT);
	symbols->elf = elf_begin(symbols->fd, ELF_C_READ, NULL);
	if (!symbols->elf || elf_kind(symbols->elf) != ELF_K_ELF)
		return -EBADMSG;
	*ret = TAKE(symbols);
	return 0;
}

struct plugin_symbols *plugin_symbols_free(struct plugin_symbols *symbols)
{
	if (!symbols)
		return NULL;
	(void)elf_end(symbols->elf);
	fd_close(symbols->fd);
	free(symbols);
	return NULL;
}

/* The next section of the type after `at` (NULL: the first one). */
static Elf_Scn *next_of(Elf *elf, Elf_Scn *at, uint32_t type, GElf_Shdr *ret_header)
{
	while ((at = elf_nextscn(elf, at)))
		if (gelf_getshdr(at, ret_header) && ret_header->sh_type == type)
			return at;
	return NULL;
}

static bool has_build_id(Elf_Data *notes, const uint8_t *build_id, size_t n)
{
	size_t at = 0, name, description;
	GElf_Nhdr note;

	while ((at = gelf_getnote(notes, at, &note, &name, &description)) > 0) {
		const char *bytes = notes->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof "GNU" ||
		    memcmp(bytes + name, "GNU", sizeof "GNU") != 0)
			continue;
		return note.n_descsz == n && memcmp(bytes + description, build_id, n) == 0;
	}
	return false;
}

bool plugin_symbols_is(const struct plugin_symbols *symbols, const uint8_t *build_id, size_t n)
{
	GElf_Shdr header;
	Elf_Scn *at = NULL;

	while (n > 0 && (at = next_of(symbols->elf, at, SHT_NOTE, &header))) {
		Elf_Data *notes = elf_getdata(at, NULL);

		if (notes && notes->d_buf && has_build_id(notes, build_id, n))
			return true;
	}
	return false;
}

static bool covers(const GElf_Sym *symbol, uint64_t address)
{
	return GELF_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       address >= symbol->st_value && address - symbol->st_value < symbol->st_size;
}

static bool find_in(Elf *elf, uint32_t type, uint64_t address, GElf_Sym *ret, const char **ret_name)
{
	GElf_Shdr header;
	Elf_Scn *section = next_of(elf, NULL, type, &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t n;

	if (!data || header.sh_entsize == 0)
		return false;
	n = data->d_size / header.sh_entsize;
	for (size_t i = 0; i < n && i < SYMBOLS_MAX; i++) {
		if (!gelf_getsym(data, (int)i, ret) || !covers(ret, address))
			continue;
		*ret_name = elf_strptr(elf, header.sh_link, ret->st_name);
		return *ret_name && **ret_name;
	}
	return false;
}

bool plugin_symbols_find(const struct plugin_symbols *symbols,
			 uint64_t address,
			 char *ret_name,
			 size_t size,
			 uint64_t *ret_offset)
{
	const char *name;
	GElf_Sym symbol;

	if (!find_in(symbols->elf, SHT_SYMTAB, address, &symbol, &name) &&
	    !find_in(symbols->elf, SHT_DYNSYM, address, &symbol, &name))
		return false;
	(void)snprintf(ret_name, size, "%s", name);
	*ret_offset = address - symbol.st_value;
	return true;
}
