/* SPDX-License-Identifier: MIT */
/*
 * compile.c - see compile.h. This file knows what the compiler and the linker are told. cfile.c
 * calls it.
 *
 * Invariant: the temporary directory exists from compile_open() to compile_close(). A signal in
 * between that ends the process removes it first; where it cannot, a child does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks/run/compile.h"
#include "checks/run/hints.h"
#include "checks/run/own.h"
#include "checks/run/unseen.h"
#include "jobs/jobs.h"

static bool refuse(struct compiled *c, const char *why)
{
	snprintf(c->error, sizeof(c->error), "%s", why);
	return false;
}

/* The build has the list of these functions: MMUN_WRAPPED(X) is X(memcpy) X(memmove) and so on. */
const char *const compile_wrapped[] = {
#define X(name) #name,
	MMUN_WRAPPED(X)
#undef X
	NULL
};

/* --- compiling ----------------------------------------------------------- */

struct arguments { const char *arg[40]; size_t count; }; /* a NULL follows */

/* Those up to a NULL. */
static void add_arguments(struct arguments *a, const char *const *arg)
{
	for (; *arg; arg++) {
		ASSERT(a->count + 1 < ARRAY_SIZE(a->arg));
		a->arg[a->count++] = *arg;
	}
}

struct compilation {
	const struct arguments *arguments;
	const char *said;        /* a file for what the compiler says; NULL: as it is */
};

