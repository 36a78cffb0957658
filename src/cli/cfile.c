/* SPDX-License-Identifier: MIT */
/*
 * cfile.c - checks in C: FILE.c is compiled to a shared object in a temporary
 * directory, and each of its checks is explored by a child that loads it.
 *
 * Invariant: the tool itself never loads or runs what the file has. A child reports to
 * the tool's own output and hands back its counts in shared memory; a child that
 * ends otherwise is reported by the tool.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "checks/run/coverage.h"
#include "checks/run/runs.h"
#include "cli/superfluous.h"

/* What a child tells. */
struct told {
	struct report report;
	int status;              /* of a replay */
	bool done, no_check;     /* it came to its end; there is no such check */
	char check[64];          /* that it runs */
};

struct cfile {
	const char *path;
	char include[PATH_MAX];  /* the directory of mmun's headers */
	char dir[64], unlinked[80], object[80];
	struct told *told;       /* shared with the children */
	const struct cli_cfile_how *how;
	struct coverage *coverage; /* NULL: what is reached is not noted */
	const char *error;       /* why it is no test; NULL: it is one */
	char text[160];
};

bool cli_is_cfile(const char *path)
{
	size_t n = strlen(path);

	return n > 2 && !strcmp(path + n - 2, ".c");
}

static bool refuse(struct cfile *f, const char *why)
{
	snprintf(f->text, sizeof(f->text), "%s", why);
	f->error = f->text;
	cli_complain("%s: %s", f->path, why);
	return false;
}

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

/* Runs in the child. $CC may have arguments: a shell takes it apart. */
static _Noreturn void exec_compiler(const struct arguments *a, bool quiet)
{
	static const char *const shell[] = { "sh", "-c", "exec ${CC:-cc} \"$@\"", "sh", NULL };
	struct arguments all = { .count = 0 };
	int null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

	if (null >= 0)
		dup2(null, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	add_arguments(&all, shell);
	add_arguments(&all, a->arg);
	execv("/bin/sh", (char *const *)(uintptr_t)all.arg);
	_exit(127);
}

/* The compiler's status; -1: it did not run to its end. */
static int run_compiler(const struct arguments *a, bool quiet)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child)
		exec_compiler(a, quiet);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static const char *const optimised[] = { "-O1", NULL };

/*
 * For coverage: not optimised, so that each statement has code of its own that follows its
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
#define TOLD \
	"-fsanitize=thread", "-fno-builtin-memcpy", "-fno-builtin-memmove", "-fno-builtin-memset"

static const char *const told_by_clang[] = {
	TOLD, "-mllvm", "-tsan-distinguish-volatile=1", NULL
};
static const char *const told_by_gcc[] = {
	TOLD, "--param=tsan-distinguish-volatile=1", NULL
};

/* What the compiler understands; it is asked once. */
static const char *const *either(const char *const *clang, const char *const *gcc)
{
	static const char *const ask[] = {
		"-mllvm", "-tsan-distinguish-volatile=1", "-fsyntax-only", "-x", "c", "/dev/null",
		NULL
	};
	static enum { UNASKED, CLANG, GCC } is;
	struct arguments a = { .count = 0 };

	if (is == UNASKED) {
		add_arguments(&a, ask);
		is = run_compiler(&a, true) ? GCC : CLANG;
	}
	return is == CLANG ? clang : gcc;
}

static int compile_source(const struct cfile *f)
{
	static const char *const flags[] = {
		"-std=gnu11", "-g", "-Wall", "-Werror=implicit-function-declaration",
		"-fPIC", "-fstack-clash-protection", NULL
	};
	char source[PATH_MAX + 2];
	const char *const files[] = { "-I", f->include, "-c", "-o", f->unlinked, source, NULL };
	struct arguments a = { .count = 0 };

	snprintf(source, sizeof(source), "%s%s", *f->path == '-' ? "./" : "", f->path);
	add_arguments(&a, flags);
	add_arguments(&a, f->how->coverage ? either(covered_by_clang, covered_by_gcc) : optimised);
	add_arguments(&a, either(told_by_clang, told_by_gcc));
	add_arguments(&a, files);
	return run_compiler(&a, false);
}

static int link_object(const struct cfile *f)
{
	/* What copies memory is not told of by the compiler, who counts on libtsan's own. */
	static const char *const flags[] = {
		"-shared", "-Wl,-Bsymbolic", "-Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset", NULL
	};
	static const char *const for_coverage[] = { "-Wl,--emit-relocs", NULL };
	const char *const files[] = { "-o", f->object, f->unlinked, NULL };
	struct arguments a = { .count = 0 };

	add_arguments(&a, flags);
	if (f->how->coverage)
		add_arguments(&a, for_coverage);
	add_arguments(&a, files);
	return run_compiler(&a, false);
}

static bool compile(struct cfile *f)
{
	if (!cli_directory("MMUN_INCLUDE", "../include", "../include", f->include,
			   sizeof(f->include)))
		return refuse(f, "the headers of mmun are not installed");
	if (compile_source(f) || link_object(f))
		return refuse(f, "does not compile");
	return true;
}

