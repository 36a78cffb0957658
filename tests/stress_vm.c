/* SPDX-License-Identifier: MIT */
/*
 * stress_vm.c - real threads at one address space and its children: each draws
 * operations, one after the other, and checks what it knows of its words (stress.h).
 * Now and then all rest, and the machine is audited. Ends with 0, or by abort with a
 * line that says what was wrong and how to run it again.
 */
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "stress.h"

struct thread threads[THREADS_MAX];

static struct options {
	double seconds;
	uint64_t seed;
	unsigned threads;
	unsigned rest_ms;     /* how long they work between two audits */
	bool classic, verbose, no_failures, no_preemption;
	bool masked[64];      /* operations that are left out */
} options = { .seconds = 2, .seed = 1, .threads = 5, .rest_ms = 50 };

static struct {
	pthread_barrier_t barrier;
	atomic_bool rest, stop;
	atomic_uint_least64_t runs[64];
} control;

static _Thread_local const char *current = "start or end";

void stress_failed(const char *file, int line, const char *what, long long a, long long b)
{
	fprintf(stderr, "%s:%d: %s (%lld, %lld) in '%s'; stress_vm --seed %llu --threads %u%s\n",
		file, line, what, a, b, current, (unsigned long long)options.seed,
		options.threads, options.classic ? " --classic" : "");
	abort();
}

/* --- threads ------------------------------------------------------------- */

static const struct act *draw(struct thread *t)
{
	unsigned sum = 0, i;
	uint64_t at;

	for (i = 0; i < act_count; i++)
		sum += options.masked[i] ? 0 : acts[i].weight;
	at = random_below(t, sum);
	for (i = 0;; i++) {
		unsigned weight = options.masked[i] ? 0 : acts[i].weight;

		if (at < weight)
			return &acts[i];
		at -= weight;
	}
}

static void *thread_run(void *arg)
{
	struct thread *t = arg;

	while (!atomic_load(&control.stop)) {
		const struct act *o = draw(t);

		current = o->name;
		o->run(t);
		atomic_fetch_add_explicit(&control.runs[o - acts], 1, memory_order_relaxed);
		if (atomic_load(&control.rest)) {
			pthread_barrier_wait(&control.barrier); /* all rest */
			pthread_barrier_wait(&control.barrier); /* and go on */
		}
	}
	return NULL;
}

/* --- preemption ---------------------------------------------------------- */

/*
 * There are more windows than the scheduler would find: threads are stopped wherever
 * they are, in the middle of an operation, for a while.
 */
static void on_signal(int number)
{
	static const struct timespec pause = { .tv_nsec = 20000 };
	static _Thread_local unsigned count;

	(void)number;
	if (++count % 4 == 0)
		nanosleep(&pause, NULL);
	else
		sched_yield();
}

static void *preempt_run(void *arg)
{
	const pthread_t *id = arg;
	uint64_t rnd = options.seed;

	while (!atomic_load(&control.stop)) {
		rnd = rnd * 6364136223846793005u + 1442695040888963407u;
		usleep(10 + (rnd >> 40) % 64);
		if (!atomic_load(&control.rest))
			pthread_kill(id[(rnd >> 33) % options.threads], SIGUSR1);
	}
	return NULL;
}

/* Nobody is at work. */
/* What it has is what the address space has. */
static void audit_mirror(const struct stress *s, const struct mirror *m)
{
	for (uint64_t at = REGION_START(0); at < REGION_START(REGIONS); at += PAGE_BYTES) {
		pte_t e = pgtable_translate(&s->mm->pt, at);
		bool write;
		pfn_t pfn;

		if (!mirror_peek(m, at, &pfn, &write))
			continue;
		CHECK(pte_present(e) && (!write || pte_write(e)));
		CHECK_EQ(pte_pfn(e).v, pfn.v);
	}
}

