/* SPDX-License-Identifier: MIT */
/*
 * coverage.c - finds the lines of a check that no execution reached. The compiler puts a call
 * at the beginning of each basic block. The call notes where it came from, in memory that the
 * children share with the tool, and afterwards the tool goes through the line table.
 *
 * A block begins at its call and ends at the next call, or with the function. A row of the
 * line table belongs to the block that it begins in and to no other: a call that has no place
 * of its own prolongs the row before it, which says nothing about the block.
 *
 * The calls are found by the relocations that the linker keeps with --emit-relocs. They say
 * where the calls are, whatever the sections were merged to, so nobody has to tell
 * instructions from data.
 *
 * Invariant: what was reached is only ever added to. It lies in memory that the explorer does
 * not restore, unlike the object's own variables.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "checks/run/coverage.h"
#include "checks/run/image.h"
#include "checks/run/places.h"
#include "jobs/jobs.h"

/* A call: where it begins, and the address it returns to, which is the one it notes. */
struct site { uintptr_t begin, back; };

/* A row of the line table, and the call whose block has it. */
struct spot { const char *file; int line; size_t site; };

struct coverage {
	char *object;
	unsigned char *reached;    /* by address, shared with the children: 1 or 0 */
	size_t size;
	struct site *site;         /* by address */
	size_t sites;
	struct spot *spot;
	size_t spots;
	struct places *places;     /* has the names in spots */
};

/* --- what was reached ---------------------------------------------------- */

static struct { const char *object; unsigned char *reached; size_t size; uintptr_t base; } noting;

/* Where the object that is watched lies, if it is the one that has @pc. */
static uintptr_t base_of(uintptr_t pc)
{
	Dl_info info;

	if (!dladdr((void *)pc, &info) || strcmp(info.dli_fname, noting.object))
		return 0;
	return (uintptr_t)info.dli_fbase;
}

/* Runs on fibers, and first while the object is being loaded. */
void __sanitizer_cov_trace_pc(void)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);

	if (!noting.object)
		return;
	if (!noting.base)
		noting.base = base_of(pc);
	pc -= noting.base;
	if (pc < noting.size)
		noting.reached[pc] = 1;
}

/* --- the calls ----------------------------------------------------------- */

/* Bytes of the call before the four that are relocated; -1: it is none that is known. */
static int call_prefix(unsigned machine, uint32_t type)
{
	static const struct { uint16_t machine; uint16_t type; int bytes; } known[] = {
		{ EM_X86_64, R_X86_64_PLT32, 1 },          /* call sym */
		{ EM_X86_64, R_X86_64_PC32, 1 },
		{ EM_X86_64, R_X86_64_GOTPCREL, 2 },       /* call *sym@GOTPCREL(%rip) */
		{ EM_X86_64, R_X86_64_GOTPCRELX, 2 },
		{ EM_AARCH64, R_AARCH64_CALL26, 0 },       /* bl sym */
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].machine == machine && known[i].type == type)
			return known[i].bytes;
	return -1;
}

static bool add_site(struct coverage *c, uintptr_t at, int prefix)
{
	struct site *bigger = realloc(c->site, (c->sites + 1) * sizeof(*bigger));

	if (!bigger)
		return false;
	c->site = bigger;
	c->site[c->sites++] = (struct site){ at - (uintptr_t)prefix, at + 4 };
	if (at + 5 > c->size)
		c->size = at + 5;
	return true;
}

/* From one section of relocations. Returns NULL, or why not. */
static const char *read_calls(struct coverage *c, const struct image *image,
			      const Elf64_Shdr *relocations)
{
	const Elf64_Shdr *symbols = image_section(image, relocations->sh_link);
	const Elf64_Sym *sym = image_at(image, symbols->sh_offset);
	const Elf64_Rela *r = image_at(image, relocations->sh_offset);

	for (size_t i = 0; i < relocations->sh_size / sizeof(*r); i++) {
		int prefix = call_prefix(image_head(image)->e_machine,
					 (uint32_t)ELF64_R_TYPE(r[i].r_info));

		if (strcmp(image_string(image, symbols->sh_link,
					sym[ELF64_R_SYM(r[i].r_info)].st_name),
			   "__sanitizer_cov_trace_pc"))
			continue;
		if (prefix < 0)
			return "calls of the compiler's that are not understood";
		if (!add_site(c, r[i].r_offset, prefix))
			return "not enough memory";
	}
	return NULL;
}