/* Runs in the child. $CC may have arguments: a shell takes it apart. */
static void become_compiler(void *arg, size_t item, void *result)
{
	static const char *const shell[] = { "sh", "-c", "exec ${CC:-cc} \"$@\"", "sh", NULL };
	const struct compilation *c = arg;
	struct arguments all = { .count = 0 };
	int said = c->said ? open(c->said, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

	(void)item, (void)result;
	if (said >= 0) {
		dup2(said, STDERR_FILENO);
		setenv("LC_ALL", "C", 1); /* what is to be read is in one language */
	}
	dup2(STDERR_FILENO, STDOUT_FILENO);
	add_arguments(&all, shell);
	add_arguments(&all, c->arguments->arg);
	execv("/bin/sh", (char *const *)(uintptr_t)all.arg);
}

/* Does the compiler say that all went well? */
static bool run_compiler(const struct arguments *a, const char *said)
{
	struct compilation c = { a, said };
	struct job_end end = jobs_run_one(become_compiler, &c, 0, NULL, 0);

	return end.how == JOB_EXITED && end.code == 0; /* JOB_DONE: there is no shell */
}

/* Functions are not made parts of others, so that the end of each one's variables is seen. */
static const char *const optimized[] = { "-O1", "-fno-inline", NULL };

/*
 * For coverage: not optimized, so that each statement has code of its own that follows its
 * block's call. clang leaves calls out that others imply, unless told not to; gcc does not
 * know the word. gcc gives no call to a block that has no statement, which is what a lone
 * break is, so it is given one. (A goto, a continue and a return have one.)
 */
static const char *const covered_by_clang[] = {
	"-O0", "-fsanitize-coverage=trace-pc,no-prune", NULL
};
static const char *const covered_by_gcc[] = {
	"-O0", "-fsanitize-coverage=trace-pc", "-Wno-implicit-fallthrough",
	"-Dbreak=__extension__({ __asm__ volatile (\"\"); break; })", NULL
};

/*
 * The compiler tells of plain accesses by calls, which the tool answers in libtsan's place:
 * the object is linked without it. Volatile accesses are told apart: those of
 * READ_ONCE() and its kin are none.
 */
#define TOLD "-fsanitize=thread", "-fno-builtin", "-U_FORTIFY_SOURCE"

static const char *const told_by_clang[] = {
	TOLD, "-mllvm", "-tsan-distinguish-volatile=1",
	"-mllvm", "-enable-tail-merge=false", /* else calls of two lines become one of none */
	NULL
};
static const char *const told_by_gcc[] = {
	TOLD, "--param=tsan-distinguish-volatile=1", NULL
};

/* It is asked once. */
static bool is_clang(void)
{
	static const char *const ask[] = {
		"-mllvm", "-tsan-distinguish-volatile=1", "-fsyntax-only", "-x", "c", "/dev/null",
		NULL
	};
	static enum { UNASKED, CLANG, GCC } is;
	struct arguments a = { .count = 0 };

	if (is == UNASKED) {
		add_arguments(&a, ask);
		is = run_compiler(&a, "/dev/null") ? CLANG : GCC;
	}
	return is == CLANG;
}

/* What the compiler understands. */
static const char *const *either(const char *const *clang, const char *const *gcc)
{
	return is_clang() ? clang : gcc;
}

/* Each function and variable has a section of its own, so that unwatched.c sees what needs what.
 * gcc says in passing what it has made; clang has to be called once more. */
static bool compile_source(const struct compiled *c, const char *headers, bool coverage,
			   const char *first, const char *errors)
{
	static const char *const flags[] = {
		"-std=gnu11", "-g", "-Wall", "-Werror=implicit-function-declaration",
		"-fPIC", "-fstack-clash-protection", "-ffunction-sections", "-fdata-sections", NULL
	};
	char source[PATH_MAX + 2], dump[sizeof(c->said) + 40];
	const char *const before[] = { "-include", first, NULL };
	const char *const input[] = { "-I", headers, source, NULL };
	const char *const output[] = { "-c", "-o", c->unlinked, dump, NULL };
	const char *const output_of_clang[] = { "-c", "-o", c->unlinked, NULL };
	const char *const code[] = { "-S", "-emit-llvm", "-o", c->said, NULL };
	struct arguments a = { .count = 0 }, again;

	snprintf(dump, sizeof(dump), "-fdump-tree-optimized-lineno=%s", c->said);
	snprintf(source, sizeof(source), "%s%s", *c->path == '-' ? "./" : "", c->path);
	add_arguments(&a, flags);
	add_arguments(&a, coverage ? either(covered_by_clang, covered_by_gcc) : optimized);
	add_arguments(&a, either(told_by_clang, told_by_gcc));
	if (first)
		add_arguments(&a, before);
	add_arguments(&a, input);
	again = a;
	add_arguments(&again, code);
	add_arguments(&a, either(output_of_clang, output));
	return run_compiler(&a, errors) && (!is_clang() || run_compiler(&again, "/dev/null"));
}

static void show(const char *said)
{
	FILE *in = fopen(said, "re");
	char line[1024];

	while (in && fgets(line, sizeof(line), in))
		dprintf(STDERR_FILENO, "%s", line);
	if (in)
		fclose(in);
}

/* Where the check defines names that mmun has as well, its own are meant. What the compiler says
 * is shown if it succeeds; else it is asked once more, to say it in its own way. */
static bool compile_own(const struct compiled *c, const char *headers, bool coverage)
{
	char said[80], first[80];
	bool done;

	snprintf(said, sizeof(said), "%s/said", c->dir);
	snprintf(first, sizeof(first), "%s/own.h", c->dir);
	done = compile_source(c, headers, coverage, NULL, said);
	/* An error can hide those behind it. */
	for (unsigned n = 0; n < 4 && !done && own_names(c->path, said, first); n++) {
		unlink(said);
		done = compile_source(c, headers, coverage, first, said);
	}
	if (done)
		show(said);
	unlink(said);
	unlink(first);
	return done || compile_source(c, headers, coverage, NULL, NULL);
}

/* Why it does not compile: names that mmun does not have. */
static void give_hints(const struct compiled *c, const char *headers)
{
	const char *const flags[] = {
		"-std=gnu11", "-fsyntax-only", "-Werror=implicit-function-declaration",
		"-fdiagnostics-color=never", "-I", headers, c->path, NULL
	};
	struct arguments a = { .count = 0 };
	char said[80];

	snprintf(said, sizeof(said), "%s/said", c->dir);
	add_arguments(&a, flags);
	if (!run_compiler(&a, said))
		hints_give(said);
	unlink(said);
}

static bool link_object(const struct compiled *c, bool coverage)
{
	/* What copies memory is not told of by the compiler, who counts on libtsan's own. */
	static const char *const flags[] = { 
		"-shared", "-Wl,-Bsymbolic",
#define X(name) ",--wrap=" #name
		"-Wl" MMUN_WRAPPED(X),
#undef X
		"-Wl,--wrap=__tls_get_addr", /* variables that each thread has for itself */
		NULL
	};
	static const char *const for_coverage[] = { "-Wl,--emit-relocs", NULL };
	const char *const files[] = { "-o", c->object, c->unlinked, NULL };
	struct arguments a = { .count = 0 };

	add_arguments(&a, flags);
	if (coverage)
		add_arguments(&a, for_coverage);
	add_arguments(&a, files);
	return run_compiler(&a, NULL);
}

/* --- what the explorer cannot see ---------------------------------------- */

static bool inspect(struct compiled *c)
{
	int found = unseen_find(c->unlinked, c->object, c->error, sizeof(c->error), &c->line);

	return found < 0 ? refuse(c, strerror(-found)) : !found;
}

/* --- the temporary directory ---------------------------------------------- */

static const int interrupts[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU, SIGXFSZ,
};
static const struct compiled *volatile opened; /* whose files go when one comes; NULL: none */

static void remove_files(const struct compiled *c)
{
	unlink(c->said);
	unlink(c->unlinked);
	unlink(c->object);
	rmdir(c->dir);
}

static void interrupted(int signo)
{
	if (opened)
		remove_files(opened);
	raise(signo); /* when this has returned: then it ends the process */
}

static void on_interrupts(void (*handler)(int))
{
	const struct sigaction act = { .sa_handler = handler,
				       .sa_flags = SA_RESETHAND | SA_RESTART };
	struct sigaction old;

	for (unsigned n = 0; n < ARRAY_SIZE(interrupts); n++)
		if (!sigaction(interrupts[n], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(interrupts[n], &act, NULL);
}

static void owner_is_gone(void *arg) { remove_files(arg); }

void compile_forget(void) { on_interrupts(SIG_DFL); }

/* --- the whole ----------------------------------------------------------- */

static bool make_directory(struct compiled *c)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || strlen(tmp) > 40)
		tmp = "/tmp";
	snprintf(c->dir, sizeof(c->dir), "%s/mmun-XXXXXX", tmp);
	if (!mkdtemp(c->dir)) {
		*c->dir = 0;
		return refuse(c, "cannot make a temporary directory");
	}
	snprintf(c->unlinked, sizeof(c->unlinked), "%s/check.o", c->dir);
	snprintf(c->object, sizeof(c->object), "%s/check.so", c->dir);
	snprintf(c->said, sizeof(c->said), "%s/check.said", c->dir);
	c->by_clang = is_clang();
	opened = c;
	on_interrupts(interrupted);
	jobs_watch(&c->watcher, owner_is_gone, c);
	return true;
}

/* Has the file's first part only what a source can have? What cannot be read is the compiler's to
 * tell. */
static bool is_text(const char *path)
{
	char part[4096];
	FILE *in = fopen(path, "re");
	size_t n = in ? fread(part, 1, sizeof(part), in) : 0;

	if (in)
		fclose(in);
	return !memchr(part, 0, n);
}

bool compile_open(struct compiled *c, const char *path, const char *headers, bool coverage)
{
	*c = (struct compiled){ .path = path };
	if (access(path, R_OK))
		return refuse(c, strerror(errno));
	if (!is_text(path))
		return refuse(c, "is no text");
	if (!headers)
		return refuse(c, "the headers of mmun are not installed");
	if (!make_directory(c))
		return false;
	if (!compile_own(c, headers, coverage)) {
		give_hints(c, headers);
		return refuse(c, "does not compile");
	}
	if (!link_object(c, coverage))
		return refuse(c, "does not compile");
	return inspect(c);
}

void compile_close(struct compiled *c)
{
	if (!*c->dir)
		return;
	on_interrupts(SIG_DFL);
	opened = NULL;
	remove_files(c);
	jobs_dismiss(&c->watcher);
}
