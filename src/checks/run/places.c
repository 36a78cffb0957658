/* SPDX-License-Identifier: MIT */
/*
 * places.c - the line table and the functions of an object, read from DWARF by libdw into two
 * sorted arrays. The strings in them belong to libdw, which stays open for that reason.
 *
 * dwarf_addrdie() and similar functions are not used: they need .debug_aranges, which clang
 * leaves out, and more stack than a fiber has. libdwfl would save nothing, since the arrays
 * have to be read in any case.
 *
 * Invariant: once opened, nothing here changes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks/run/places.h"

enum { TEXTS_MAX = 8 };
#define NOWHERE SIZE_MAX

struct range { uintptr_t start, end; };

struct function {
	struct range at;
	const char *name;
	unsigned depth;      /* of its entry: what is inlined lies deeper */
	size_t outer;        /* index of the one around it, or NOWHERE */
	const char *call_file; /* where it is called, if it is inlined; else NULL */
	int call_line;
};

struct places {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	uintptr_t base;
	struct range text[TEXTS_MAX]; /* what can be executed, as in the file */
	size_t texts;
	struct places_row *row;       /* by start */
	size_t rows, row_capacity;
	struct function *function;    /* by start, and of equal starts the outer one first */
	size_t functions, function_capacity;
	bool out_of_memory;
};

/* @array of @count elements of @size bytes, with room for one more; NULL: there is none. */
static void *grown(struct places *p, void *array, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity ? 2 * *capacity : 256;

	if (count < *capacity)
		return array;
	array = realloc(array, more * size);
	if (array)
		*capacity = more;
	else
		p->out_of_memory = true;
	return array;
}

/* What the linker threw away still has its lines, at address 0 or so. */
static bool is_text(const struct places *p, uintptr_t start, uintptr_t end)
{
	for (size_t i = 0; i < p->texts; i++)
		if (start >= p->text[i].start && end <= p->text[i].end)
			return true;
	return false;
}

static void read_texts(struct places *p)
{
	size_t headers = 0;

	elf_getphdrnum(p->elf, &headers);
	for (size_t i = 0; i < headers && p->texts < TEXTS_MAX; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(p->elf, (int)i, &h) && h.p_type == PT_LOAD && h.p_flags & PF_X)
			p->text[p->texts++] = (struct range){ h.p_vaddr, h.p_vaddr + h.p_memsz };
	}
}

/* --- lines --------------------------------------------------------------- */

/* libdw has put the directory of the compilation before relative names. */
static const char *without(const char *dir, const char *file)
{
	size_t n = dir ? strlen(dir) : 0;

	if (n && !strncmp(file, dir, n) && file[n] == '/')
		file += n + 1;
	while (!strncmp(file, "./", 2))
		file += 2;
	return file;
}

static const char *directory_of(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

static void read_lines(struct places *p, Dwarf_Die *unit)
{
	const char *dir = directory_of(unit);
	Dwarf_Lines *lines;
	size_t count;

	if (dwarf_getsrclines(unit, &lines, &count))
		return;
	for (size_t i = 0; i + 1 < count; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		const char *file = dwarf_linesrc(line, NULL, NULL);
		struct places_row *row;
		Dwarf_Addr start, end;
		bool last;
		int number;

		if (!file || dwarf_lineendsequence(line, &last) || last ||
		    dwarf_lineno(line, &number) || number < 1 || dwarf_lineaddr(line, &start) ||
		    dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &end) || end <= start ||
		    !is_text(p, start, end))
			continue;
		row = grown(p, p->row, p->rows, &p->row_capacity, sizeof(*row));
		if (!row)
			return;
		p->row = row;
		row[p->rows++] = (struct places_row){ p->base + start, p->base + end,
						      without(dir, file), number };
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct places_row *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* --- functions ----------------------------------------------------------- */

/* A unit's files, by their numbers, and the directory of its compilation. */
struct unit { Dwarf_Files *files; size_t count; const char *dir; };

/* Where the inlined function is called; nothing if that is not known. */
static void read_call(const struct unit *unit, Dwarf_Die *die, struct function *f)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	const char *name;

	if (dwarf_tag(die) != DW_TAG_inlined_subroutine ||
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file) ||
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line) ||
	    file >= unit->count)
		return;
	name = dwarf_filesrc(unit->files, file, NULL, NULL);
	if (!name)
		return;
	f->call_file = without(unit->dir, name);
	f->call_line = (int)line;
}

static void read_function(struct places *p, const struct unit *unit, Dwarf_Die *die,
			  unsigned depth)
{
	const char *name = dwarf_diename(die);
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		struct function *f;

		if (end <= start || !is_text(p, start, end))
			continue;
		f = grown(p, p->function, p->functions, &p->function_capacity, sizeof(*f));
		if (!f)
			return;
		p->function = f;
		f += p->functions++;
		*f = (struct function){ .at = { p->base + start, p->base + end }, .name = name,
					.depth = depth, .outer = NOWHERE };
		read_call(unit, die, f);
	}
}

/* Functions in what is in @die. */
static void read_functions(struct places *p, const struct unit *unit, Dwarf_Die *die,
			   unsigned depth)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
			read_function(p, unit, &child, depth);
			read_functions(p, unit, &child, depth + 1);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_namespace:
			read_functions(p, unit, &child, depth + 1);
			break;
		}
	} while (!dwarf_siblingof(&child, &child));
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *f = a, *g = b;

	if (f->at.start != g->at.start)
		return f->at.start < g->at.start ? -1 : 1;
	if (f->at.end != g->at.end)
		return f->at.end > g->at.end ? -1 : 1;
	return f->depth < g->depth ? -1 : f->depth > g->depth;
}

