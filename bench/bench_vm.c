/* SPDX-License-Identifier: MIT */
/*
 * bench_vm.c - what the library's operations cost, beside the same work done by
 * this machine's kernel through its system calls, in alternate rounds of one run; and
 * device accesses and invalidations beside what memory itself allows. Medians
 * of the rounds; ratios mean something, absolute times depend on the machine.
 *
 *	build/bench/bench_vm [ROUNDS]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mmun/mmun.h"

enum { PAGES = 8192, ROUNDS_MAX = 99, HUGE_PAGES = 8 };

static uint64_t page, huge, bytes;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_vm: %s failed\n", what);
	exit(1);
}

/* --- both sides behind one interface ------------------------------------- */

/* An address space: ours, or the process's own. */
struct side {
	const char *name;
	void *(*map)(uint64_t len);
	void (*unmap)(void *at, uint64_t len);
	void (*protect)(void *at, uint64_t len, bool write);
	void (*advise)(void *at, uint64_t len, int advice);
	void *(*move)(void *at, uint64_t len);
	void (*fork)(void);   /* a child that does nothing, */
	void (*reap)(void);   /* and its end */
	void (*load)(void *at);
	void (*store)(void *at);
};

static struct mmun_machine *machine;
static struct mmun_mm *mm, *child;
static struct mmun_cpu *cpu;

static uint64_t addr_of(void *at) { return (uint64_t)(uintptr_t)at; }

static void *our_map(uint64_t len)
{
	uint64_t at;

	must(!mmun_mmap(mm, 0, len + huge, MMUN_PROT_READ | MMUN_PROT_WRITE,
			MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &at), "mmun_mmap");
	return (void *)(uintptr_t)((at + huge - 1) & ~(huge - 1));
}

static void our_unmap(void *at, uint64_t len)
{
	must(!mmun_munmap(mm, addr_of(at), len), "mmun_munmap");
}

static void our_protect(void *at, uint64_t len, bool write)
{
	int prot = MMUN_PROT_READ | (write ? MMUN_PROT_WRITE : 0);

	must(!mmun_mprotect(mm, addr_of(at), len, prot), "mmun_mprotect");
}

static void our_advise(void *at, uint64_t len, int advice)
{
	must(!mmun_madvise(mm, addr_of(at), len, advice), "mmun_madvise");
}

static void *our_move(void *at, uint64_t len)
{
	void *to = our_map(len);
	uint64_t moved;

	must(!mmun_mremap(mm, addr_of(at), len, len, MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED,
			  addr_of(to), &moved), "mmun_mremap");
	return (void *)(uintptr_t)moved;
}

static void our_fork(void) { must(!mmun_fork(mm, &child), "mmun_fork"); }
static void our_reap(void) { must(!mmun_mm_destroy(child), "mmun_mm_destroy"); }

static void our_load(void *at)
{
	uint64_t v;

	must(!mmun_cpu_load(cpu, addr_of(at), &v), "mmun_cpu_load");
}

static void our_store(void *at) { must(!mmun_cpu_store(cpu, addr_of(at), 1), "mmun_cpu_store"); }

static void *kernel_map(uint64_t len)
{
	char *at = mmap(NULL, len + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	must(at != MAP_FAILED, "mmap");
	(void)madvise(at, len + huge, MADV_NOHUGEPAGE);
	return (void *)(((uintptr_t)at + huge - 1) & ~(uintptr_t)(huge - 1));
}

static void kernel_unmap(void *at, uint64_t len) { must(!munmap(at, len), "munmap"); }

static void kernel_protect(void *at, uint64_t len, bool write)
{
	must(!mprotect(at, len, PROT_READ | (write ? PROT_WRITE : 0)), "mprotect");
}

static void kernel_advise(void *at, uint64_t len, int advice)
{
	must(!madvise(at, len, advice), "madvise");
}

static void *kernel_move(void *at, uint64_t len)
{
	void *to = kernel_map(len);
	void *moved = mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);

	must(moved != MAP_FAILED, "mremap");
	return moved;
}

static pid_t pid;
static int gate[2];

static void kernel_fork(void)
{
	char c;

	must(!pipe(gate), "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		close(gate[1]);
		(void)!read(gate[0], &c, 1);
		_exit(0);
	}
}

