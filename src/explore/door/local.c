/* SPDX-License-Identifier: MIT */
/*
 * local.c - variables that each thread has for itself (__thread). All threads of a check are one
 * thread of the process, for which the C library would keep one copy. The compiler asks for their
 * address by a call, which a check that is loaded is linked to have answered here: each thread,
 * and set-up and the end together, have a copy of their own, made from the module's initial image
 * when it is first asked for, and gone with the thread.
 *
 * A program has its thread-local variables at fixed places, without a call: there all threads of
 * a check share one copy.
 */
#define _GNU_SOURCE
#include <link.h>
#include <string.h>

#include "explore/door/door.h"

struct tls_index { unsigned long module, offset; };
extern void *__tls_get_addr(struct tls_index *where);

/* What a module's variables are made from. */
struct image { size_t module; const char *bytes; size_t size, filled, align; };

static int find_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct image *image = arg;

	(void)size;
	if (info->dlpi_tls_modid != image->module)
		return 0;
	for (unsigned n = 0; n < info->dlpi_phnum; n++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[n];

		if (p->p_type != PT_TLS)
			continue;
		image->bytes = (const char *)(uintptr_t)(info->dlpi_addr + p->p_vaddr); /* NOLINT */
		image->size = p->p_memsz;
		image->filled = p->p_filesz;
		image->align = p->p_align ? p->p_align : 1;
	}
	return 1;
}

static void make(struct local *ret, size_t module, const struct sync_site *site)
{
	struct image image = { .module = module };

	dl_iterate_phdr(find_image, &image);
	ret->variables = memory_for_variables(image.size, image.align, site);
	if (!ret->variables) {
		x.out_of_memory = true;
		engine_give_up();
	}
	ret->size = image.size;
	memcpy(ret->variables, image.bytes, image.filled);
}

static struct local *of_running(void) { return x.cur >= 0 ? &x.thread[x.cur].local : &x.local; }

void *__wrap___tls_get_addr(struct tls_index *where);
void *__wrap___tls_get_addr(struct tls_index *where)
{
	struct local *l = of_running();

	if (!x.outside && (x.cur < 0 || x.on_main)) /* nobody's, as when the check is drawn */
		return __tls_get_addr(where);
	if (!l->variables)
		make(l, where->module, sync_called_from_(__builtin_return_address(0)));
	return l->variables + where->offset;
}

void local_ends(void)
{
	const struct thread *t = &x.thread[x.cur];

	if (t->local.variables)
		sync_range_dead_(t->local.variables, t->local.size, sync_called_from_(t->returned));
}

void local_forget(void)
{
	if (x.local.variables >= x.arena + x.snapshot_used)
		x.local.variables = NULL; /* the end has asked for them */
}