static int compare_sites(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static const char *read_sites(struct coverage *c, const struct image *image)
{
	const Elf64_Shdr *r;
	const char *why = NULL;

	for (unsigned s = 0; (r = image_section(image, s)) != NULL && !why; s++) {
		/* Those that are loaded are for the loader. */
		if (r->sh_type == SHT_RELA && !(r->sh_flags & SHF_ALLOC) &&
		    image_section(image, r->sh_info)->sh_flags & SHF_EXECINSTR)
			why = read_calls(c, image, r);
	}
	if (c->sites)
		qsort(c->site, c->sites, sizeof(*c->site), compare_sites);
	return why;
}

/* --- which block has which line ------------------------------------------ */

/* Index of the call whose block has @pc; false: there is none. */
static bool block_of(const struct coverage *c, uintptr_t pc, size_t *ret)
{
	uintptr_t start, end;
	size_t low = 0, high = c->sites;

	if (!places_function(c->places, pc, &start, &end))
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->site[middle].begin <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	/* What a function does before its first call belongs to that. */
	*ret = low && c->site[low - 1].begin >= start ? low - 1 : low;
	return *ret < c->sites && c->site[*ret].begin < end;
}

/* What the file has at the address @at, or NULL. */
static const char *bytes_at(const struct image *image, uintptr_t at)
{
	const Elf64_Ehdr *head = image_head(image);
	const Elf64_Phdr *p = image_at(image, head->e_phoff);

	for (unsigned i = 0; i < head->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && at - p[i].p_vaddr < p[i].p_filesz)
			return image_at(image, p[i].p_offset + (at - p[i].p_vaddr));
	return NULL;
}

/* gcc puts a nop where a jump had a place and no code is left. After a call it is in the
 * call's block; elsewhere in none, perhaps, for what stands before need not fall into it. */
static bool is_nop(const struct image *image, const struct places_row *row)
{
	static const char x86[] = { '\x90' }, arm[] = { '\x1f', '\x20', '\x03', '\xd5' };
	bool is_x86 = image_head(image)->e_machine == EM_X86_64;
	size_t size = is_x86 ? sizeof(x86) : sizeof(arm), left = row->end - row->start;
	const char *code = bytes_at(image, row->start);

	while (code && left >= size && !memcmp(code, is_x86 ? x86 : arm, size)) {
		code += size;
		left -= size;
	}
	return !left;
}

static const char *read_spots(struct coverage *c, const struct image *image)
{
	size_t rows;
	const struct places_row *row = places_rows(c->places, &rows);

	c->spot = calloc(rows, sizeof(*c->spot));
	if (!c->spot)
		return "not enough memory";
	for (size_t i = 0; i < rows; i++) {
		size_t site;

		if (block_of(c, row[i].start, &site) &&
		    (c->site[site].back == row[i].start || !is_nop(image, &row[i])))
			c->spot[c->spots++] = (struct spot){ row[i].file, row[i].line, site };
	}
	return NULL;
}

/* --- opening and closing ------------------------------------------------- */

static const char *read_object(struct coverage *c)
{
	struct image image;
	const char *why;

	if (!image_open(&image, c->object))
		return "cannot be read";
	why = read_sites(c, &image);
	/* Without code there is no line table either. */
	if (!why && c->sites)
		c->places = places_open(c->object, 0);
	if (c->places)
		why = read_spots(c, &image);
	image_close(&image);
	return why;
}

static const char *begin(struct coverage *c)
{
	const char *why = c->object ? read_object(c) : "not enough memory";

	if (why)
		return why;
	c->size = c->size ? c->size : 1;
	c->reached = jobs_share(c->size);
	if (!c->reached)
		return "not enough memory";
	noting.object = c->object;
	noting.reached = c->reached;
	noting.size = c->size;
	noting.base = 0;
	return NULL;
}

struct coverage *coverage_open(const char *object, const char **ret_why)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (!c) {
		*ret_why = "not enough memory";
		return NULL;
	}
	c->object = strdup(object);
	*ret_why = begin(c);
	if (!*ret_why)
		return c;
	coverage_close(c);
	return NULL;
}

void coverage_close(struct coverage *c)
{
	if (!c)
		return;
	noting.object = NULL;
	jobs_unshare(c->reached, c->size);
	places_close(c->places);
	free(c->object);
	free(c->site);
	free(c->spot);
	free(c);
}

