/* modules.c - which files are mapped where. Control thread. */
#include "daemon/host/modules.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ALIGNED(n) (((n) + 3u) & ~(size_t)3u)

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* As the linker left them: names and descriptions begin at multiples of 4. */
static void take_build_id(struct attribution_module *module, const uint8_t *notes, size_t n)
{
	while (n >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;
		size_t name, description;

		memcpy(&note, notes, sizeof note);
		name = sizeof note;
		if (note.n_namesz > n || note.n_descsz > n)
			return;
		description = name + ALIGNED(note.n_namesz);
		if (description > n || note.n_descsz > n - description)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
		    memcmp(notes + name, "GNU", sizeof "GNU") == 0 &&
		    note.n_descsz <= sizeof module->build_id) {
			memcpy(module->build_id, notes + description, note.n_descsz);
			module->n_build_id = note.n_descsz;
			return;
		}
		description += ALIGNED(note.n_descsz);
		if (description > n)
			return;
		notes += description;
		n -= description;
	}
}

static void take_segment(struct attribution_module *module, const ElfW(Phdr) * segment)
{
	uint64_t begin = module->base + segment->p_vaddr, end = begin + segment->p_memsz;

	if (segment->p_type == PT_NOTE && module->n_build_id == 0)
		take_build_id(module, (const uint8_t *)(uintptr_t)begin, segment->p_memsz);
	if (segment->p_type != PT_LOAD)
		return;
	if (module->end == 0 || begin < module->begin)
		module->begin = begin;
	if (end > module->end)
		module->end = end;
}

static int take(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct attribution *page = arg;
	uint32_t n = atomic_load(&page->n_modules);
	struct attribution_module module = {.base = info->dlpi_addr};

	(void)size;
	if (n == ATTRIBUTION_MODULES)
		return 1;
	(void)snprintf(module.name, sizeof module.name, "%s",
		       *info->dlpi_name ? last_part(info->dlpi_name) : "watd-host");
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		take_segment(&module, &info->dlpi_phdr[i]);
	page->modules[n] = module;
	atomic_store(&page->n_modules, n + 1);
	return 0;
}

void modules_note(struct attribution *page)
{
	atomic_store(&page->n_modules, 0);
	(void)dl_iterate_phdr(take, page);
}