static bool has(const struct function *f, uintptr_t pc)
{
	return pc >= f->at.start && pc < f->at.end;
}

/* Functions are disjoint or one is in the other. */
static void nest_functions(struct places *p)
{
	size_t around = NOWHERE;

	for (size_t i = 0; i < p->functions; i++) {
		struct function *f = &p->function[i];

		while (around != NOWHERE && !has(&p->function[around], f->at.start))
			around = p->function[around].outer;
		f->outer = around;
		around = i;
	}
}

/* --- opening and closing ------------------------------------------------- */

static void read_units(struct places *p)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die, split;
	struct unit files;
	uint8_t type;

	while (!dwarf_get_units(p->dwarf, unit, &unit, NULL, &type, &die, &split)) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		read_lines(p, &die);
		files = (struct unit){ .dir = directory_of(&die) };
		if (dwarf_getsrcfiles(&die, &files.files, &files.count))
			files.count = 0;
		read_functions(p, &files, type == DW_UT_skeleton ? &split : &die, 0);
	}
	if (p->rows)
		qsort(p->row, p->rows, sizeof(*p->row), compare_rows);
	if (p->functions)
		qsort(p->function, p->functions, sizeof(*p->function), compare_functions);
	nest_functions(p);
}

struct places *places_open(const char *object, uintptr_t base)
{
	struct places *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->base = base;
	elf_version(EV_CURRENT);
	p->fd = open(object, O_RDONLY | O_CLOEXEC);
	if (p->fd >= 0)
		p->elf = elf_begin(p->fd, ELF_C_READ_MMAP, NULL);
	if (p->elf)
		p->dwarf = dwarf_begin_elf(p->elf, DWARF_C_READ, NULL);
	if (p->dwarf) {
		read_texts(p);
		read_units(p);
	}
	if (p->rows && !p->out_of_memory)
		return p;
	places_close(p);
	return NULL;
}

void places_close(struct places *p)
{
	if (!p)
		return;
	dwarf_end(p->dwarf);
	elf_end(p->elf);
	if (p->fd >= 0)
		close(p->fd);
	free(p->row);
	free(p->function);
	free(p);
}

struct object { uintptr_t inside, base; char path[PATH_MAX]; };

static int find_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct object *o = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || o->inside - info->dlpi_addr - h->p_vaddr >= h->p_memsz)
			continue;
		o->base = info->dlpi_addr;
		/* The program itself has no name here, and argv[0] may be anything. */
		snprintf(o->path, sizeof(o->path), "%s",
			 *info->dlpi_name ? info->dlpi_name : "/proc/self/exe");
		return 1;
	}
	return 0;
}

struct places *places_of(const void *inside)
{
	struct object o = { .inside = (uintptr_t)inside };

	return dl_iterate_phdr(find_object, &o) ? places_open(o.path, o.base) : NULL;
}

/* --- looking up ---------------------------------------------------------- */

/* The last row that begins at @pc or before, or NULL. */
static const struct places_row *row_before(const struct places *p, uintptr_t pc)
{
	size_t low = 0, high = p->rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->row[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &p->row[low - 1] : NULL;
}

/* The innermost function that has @pc, or NULL. */
static const struct function *function_at(const struct places *p, uintptr_t pc)
{
	size_t low = 0, high = p->functions, at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->function[middle].at.start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	at = low ? low - 1 : NOWHERE;
	while (at != NOWHERE && !has(&p->function[at], pc))
		at = p->function[at].outer;
	return at == NOWHERE ? NULL : &p->function[at];
}

/* Is it one of the headers that lend Linux's names to checks? */
static bool is_lent(const char *file)
{
	return strstr(file, "mmun/linux/") || strstr(file, "mmun/kernel_mm.h");
}

bool places_find(const struct places *p, const void *pc, struct place *ret)
{
	uintptr_t at = (uintptr_t)pc;
	const struct places_row *row = row_before(p, at);
	const struct function *f = function_at(p, at);

	if (!row || at >= row->end)
		return false;
	*ret = (struct place){ row->file, row->line, f ? f->name : NULL };
	while (f && f->call_file && is_lent(ret->file)) {
		ret->file = f->call_file;
		ret->line = f->call_line;
		f = f->outer == NOWHERE ? NULL : &p->function[f->outer];
		ret->function = f ? f->name : NULL;
	}
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void places_say(void *places, const void *pc, char *buf, size_t size)
{
	const char *at = (const char *)pc - 1;
	struct place place;
	Dl_info info;

	if (places && places_find(places, at, &place))
		snprintf(buf, size, "%s%s%s:%d", place.function ? place.function : "",
			 place.function ? " in " : "", base_name(place.file), place.line);
	else if (!dladdr(at, &info))
		snprintf(buf, size, "code of no object");
	else if (info.dli_sname)
		snprintf(buf, size, "%s+0x%zx", info.dli_sname,
			 (size_t)(at - (const char *)info.dli_saddr));
	else
		snprintf(buf, size, "0x%zx in %s", (size_t)(at - (const char *)info.dli_fbase),
			 base_name(info.dli_fname));
}

const struct places_row *places_rows(const struct places *p, size_t *ret_count)
{
	*ret_count = p->rows;
	return p->row;
}

bool places_function(const struct places *p, uintptr_t pc, uintptr_t *ret_start,
		     uintptr_t *ret_end)
{
	const struct function *f = function_at(p, pc);

	if (!f)
		return false;
	while (f->outer != NOWHERE)
		f = &p->function[f->outer];
	*ret_start = f->at.start;
	*ret_end = f->at.end;
	return true;
}