static void kernel_reap(void)
{
	close(gate[1]);
	close(gate[0]);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static void kernel_load(void *at) { (void)*(volatile uint64_t *)at; }
static void kernel_store(void *at) { *(volatile uint64_t *)at = 1; }

static const struct side sides[2] = {
	{ "mmun", our_map, our_unmap, our_protect, our_advise, our_move, our_fork, our_reap,
	  our_load, our_store },
	{ "kernel", kernel_map, kernel_unmap, kernel_protect, kernel_advise, kernel_move,
	  kernel_fork, kernel_reap, kernel_load, kernel_store },
};

/* --- what is measured: each returns nanoseconds for its unit -------------- */

static double stores(const struct side *s, char *at, uint64_t step, uint64_t count)
{
	double t = now_ns();

	for (uint64_t i = 0; i < count; i++)
		s->store(at + i * step);
	return (now_ns() - t) / (double)count;
}

static double loads(const struct side *s, char *at, uint64_t count)
{
	double t = now_ns();

	for (uint64_t i = 0; i < count; i++)
		s->load(at + i * page);
	return (now_ns() - t) / (double)count;
}

/* Memory of which each page has been written to. */
static char *written(const struct side *s)
{
	char *at = s->map(bytes);

	(void)stores(s, at, page, PAGES);
	return at;
}

static double first_write(const struct side *s)
{
	char *at = s->map(bytes);
	double ns = stores(s, at, page, PAGES);

	s->unmap(at, bytes);
	return ns;
}

static double first_read(const struct side *s)
{
	char *at = s->map(bytes);
	double ns = loads(s, at, PAGES);

	s->unmap(at, bytes);
	return ns;
}

static double zero_write(const struct side *s)
{
	char *at = s->map(bytes);
	double ns;

	(void)loads(s, at, PAGES);
	ns = stores(s, at, page, PAGES);
	s->unmap(at, bytes);
	return ns;
}

static double cow_break(const struct side *s)
{
	char *at = written(s);
	double ns;

	s->fork();
	ns = stores(s, at, page, PAGES);
	s->reap();
	s->unmap(at, bytes);
	return ns;
}

static double cow_reuse(const struct side *s)
{
	char *at = written(s);
	double ns;

	s->fork();
	s->reap();
	ns = stores(s, at, page, PAGES);
	s->unmap(at, bytes);
	return ns;
}

static double fork_page(const struct side *s)
{
	char *at = written(s);
	double ns;

	ns = now_ns();
	s->fork();
	ns = (now_ns() - ns) / PAGES;
	s->reap();
	s->unmap(at, bytes);
	return ns;
}

static double munmap_page(const struct side *s)
{
	char *at = written(s);
	double ns;

	ns = now_ns();
	s->unmap(at, bytes);
	return (now_ns() - ns) / PAGES;
}

static double dontneed_page(const struct side *s)
{
	char *at = written(s);
	double ns;

	ns = now_ns();
	s->advise(at, bytes, MADV_DONTNEED);
	ns = (now_ns() - ns) / PAGES;
	s->unmap(at, bytes);
	return ns;
}

static double mprotect_page(const struct side *s)
{
	char *at = written(s);
	double ns;

	ns = now_ns();
	s->protect(at, bytes, false);
	ns = (now_ns() - ns) / PAGES;
	s->unmap(at, bytes);
	return ns;
}

static double mremap_page(const struct side *s)
{
	char *at = written(s);
	double ns;

	ns = now_ns();
	at = s->move(at, bytes);
	ns = (now_ns() - ns) / PAGES;
	s->unmap(at, bytes);
	return ns;
}

/* One call for one page, every second page so that areas stay apart. */
static double one_page(const struct side *s, int what)
{
	enum { CALLS = 1024 };
	char *at = written(s);
	double ns;

	ns = now_ns();
	for (uint64_t i = 0; i < CALLS; i++) {
		char *one = at + 2 * i * page;

		if (what == 0)
			s->unmap(one, page);
		else if (what == 1)
			s->protect(one, page, false);
		else
			s->advise(one, page, MADV_DONTNEED);
	}
	ns = (now_ns() - ns) / CALLS;
	s->unmap(at, bytes);
	return ns;
}

static double munmap_call(const struct side *s) { return one_page(s, 0); }
static double mprotect_call(const struct side *s) { return one_page(s, 1); }
static double dontneed_call(const struct side *s) { return one_page(s, 2); }

static double huge_fault(const struct side *s)
{
	char *at = s->map(HUGE_PAGES * huge);
	double ns;

	s->advise(at, HUGE_PAGES * huge, MADV_HUGEPAGE);
	ns = stores(s, at, huge, HUGE_PAGES);
	s->unmap(at, HUGE_PAGES * huge);
	return ns;
}

static const struct {
	const char *name;
	double (*run)(const struct side *s);
} benchmarks[] = {
	{ "first write, a page", first_write },
	{ "first read (zero page), a page", first_read },
	{ "write to the zero page, a page", zero_write },
	{ "copy on write after fork, a page", cow_break },
	{ "reuse after the child's end, a page", cow_reuse },
	{ "fork, a page", fork_page },
	{ "munmap of 32 MiB, a page", munmap_page },
	{ "madvise(DONTNEED) of 32 MiB, a page", dontneed_page },
	{ "mprotect of 32 MiB, a page", mprotect_page },
	{ "mremap of 32 MiB, a page", mremap_page },
	{ "munmap of one page, a call", munmap_call },
	{ "mprotect of one page, a call", mprotect_call },
	{ "madvise(DONTNEED) of one page, a call", dontneed_call },
	{ "first write to a huge page, 2 MiB", huge_fault },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	return v[n / 2];
}

static void operations(int rounds)
{
	double ns[2][ROUNDS_MAX];

	printf("%-42s %10s %10s %7s\n", "nanoseconds for", "mmun", "kernel", "ratio");
	for (size_t b = 0; b < sizeof(benchmarks) / sizeof(*benchmarks); b++) {
		double ours, theirs;

		for (int r = 0; r < rounds; r++)
			for (int s = 0; s < 2; s++)
				ns[s][r] = benchmarks[b].run(&sides[s]);
		ours = median(ns[0], rounds);
		theirs = median(ns[1], rounds);
		printf("%-42s %10.1f %10.1f %7.2f\n", benchmarks[b].name, ours, theirs,
		       ours / theirs);
	}
}

/* --- devices ------------------------------------------------------------- */

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Loads at random pages of n: through the device, and from plain memory. */
static void device_hits(struct mmun_ats *ats, char *at, uint64_t n, double ns[2])
{
	enum { LOADS = 2000000 };
	uint64_t *plain = calloc(n, 64), x = 88172645463325252u, v, sum = 0;

	must(plain, "calloc");
	for (uint64_t i = 0; i < n; i++)
		must(!mmun_ats_load(ats, addr_of(at) + i * page, &v), "mmun_ats_load");
	ns[0] = now_ns();
	for (int i = 0; i < LOADS; i++) {
		(void)mmun_ats_load(ats, addr_of(at) + (next_random(&x) & (n - 1)) * page, &v);
		sum += v;
	}
	ns[0] = (now_ns() - ns[0]) / LOADS;
	ns[1] = now_ns();
	for (int i = 0; i < LOADS; i++)
		sum += *(volatile uint64_t *)&plain[(next_random(&x) & (n - 1)) * 8];
	ns[1] = (now_ns() - ns[1]) / LOADS;
	free(plain);
	must(sum != 1, "adding");
}

static void devices(void)
{
	const struct mmun_ats_opts opts = { .tlb_shift = 16 };
	struct mmun_ats *ats;
	char *at = our_map(bytes);
	double ns[2], t;

	(void)stores(&sides[0], at, page, PAGES);
	must(!mmun_ats_create(mm, &opts, &ats), "mmun_ats_create");
	printf("\n%-42s %10s %10s %7s\n", "nanoseconds for", "mmun", "memory", "ratio");
	for (uint64_t n = 64; n <= PAGES; n *= 8) {
		char name[64];

		device_hits(ats, at, n, ns);
		snprintf(name, sizeof(name), "a device's load, hit, %llu pages",
			 (unsigned long long)n);
		printf("%-42s %10.1f %10.1f %7.2f\n", name, ns[0], ns[1], ns[0] / ns[1]);
	}
	t = now_ns();
	our_advise(at, 512 * page, MADV_DONTNEED);
	t = now_ns() - t;
	printf("%-42s %10.1f\n", "DONTNEED of 512 pages that it caches, a page", t / 512);
	t = now_ns();
	our_protect(at + 1024 * page, 512 * page, false);
	t = now_ns() - t;
	printf("%-42s %10.1f\n", "mprotect of 512 pages that it caches, a page", t / 512);
	mmun_ats_destroy(ats);
	our_unmap(at, bytes);
}

int main(int argc, char **argv)
{
	const struct mmun_machine_opts opts = { .frames = 5 * PAGES, .huge_frames = HUGE_PAGES };
	int rounds = argc > 1 ? atoi(argv[1]) : 7;

	must(rounds > 0 && rounds <= ROUNDS_MAX, "the number of rounds");
	page = mmun_page_size();
	huge = mmun_huge_page_size();
	bytes = PAGES * page;
	must(!mmun_machine_create(&opts, &machine), "mmun_machine_create");
	must(!mmun_mm_create(machine, MMUN_MODERN, &mm), "mmun_mm_create");
	must(!mmun_cpu_create(mm, &cpu), "mmun_cpu_create");
	operations(rounds);
	devices();
	mmun_cpu_destroy(cpu);
	mmun_mm_destroy(mm);
	return mmun_machine_destroy(machine) ? 1 : 0;
}
