/* SPDX-License-Identifier: MIT */
/*
 * unseen.c - see unseen.h. The object that is not linked yet says by its relocations in which
 * function such a call is, and how far behind its beginning; the linked one's debug information
 * says in which line that is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "checks/run/hints.h"
#include "checks/run/image.h"
#include "checks/run/places.h"
#include "checks/run/unseen.h"

/* As in hints.c; what has no hint has nothing in its place. */
static const struct { const char *name, *hint; } unseen[] = {
	{ "pthread_mutex_lock", "use mutex_lock()" },
	{ "pthread_mutex_trylock", "use mutex_trylock()" },
	{ "pthread_mutex_*", "use a struct mutex" },
	{ "pthread_spin_*", "use a spinlock_t" },
	{ "pthread_rwlock_*", "use a struct rw_semaphore" },
	{ "pthread_cond_*", "use wait_event() and wake_up()" },
	{ "pthread_create", "a check has its threads from .threads and .thread" },
	{ "pthread_join", "a check has its threads from .threads and .thread" },
	{ "pthread_*", NULL },
	{ "sem_*", "use a completion" },
	{ "mtx_*", "use a struct mutex" },
	{ "cnd_*", "use wait_event() and wake_up()" },
	{ "thrd_*", "a check has its threads from .threads and .thread" },
	{ "sleep", "time does not pass here: leave it out" },
	{ "usleep", "time does not pass here: leave it out" },
	{ "nanosleep", "time does not pass here: leave it out" },
	{ "fork", NULL },
	{ "vfork", NULL },
	{ "clone", NULL },
	{ "longjmp", NULL },
	{ "siglongjmp", NULL },
	{ "setitimer", NULL },
	{ "sigaction", NULL },
	{ "signal", NULL },
	{ "alarm", NULL },
};

struct call { const char *name, *hint; uintptr_t at; int line; };

static size_t row_of(const char *name)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(unseen) && !hint_is_for(unseen[n].name, name))
		n++;
	return n;
}

/* Where in the linked object the function begins; 0: it is not known. */
static uintptr_t function_in(const struct image *linked, const char *name)
{
	const Elf64_Shdr *section;

	for (unsigned s = 0; (section = image_section(linked, s)) != NULL; s++) {
		const Elf64_Sym *sym = image_at(linked, section->sh_offset);

		for (size_t i = 0; section->sh_type == SHT_SYMTAB &&
				   i < section->sh_size / sizeof(*sym); i++)
			if (ELF64_ST_TYPE(sym[i].st_info) == STT_FUNC &&
			    !strcmp(image_string(linked, section->sh_link, sym[i].st_name), name))
				return sym[i].st_value;
	}
	return 0;
}

/* The first in the source. Of calls without a line, the last that is met. */
static void keep_first(struct call *first, const struct call *call)
{
	if (!first->name || (call->line && (!first->line || call->line < first->line)))
		*first = *call;
}

/* Of one section's code, which is a function's own. */
static void find_in(const struct image *unlinked, const Elf64_Shdr *relocations,
		    const struct image *linked, const struct places *places, struct call *first)
{
	const Elf64_Rela *rela = image_at(unlinked, relocations->sh_offset);
	const Elf64_Shdr *symbols = image_section(unlinked, relocations->sh_link);
	const Elf64_Sym *sym = image_at(unlinked, symbols->sh_offset);
	const char *section = image_string(unlinked, image_head(unlinked)->e_shstrndx,
					   image_section(unlinked, relocations->sh_info)->sh_name);
	uintptr_t function = strncmp(section, ".text.", 6) ? 0 : function_in(linked, section + 6);

	for (size_t k = 0; k < relocations->sh_size / sizeof(*rela); k++) {
		const Elf64_Sym *to = &sym[ELF64_R_SYM(rela[k].r_info)];
		const char *name = image_string(unlinked, symbols->sh_link, to->st_name);
		size_t row = to->st_shndx == SHN_UNDEF ? row_of(name) : ARRAY_SIZE(unseen);
		struct call call = { name, NULL, function + rela[k].r_offset, 0 };
		struct place place;

		if (row == ARRAY_SIZE(unseen))
			continue;
		call.hint = unseen[row].hint;
		if (function && places &&
		    places_find(places, (const void *)call.at, &place)) /* NOLINT: an address */
			call.line = place.line;
		keep_first(first, &call);
	}
}

static bool say(const struct call *call, char *ret, size_t size, int *ret_line)
{
	if (!call->name)
		return false;
	*ret_line = call->line;
	snprintf(ret, size, "calls %s(), which the explorer does not see%s%s", call->name,
		 call->hint ? ": " : "", call->hint ? call->hint : "");
	return true;
}

int unseen_find(const char *unlinked, const char *linked, char *ret, size_t size, int *ret_line)
{
	struct call first = { 0 };
	const Elf64_Shdr *section;
	struct places *places;
	struct image from, to;
	bool found;

	if (!image_open(&from, unlinked))
		return -errno;
	if (!image_open(&to, linked)) {
		image_close(&from);
		return -errno;
	}
	places = places_open(linked, 0);
	for (unsigned s = 0; (section = image_section(&from, s)) != NULL; s++)
		if (section->sh_type == SHT_RELA)
			find_in(&from, section, &to, places, &first);
	found = say(&first, ret, size, ret_line);
	if (places)
		places_close(places);
	image_close(&to);
	image_close(&from);
	return found;
}
