/* SPDX-License-Identifier: MIT */
/*
 * unwatched.c - see unwatched.h. The file was compiled with a section for each function and each
 * variable. What a check can reach is found as a linker finds what it may leave out: from the
 * variable that EXPLORE_CHECK() defines, along the relocations. So what is said of a check does not
 * depend on the others in its file, and nothing is missed that is called through a pointer.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "checks/run/gaps.h"
#include "checks/run/image.h"
#include "checks/run/unwatched.h"

struct unwatched {
	struct image image;        /* of the object before it was linked */
	const Elf64_Sym *symbol;
	size_t symbols;
	unsigned names;            /* the section of their names */
	struct gaps gaps;
	bool read;                 /* the compiler has said what there is */
};

/* --- symbols ------------------------------------------------------------- */

static const char *name_of(const struct unwatched *u, const Elf64_Sym *s)
{
	return image_string(&u->image, u->names, s->st_name);
}

static bool find_symbols(struct unwatched *u)
{
	const Elf64_Shdr *section;

	for (unsigned n = 0; (section = image_section(&u->image, n)) != NULL; n++) {
		if (section->sh_type != SHT_SYMTAB)
			continue;
		u->symbol = image_at(&u->image, section->sh_offset);
		u->symbols = section->sh_size / sizeof(*u->symbol);
		u->names = section->sh_link;
		return true;
	}
	return false;
}

/* The section that has it; 0: it is not known. */
static unsigned section_of(const struct unwatched *u, const char *name)
{
	for (size_t n = 0; n < u->symbols; n++)
		if (u->symbol[n].st_name && !strcmp(name_of(u, &u->symbol[n]), name))
			return u->symbol[n].st_shndx;
	return 0;
}

static bool is_variable(const void *arg, const char *name, size_t length)
{
	const struct unwatched *u = arg;

	for (size_t n = 0; n < u->symbols; n++) {
		const char *is = name_of(u, &u->symbol[n]);

		if (ELF64_ST_TYPE(u->symbol[n].st_info) == STT_OBJECT &&
		    strlen(is) == length && !memcmp(is, name, length))
			return true;
	}
	return false;
}

/* --- opening ------------------------------------------------------------- */

static void read_gaps(struct unwatched *u, const struct compiled *c)
{
	FILE *said = fopen(c->said, "re");

	if (!said)
		return;
	u->read = c->by_clang ? gaps_of_clang(&u->gaps, said) :
				gaps_of_gcc(&u->gaps, said, is_variable, u);
	fclose(said);
}

struct unwatched *unwatched_open(const struct compiled *c)
{
	struct unwatched *u = calloc(1, sizeof(*u));

	if (!u || !image_open(&u->image, c->unlinked)) {
		free(u);
		return NULL;
	}
	if (find_symbols(u))
		read_gaps(u, c);
	return u;
}

void unwatched_close(struct unwatched *u)
{
	if (!u)
		return;
	gaps_fini(&u->gaps);
	image_close(&u->image);
	free(u);
}

/* --- what a check reaches ------------------------------------------------ */

/* Call @visit for each symbol that a section's bytes refer to, and where there. */
static void each_reference(const struct unwatched *u, unsigned from,
			   void (*visit)(void *arg, const Elf64_Sym *to, uint64_t at), void *arg)
{
	const Elf64_Shdr *section;

	for (unsigned n = 0; (section = image_section(&u->image, n)) != NULL; n++) {
		const Elf64_Rela *rela = image_at(&u->image, section->sh_offset);

		if (section->sh_type != SHT_RELA || section->sh_info != from)
			continue;
		for (size_t k = 0; k < section->sh_size / sizeof(*rela); k++)
			visit(arg, &u->symbol[ELF64_R_SYM(rela[k].r_info)], rela[k].r_offset);
	}
}

struct reach {
	const struct unwatched *u;
	struct explore_result *ret;
	bool *reached;             /* by section */
	unsigned *next, count;     /* sections whose references are still to be followed */
};

/* Functions of the C library that access no memory of a check, or only what they have allocated;
 * and what compilers call. */