/* --- what the explorer cannot see ---------------------------------------- */

static bool is_unseen(const char *name)
{
	static const char *const begin[] = { "pthread_", "sem_", "thrd_", "mtx_", "cnd_" };
	static const char *const whole[] = { "fork", "vfork", "clone", "sleep", "usleep",
					     "nanosleep", "longjmp", "siglongjmp", "setitimer",
					     "sigaction", "signal", "alarm" };

	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		if (!strncmp(name, begin[i], strlen(begin[i])))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (!strcmp(name, whole[i]))
			return true;
	return false;
}

/* The first function that the object wants and that is_unseen(), or NULL. The compiler
 * has just written it: it is what a 64-bit object should be. */
static const char *find_unseen(const char *image)
{
	const Elf64_Ehdr *head = (const void *)image;
	const Elf64_Shdr *section = (const void *)(image + head->e_shoff);

	for (unsigned s = 0; s < head->e_shnum; s++) {
		const Elf64_Sym *sym = (const void *)(image + section[s].sh_offset);

		if (section[s].sh_type != SHT_DYNSYM)
			continue;
		for (size_t i = 0; i < section[s].sh_size / sizeof(*sym); i++) {
			const char *name = image + section[section[s].sh_link].sh_offset +
					   sym[i].st_name;

			if (sym[i].st_shndx == SHN_UNDEF && is_unseen(name))
				return name;
		}
	}
	return NULL;
}