/* --- a file's lines ------------------------------------------------------ */

enum { NO_CODE, CODE, REACHED };

struct source {
	const char *file;
	struct stat st;      /* zero: there is no such file */
	unsigned char *line; /* by number: NO_CODE or what follows it */
	int lines;           /* numbers in it */
	size_t code, reached;
};

struct sources { struct source *source; size_t count; bool out_of_memory; };

/* A file may have several names. */
static bool is_same(const struct source *s, const char *file, const struct stat *st)
{
	if (st->st_ino && s->st.st_ino)
		return s->st.st_ino == st->st_ino && s->st.st_dev == st->st_dev;
	return !strcmp(s->file, file);
}

static struct source *source_of(struct sources *all, const char *file)
{
	struct source *bigger;
	struct stat st;

	for (size_t i = 0; i < all->count; i++)
		if (all->source[i].file == file)
			return &all->source[i];
	if (stat(file, &st))
		st = (struct stat){ 0 };
	for (size_t i = 0; i < all->count; i++)
		if (is_same(&all->source[i], file, &st))
			return &all->source[i];
	bigger = realloc(all->source, (all->count + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	all->source = bigger;
	bigger[all->count] = (struct source){ .file = file, .st = st };
	return &bigger[all->count++];
}

static bool has_line(struct source *s, int line)
{
	unsigned char *bigger;

	if (line < s->lines)
		return true;
	bigger = realloc(s->line, (size_t)line + 1);
	if (!bigger)
		return false;
	memset(bigger + s->lines, NO_CODE, (size_t)(line + 1 - s->lines));
	s->line = bigger;
	s->lines = line + 1;
	return true;
}

static void collect(const struct coverage *c, struct sources *all)
{
	for (size_t i = 0; i < c->spots; i++) {
		const struct spot *spot = &c->spot[i];
		unsigned char now = c->reached[c->site[spot->site].back] ? REACHED : CODE;
		struct source *s = source_of(all, spot->file);

		if (!s || !has_line(s, spot->line)) {
			all->out_of_memory = true;
			return;
		}
		if (s->line[spot->line] < now)
			s->line[spot->line] = now;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct source *s = &all->source[i];

		for (int n = 0; n < s->lines; n++) {
			s->code += s->line[n] != NO_CODE;
			s->reached += s->line[n] == REACHED;
		}
	}
}

static void sources_fini(struct sources *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->source[i].line);
	free(all->source);
}

/* Lines that were not reached, without one between them that was; @from is where to begin,
 * and to go on from. False: there are no more. */
static bool next_range(const struct source *s, int *from, int *ret_to)
{
	while (*from < s->lines && s->line[*from] != CODE)
		++*from;
	for (int n = *from; n < s->lines && s->line[n] != REACHED; n++)
		if (s->line[n] == CODE)
			*ret_to = n;
	return *from < s->lines;
}

/* --- which files count --------------------------------------------------- */

static bool is_below(const char *path, const char *directory)
{
	char *real = realpath(path, NULL), *top = realpath(directory, NULL);
	size_t n = top ? strlen(top) : 0;
	bool below = real && top && !strncmp(real, top, n) && real[n] == '/';

	free(real);
	free(top);
	return below;
}

/* Does @file begin as what @main includes from its own directory does? The compiler puts
 * that directory, as it was given, before the name in the #include. */
static bool is_beside(const char *file, const char *main)
{
	const char *slash = strrchr(main, '/');

	return slash ? !strncmp(file, main, (size_t)(slash + 1 - main)) : *file != '/';
}

static int compare_sources(const void *a, const void *b)
{
	const struct source *s = a, *t = b;

	return strcmp(s->file, t->file);
}

/* Keep those that count, that of @of->path first. */
static void choose(struct sources *all, const struct coverage_of *of)
{
	const char *main = of->path;
	size_t kept = 0;
	struct stat st;

	if (stat(main, &st))
		st = (struct stat){ 0 };
	for (size_t i = 0; i < all->count; i++)
		if (is_same(&all->source[i], main, &st))
			main = all->source[i].file;
	for (size_t i = 0; i < all->count; i++) {
		struct source s = all->source[i];

		if (is_beside(s.file, main) && !is_below(s.file, of->headers)) {
			all->source[i] = all->source[kept];
			all->source[kept++] = s;
		}
	}
	while (all->count > kept)
		free(all->source[--all->count].line);
	if (kept)
		qsort(all->source, kept, sizeof(*all->source), compare_sources);
	for (size_t i = 1; i < kept; i++) {
		struct source s = all->source[i];

		if (s.file != main)
			continue;
		memmove(&all->source[1], &all->source[0], i * sizeof(s));
		all->source[0] = s;
	}
	if (kept && all->source[0].file == main)
		all->source[0].file = of->path;
}

/* --- printing ------------------------------------------------------------ */

static void print_json(FILE *out, const struct source *s, const struct coverage_of *of)
{
	struct json j = { .out = out };
	int to = 0;

	json_begin(&j, NULL, '{');
	json_begin(&j, "coverage", '{');
	json_string(&j, "file", s->file);
	json_count(&j, "lines", s->code);
	json_count(&j, "reached", s->reached);
	json_bool(&j, "exhaustive", of->exhaustive);
	json_begin(&j, "not_reached", '[');
	for (int from = 1; next_range(s, &from, &to); from = to + 1) {
		json_begin(&j, NULL, '{');
		json_number(&j, "from", from);
		json_number(&j, "to", to);
		json_end(&j, '}');
	}
	json_end(&j, ']');
	json_end(&j, '}');
	json_end(&j, '}');
	fputc('\n', out);
}

static void print_head(FILE *out, const struct source *s, const struct coverage_of *of)
{
	fprintf(out, "Coverage of %s: ", s->file);
	if (s->reached == s->code)
		fputs("all", out);
	else
		fprintf(out, "%zu of", s->reached);
	fprintf(out, " %zu line%s with code reached%s%s", s->code, s->code == 1 ? "" : "s",
		of->exhaustive ? "" : " in the executions that were run",
		s->reached == s->code ? "" : "; not reached:");
}

static void print_brief(FILE *out, const struct source *s, const struct coverage_of *of)
{
	const char *comma = "";
	int to = 0;

	print_head(out, s, of);
	for (int from = 1; next_range(s, &from, &to); from = to + 1) {
		fprintf(out, from == to ? "%s %d" : "%s %d-%d", comma, from, to);
		comma = ",";
	}
	fputc('\n', out);
}

/* The next lines of @text up to the one of the number @line, @*at being that of the last. */
static bool seek_line(FILE *text, int line, int *at, char **buf, size_t *size)
{
	while (*at < line) {
		if (getline(buf, size, text) < 0)
			return false;
		++*at;
	}
	return true;
}

static void print_text(FILE *out, const struct source *s, const struct coverage_of *of)
{
	FILE *text = fopen(s->file, "re");
	char *buf = NULL, number[32];
	size_t size = 0;
	int to = 0, at = 0;

	print_head(out, s, of);
	fputc('\n', out);
	for (int from = 1; next_range(s, &from, &to); from = to + 1) {
		snprintf(number, sizeof(number), from == to ? "%d" : "%d-%d", from, to);
		fprintf(out, "%11s |", number);
		if (text && seek_line(text, from, &at, &buf, &size))
			fprintf(out, " %.*s%s", (int)strcspn(buf, "\r\n"), buf,
				from == to ? "" : " ...");
		fputc('\n', out);
	}
	fputc('\n', out);
	free(buf);
	if (text)
		fclose(text);
}

static void print(const struct source *s, const struct coverage_of *of,
		  const struct report *report)
{
	if (report->format == report_format_find("json"))
		print_json(report->out, s, of);
	else if (report->format == report_format_find("brief"))
		print_brief(report->out, s, of);
	else if (report->format == report_format_find("herd"))
		print_text(report->out, s, of);
	else
		print_text(of->aside, s, of); /* the report is a document, and whole */
}

void coverage_print(const struct coverage *c, const struct coverage_of *of,
		    const struct report *report)
{
	struct sources all = { 0 };

	collect(c, &all);
	if (!all.out_of_memory)
		choose(&all, of);
	if (all.out_of_memory)
		of->complain("%s: not enough memory for its coverage", of->path);
	else if (!all.count)
		of->complain("%s: nothing in it was compiled so that its coverage is known",
			     of->path);
	for (size_t i = 0; i < all.count && !all.out_of_memory; i++)
		print(&all.source[i], of, report);
	sources_fini(&all);
	fflush(report->out);
}