static bool is_harmless(const char *name)
{
	static const char known[] =
		" malloc calloc realloc reallocarray free aligned_alloc posix_memalign"
		" abort exit _exit _Exit atexit __assert_fail __assert_perror_fail __assert"
		" abs labs llabs ffs ffsl ffsll rand random srand srandom drand48 lrand48"
		" getpid gettid sysconf getpagesize sched_yield clock getenv"
		" isalnum isalpha isdigit islower isprint ispunct isspace isupper isxdigit"
		" tolower toupper __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc"
		" __errno_location __stack_chk_fail __tls_get_addr _GLOBAL_OFFSET_TABLE_"
		" putchar fflush ";
	char word[64];

	if ((size_t)snprintf(word, sizeof(word), " %s ", name) < sizeof(word) &&
	    strstr(known, word))
		return true;
	if (!strncmp(name, "std", 3)) /* streams: what is done with them is called */
		return true;
	for (const char *const *wrapped = compile_wrapped; *wrapped; wrapped++)
		if (!strcmp(*wrapped, name))
			return true;
	return false;
}

/* Is it a function or variable of the tool, which is to say the library's? */
static bool is_ours(const char *name)
{
	const void *at = dlsym(RTLD_DEFAULT, name);
	Dl_info theirs, own;

	return at && dladdr(at, &theirs) && dladdr((const void *)is_ours, &own) &&
	       theirs.dli_fbase == own.dli_fbase;
}

static void reach(void *arg, const Elf64_Sym *to, uint64_t at)
{
	struct reach *r = arg;
	const char *name = name_of(r->u, to);
	unsigned section = to->st_shndx;

	(void)at;
	if (section == SHN_UNDEF && *name && !is_harmless(name) && !is_ours(name))
		explore_add_unwatched(r->ret, "calls of %s()", name);
	if (section == SHN_UNDEF || section >= SHN_LORESERVE || r->reached[section])
		return;
	r->reached[section] = true;
	r->next[r->count++] = section;
}

/* From a field of the check. Where there is one thread only, nothing can meet. */
static void reach_field(void *arg, const Elf64_Sym *to, uint64_t at)
{
	if (at != offsetof(struct explore_check, setup) &&
	    at != offsetof(struct explore_check, finish) &&
	    at != offsetof(struct explore_check, watch))
		reach(arg, to, at);
}

/* From the check's own variable; of a check that has none, from everywhere. */
static void reach_all(struct reach *r, const char *check)
{
	char variable[256];
	unsigned first;

	snprintf(variable, sizeof(variable), "explore_check_%s", check);
	first = section_of(r->u, variable);
	if (first)
		each_reference(r->u, first, reach_field, r);
	for (size_t n = 0; n < r->u->symbols && !first; n++)
		if (r->u->symbol[n].st_shndx != SHN_UNDEF)
			reach(r, &r->u->symbol[n], 0);
	while (r->count)
		each_reference(r->u, r->next[--r->count], reach, r);
}

static void add_gaps(const struct reach *r)
{
	const struct gaps *g = &r->u->gaps;

	for (size_t n = 0; n < g->count; n++) {
		unsigned section = section_of(r->u, g->gap[n].function);

		if ((!section || section >= SHN_LORESERVE || r->reached[section]) &&
		    (!g->gap[n].on_stack || r->ret->stacks_shared))
			explore_add_unwatched(r->ret, "%s", g->gap[n].text);
	}
	if (!r->u->read || g->failed)
		explore_add_unwatched(r->ret, "what the compiler does not tell of");
}

void unwatched_add(const struct unwatched *u, const char *check, struct explore_result *ret)
{
	size_t sections = image_head(&u->image)->e_shnum;
	struct reach r = { .u = u, .ret = ret };

	r.reached = calloc(sections + 1, sizeof(*r.reached));
	r.next = calloc(sections + 1, sizeof(*r.next));
	if (r.reached && r.next) {
		reach_all(&r, check);
		add_gaps(&r);
	} else {
		explore_add_unwatched(ret, "what the compiler does not tell of");
	}
	free(r.reached);
	free(r.next);
}