static bool inspect(struct cfile *f)
{
	int fd = open(f->object, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *image = MAP_FAILED, why[128];
	const char *name = NULL;

	if (fd >= 0 && !fstat(fd, &st))
		image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (image == MAP_FAILED)
		return refuse(f, strerror(errno));
	if ((size_t)st.st_size > sizeof(Elf64_Ehdr) && !memcmp(image, ELFMAG, SELFMAG) &&
	    image[EI_CLASS] == ELFCLASS64)
		name = find_unseen(image);
	if (name)
		snprintf(why, sizeof(why), "calls %s(), which the explorer does not see", name);
	munmap(image, (size_t)st.st_size);
	return !name || refuse(f, why);
}

/* --- opening and closing ------------------------------------------------- */

static bool watch(struct cfile *f)
{
	const char *why;

	if (!f->how->coverage)
		return true;
	f->coverage = coverage_open(f->object, &why);
	return f->coverage || refuse(f, why);
}

/* --- the temporary directory ---------------------------------------------- */

static const int interrupts[] = { SIGINT, SIGTERM, SIGHUP };
static const struct cfile *volatile opened; /* whose files go when one comes; NULL: none */

static void remove_files(const struct cfile *f)
{
	unlink(f->unlinked);
	unlink(f->object);
	rmdir(f->dir);
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

	for (unsigned n = 0; n < sizeof(interrupts) / sizeof(*interrupts); n++)
		if (!sigaction(interrupts[n], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(interrupts[n], &act, NULL);
}

static bool cfile_open(struct cfile *f, const char *path, const struct cli_cfile_how *how)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct cfile){ .path = path, .how = how };
	if (access(path, R_OK))
		return refuse(f, strerror(errno));
	if (!tmp || strlen(tmp) > 40)
		tmp = "/tmp";
	f->told = mmap(NULL, sizeof(*f->told), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->told == MAP_FAILED) {
		f->told = NULL;
		return refuse(f, "not enough memory");
	}
	snprintf(f->dir, sizeof(f->dir), "%s/mmun-XXXXXX", tmp);
	if (!mkdtemp(f->dir)) {
		*f->dir = 0;
		return refuse(f, "cannot make a temporary directory");
	}
	snprintf(f->unlinked, sizeof(f->unlinked), "%s/check.o", f->dir);
	snprintf(f->object, sizeof(f->object), "%s/check.so", f->dir);
	opened = f;
	on_interrupts(interrupted);
	return compile(f) && inspect(f) && watch(f);
}

static void cfile_close(struct cfile *f)
{
	coverage_close(f->coverage);
	if (*f->dir) {
		on_interrupts(SIG_DFL);
		opened = NULL;
		remove_files(f);
	}
	if (f->told)
		munmap(f->told, sizeof(*f->told));
}

/* --- children ------------------------------------------------------------ */

/* Runs in the child. */
static bool load(const struct cfile *f)
{
	struct rlimit none = { 0, 0 };

	on_interrupts(SIG_DFL); /* the files are the parent's */
	setrlimit(RLIMIT_CORE, &none);
	if (dlopen(f->object, RTLD_NOW | RTLD_LOCAL))
		return true;
	cli_complain("%s: %s", f->path, dlerror());
	return false;
}

static int child_ends(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

struct leaving { const struct explore_check *check; struct explore_options options; };

static int run_without(void *arg, unsigned leave_out, struct explore_result *ret)
{
	struct leaving *l = arg;

	l->options.leave_out = leave_out;
	return runs_explore(l->check, &l->options, ret);
}

/* Runs in the child. */
static int ask_superfluous(const struct cfile *f, const struct explore_check *check)
{
	struct leaving l = { check, f->how->explore };

	if (check->expect) {
		if (!f->how->json)
			printf("%s, %s: expects %s: nothing to ask\n", f->path, check->name,
			       check->expect);
		return STATUS_OK;
	}
	l.options.stop_at_first = true; /* it is needed, then */
	return superfluous_ask(&(struct superfluous){ .file = f->path, .name = check->name,
		.json = f->how->json, .run = run_without, .arg = &l });
}

static _Noreturn void run_nth(const struct cfile *f, const struct runs *runs, unsigned nth)
{
	struct told *told = f->told;
	const struct explore_entry *e;

	if (!load(f))
		_exit(STATUS_ERROR);
	for (e = explore_registered(); e && nth; nth--)
		e = e->next;
	if (e) {
		snprintf(told->check, sizeof(told->check), "%s", e->check->name);
		runs_begin();
		if (f->how->superfluous)
			told->status = ask_superfluous(f, e->check);
		else
			runs_check(runs, e->check);
		told->report = *runs->report;
	}
	told->no_check = !e;
	fflush(stdout);
	told->done = true;
	_exit(0);
}

static void add_error(struct report *report, const char *path, const char *name,
		      const char *text)
{
	report_add(report, &(struct report_run){ .file = path, .name = name,
		.verdict = REPORT_ERROR, .error = text });
}

/* The child has taken the whole process with it. */
static void add_death(const struct cfile *f, struct report *report, int status)
{
	static struct explore_result r;
	struct explore_finding *g = &r.finding[0];

	r = (struct explore_result){ .findings = 1, .stopped_by = "the process ended" };
	g->oracle = ORACLE_CRASH;
	g->times = 1;
	if (WIFSIGNALED(status))
		snprintf(g->text, sizeof(g->text), "the process was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(g->text, sizeof(g->text), "the check called exit(%d)",
			 WEXITSTATUS(status));
	report_add(report, &(struct report_run){ .file = f->path, .name = f->told->check,
		.verdict = REPORT_VIOLATION, .why = "crash", .certain = true, .explore = &r });
}

static void print_coverage(const struct cfile *f, const struct report *report, bool exhaustive)
{
	const struct coverage_of of = { f->path, f->include, exhaustive };

	if (f->coverage && !f->error)
		coverage_print(f->coverage, &of, report);
}

/* The worst status of those that say one. */
static int cfile_each(const char *path, const struct cli_cfile_how *how, struct report *report)
{
	struct runs runs = { .file = path, .options = how->explore, .report = report };
	uint64_t unfinished = report->searches - report->exhaustive;
	int worst = STATUS_OK;
	struct cfile f;

	if (!cfile_open(&f, path, how))
		add_error(report, path, NULL, f.error);
	for (unsigned nth = 0; !f.error; nth++) {
		pid_t child;
		int status;

		memset(f.told, 0, sizeof(*f.told));
		fflush(NULL);
		child = fork();
		if (!child)
			run_nth(&f, &runs, nth);
		status = child < 0 ? -1 : child_ends(child);
		if (f.told->done && f.told->no_check) {
			if (!nth && !refuse(&f, "has no check: see EXPLORE_CHECK in mmun/explore.h"))
				add_error(report, path, NULL, f.error);
			break;
		}
		if (f.told->done) {
			*report = f.told->report;
			if (f.told->status > worst)
				worst = f.told->status;
		} else if (*f.told->check) {
			add_death(&f, report, status);
		} else {
			refuse(&f, "cannot be loaded");
			add_error(report, path, NULL, f.error);
		}
	}
	print_coverage(&f, report, report->searches - report->exhaustive == unfinished);
	cfile_close(&f);
	return report->count[REPORT_ERROR] ? STATUS_ERROR :
	       report->count[REPORT_VIOLATION] ? STATUS_VIOLATION : worst;
}

void cli_cfile_check(const char *path, const struct cli_cfile_how *how, struct report *report)
{
	(void)cfile_each(path, how, report);
}

int cli_cfile_superfluous(const char *path, const struct cli_cfile_how *how)
{
	struct report report = { .out = stdout, .format = report_format_find("brief") };

	return cfile_each(path, how, &report);
}

int cli_cfile_replay(const char *path, const char *string, bool verbose,
		     const struct report_format *format)
{
	static const struct cli_cfile_how plainly;
	struct cfile f;
	int status = STATUS_ERROR;

	if (cfile_open(&f, path, &plainly)) {
		pid_t child;

		f.told->status = STATUS_ERROR;
		fflush(NULL);
		child = fork();
		if (!child) {
			if (load(&f)) {
				runs_begin();
				f.told->status = runs_replay(path, string, verbose, format);
			}
			fflush(stdout);
			_exit(0);
		}
		if (child > 0 && WIFSIGNALED(child_ends(child)))
			refuse(&f, "the execution ended the process");
		status = f.told->status;
	}
	cfile_close(&f);
	return status;
}