static void audit_all(struct stress *s)
{
	struct mmun_mm *mms[THREADS_MAX + 1] = { s->mm };
	struct mmun_object *objects[] = { s->shared, s->file };
	struct audit_roots roots = {
		.machine = s->machine, .mms = mms, .mm_count = 1,
		.objects = objects, .object_count = 2,
		.devices = s->ats, .device_count = DEVICES,
	};

	for (unsigned i = 0; i < s->threads; i++)
		if (threads[i].child)
			mms[roots.mm_count++] = threads[i].child;
	(void)sync_alloc_fail_clear();
	audit_machine(&roots);
	for (int i = 0; i < MIRRORS; i++)
		audit_mirror(s, s->mirror[i]);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_threads(struct stress *s)
{
	pthread_t id[THREADS_MAX], preempter;
	double end = now() + options.seconds;

	pthread_barrier_init(&control.barrier, NULL, s->threads + 1);
	for (unsigned i = 0; i < s->threads; i++)
		CHECK(!pthread_create(&id[i], NULL, thread_run, &threads[i]));
	if (!options.no_preemption)
		CHECK(!pthread_create(&preempter, NULL, preempt_run, id));
	while (!atomic_load(&control.stop)) {
		usleep(options.rest_ms * 1000);
		atomic_store(&control.rest, true);
		alarm(120); /* whoever does not come to rest is locked up */
		pthread_barrier_wait(&control.barrier);
		audit_all(s);
		atomic_store(&control.stop, now() >= end);
		if (atomic_load(&control.stop) && !options.no_preemption)
			pthread_join(preempter, NULL); /* before those that it signals */
		atomic_store(&control.rest, false);
		pthread_barrier_wait(&control.barrier);
	}
	for (unsigned i = 0; i < s->threads; i++)
		pthread_join(id[i], NULL);
	pthread_barrier_destroy(&control.barrier);
}

/* --- the world ----------------------------------------------------------- */

static void map_object(struct stress *s, enum region r, struct mmun_object *o, int flags)
{
	uint64_t at;

	CHECK(!mmun_mmap_object(s->mm, REGION_START(r), REGION_BYTES, RW, flags, o, 0, &at));
}

static void map_anonymous(struct stress *s, enum region r, int prot)
{
	uint64_t at;

	CHECK(!mmun_mmap(s->mm, REGION_START(r), REGION_BYTES, prot, ANON, &at));
}

/* A driver that has no page of the own region, but whose lock somebody else may hold: then
 * it would have to block, and what must not block is told so. */
static bool driver_invalidate(struct mmu_interval_notifier *sub,
			      const struct mmu_notifier_range *range, uint64_t seq)
{
	static atomic_uint calls;

	if (!mmu_notifier_range_blockable(range) && atomic_fetch_add(&calls, 1) % 2)
		return false;
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_interval_notifier_ops driver_ops = { .invalidate = driver_invalidate };

static void stress_init(struct stress *s)
{
	struct mmun_machine_opts opts = { .frames = 9000, .huge_frames = 6, .swap_pages = 700 };
	struct mmun_ats_opts ats_opts = { .tlb_shift = 7 };

	s->threads = options.threads;
	s->inject = !options.no_failures;
	CHECK(!mmun_machine_create(&opts, &s->machine));
	CHECK(!mmun_mm_create(s->machine, options.classic ? MMUN_CLASSIC : MMUN_MODERN, &s->mm));
	CHECK(!mmun_object_create(s->machine, REGION_BYTES, &s->shared));
	CHECK(!mmun_object_create(s->machine, REGION_BYTES, &s->file));
	for (int i = 0; i < DEVICES; i++) {
		/* In classic address spaces nobody would tell it. */
		ats_opts.caches_permissions = i == DEVICES - 1 && !options.classic;
		CHECK(!mmun_ats_create(s->mm, &ats_opts, &s->ats[i]));
	}
	map_anonymous(s, REGION_OWN, RW);
	map_anonymous(s, REGION_DROPPED, RW);
	map_anonymous(s, REGION_VOLATILE, RW);
	map_anonymous(s, REGION_WHOLE, RW);
	map_anonymous(s, REGION_READ_ONLY, MMUN_PROT_READ);
	map_object(s, REGION_SHARED, s->shared, SHARED);
	map_object(s, REGION_ALIAS, s->shared, SHARED);
	map_object(s, REGION_FILE, s->file, SHARED);
	map_object(s, REGION_PRIVATE, s->file, MMUN_MAP_PRIVATE | MMUN_MAP_FIXED);
	for (unsigned i = 0; i < MIRRORS; i++)
		CHECK(!mirror_create(&s->mm->domain, (enum mirror_kind)i, REGION_START(0),
				     REGION_START(REGIONS) - REGION_START(0), &s->mirror[i]));
	CHECK(!mmu_interval_notifier_insert(&s->driver, s->mm, REGION_START(REGION_OWN),
					    REGION_BYTES, &driver_ops));
	for (unsigned i = 0; i < s->threads; i++) {
		threads[i].s = s;
		threads[i].number = i;
		threads[i].clock = i;
		threads[i].rnd = options.seed * 1000003 + i;
		CHECK(!mmun_cpu_create(s->mm, &threads[i].cpu));
	}
}

static void stress_fini(struct stress *s)
{
	uint64_t v;

	for (unsigned i = 0; i < s->threads; i++)
		thread_fini(&threads[i]);
	audit_all(s);
	CHECK(!mmun_mm_destroy(s->mm));
	for (int i = 0; i < MIRRORS; i++)
		mirror_destroy(s->mirror[i]);
	mmu_interval_notifier_remove(&s->driver);
	CHECK_EQ(mmun_ats_load(s->ats[0], REGION_START(REGION_OWN), &v), -EFAULT);
	for (int i = 0; i < DEVICES; i++)
		mmun_ats_destroy(s->ats[i]);
	mmun_object_destroy(s->shared);
	mmun_object_destroy(s->file);
	CHECK_EQ(machine_frames_used(s->machine), 0);
	CHECK(!mmun_machine_destroy(s->machine));
	CHECK_EQ(sync_alloc_live(), 0);
}

/* --- options ------------------------------------------------------------- */

static const char usage[] =
	"usage: stress_vm [--seconds N] [--seed N] [--threads N] [--rest MS] [--classic]\n"
	"                 [--ops NAME,... | --without NAME,...] [--no-failures]\n"
	"                 [--no-preemption] [--verbose]\n";

static _Noreturn void bad_usage(void)
{
	fputs(usage, stderr);
	for (unsigned i = 0; i < act_count; i++)
		fprintf(stderr, "%s%s", i ? "," : "acts: ", acts[i].name);
	fputs("\n", stderr);
	exit(2);
}

static void take_ops(char *list, bool only)
{
	for (unsigned i = 0; only && i < act_count; i++)
		options.masked[i] = true;
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		unsigned i = 0;

		while (i < act_count && strcmp(name, acts[i].name))
			i++;
		if (i == act_count)
			bad_usage();
		options.masked[i] = !only;
	}
}

static void take_options(int argc, char **argv)
{
	static const struct option all[] = {
		{ "seconds", 1, NULL, 't' }, { "seed", 1, NULL, 's' }, { "threads", 1, NULL, 'n' },
		{ "rest", 1, NULL, 'r' }, { "classic", 0, NULL, 'c' }, { "ops", 1, NULL, 'o' },
		{ "without", 1, NULL, 'w' }, { "no-failures", 0, NULL, 'f' },
		{ "no-preemption", 0, NULL, 'p' },
		{ "verbose", 0, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", all, NULL)) != -1)
		switch (c) {
		case 't': options.seconds = atof(optarg); break;
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 'n': options.threads = (unsigned)atoi(optarg); break;
		case 'r': options.rest_ms = (unsigned)atoi(optarg); break;
		case 'c': options.classic = true; break;
		case 'o': take_ops(optarg, true); break;
		case 'w': take_ops(optarg, false); break;
		case 'f': options.no_failures = true; break;
		case 'p': options.no_preemption = true; break;
		case 'v': options.verbose = true; break;
		default: bad_usage();
		}
	if (optind != argc || !options.threads || options.threads > THREADS_MAX)
		bad_usage();
}

/* Each operation of the table has been called, once there were calls enough for all. */
static void check_coverage(void)
{
	uint64_t all = 0;

	for (int op = 0; op < OP_COUNT; op++)
		all += atomic_load(&any_count[op]);
	for (int op = 0; op < OP_COUNT && all > 100 * OP_COUNT; op++)
		CHECK(!any_calls((enum op)op) || atomic_load(&any_count[op]));
}

int main(int argc, char **argv)
{
	struct stress s = { 0 };

	take_options(argc, argv);
	signal(SIGUSR1, on_signal);
	stress_init(&s);
	run_threads(&s);
	current = "start or end";
	for (unsigned i = 0; options.verbose && i < act_count; i++)
		printf("%-14s %llu\n", acts[i].name,
		       (unsigned long long)atomic_load(&control.runs[i]));
	stress_fini(&s);
	check_coverage();
	return 0;
}
