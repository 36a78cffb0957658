#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""names.py MMUN SOURCE-DIR

Holds the names that mmun lends from Linux to what tests/checks/names.txt says of them. Each is
called in a check with arguments that note when they are evaluated: once, from the left to the
right, and before the first operation of the name. And each that Linux has as a function is
called by its address, with the same effect, and from the place of that call. A name of the
headers that the table does not have is an error, and so is one that is planted and wrong.
"""

import os
import re
import subprocess
import sys
import tempfile

# What is asked of a name elsewhere, or makes no sense of it: declarations, names for other
# names, and what takes types, members, conditions and bodies of loops.
OTHER = re.compile(r'''(DEFINE|DECLARE|LIST_HEAD|HLIST_HEAD|__\w+_(INITIALIZER|UNLOCKED)|\w+_INIT$|
    ATOMIC\w*_INIT|\w+_INITIALIZER|SEQCNT_ZERO|BITS?_|BIT$|BUILD_BUG_ON|ARRAY_SIZE|container_of|
    \w+_entry(_\w+)?$|\w*for_each\w*|list_first_or_null_rcu|wait_event|sleep_on|explore_optional|
    likely|unlikely|pr_\w+|barrier|smp_[rw]?mb|smp_mb__\w+|BUG$|VM_BUG_ON_(PAGE|FOLIO)|
    rcu_dereference_(check|protected)|k\w+_rcu$|INIT_D?\w*WORK|from_timer|timer_setup|alloc_\w*workqueue|
    create_\w*workqueue|to_delayed_work|msecs_to_jiffies|destroy_work_on_stack|
    INTERVAL_TREE_DEFINE|dma_fence_(begin|end)_signalling|z?alloc_cpumask_var|smp_cond_load_\w+|atomic_cond_read_\w+|
    alloc_percpu\w*|EXPORT_\w+)''', re.X)

STATE = '''
#include <mmun/kernel.h>

struct s {
	int x, y, release_called;
	s64 y64;
	void *p;
	atomic_t n;
	atomic64_t n64;
	atomic_long_t nl;
	refcount_t ref;
	struct kref kref;
	unsigned long bits[2], flags;
	seqcount_t seq;
	seqlock_t seqlock;
	spinlock_t spin;
	rwlock_t rwlock;
	struct mutex mutex;
	struct rw_semaphore sem;
	struct srcu_struct srcu;
	wait_queue_head_t queue;
	struct completion done;
	struct list_head list, other, e[4];
	struct hlist_head hlist;
	struct hlist_node h[3];
	struct xarray xa;
	struct rcu_head rcu;
	struct work_struct work;
	struct delayed_work delayed;
	struct timer_list timer;
	struct cpumask mask, other_mask;
	cpumask_var_t mask_var;
	int *counters;
	struct workqueue_struct *wq;
	struct dma_fence fence, later, *fencep;
	struct dma_fence_cb cb;
	struct dma_resv resv;
	struct dma_resv_iter cursor;
	struct rb_root_cached tree, ranges;
	struct rb_node *link, node[3];
	struct interval_tree_node range, range2;
};

static void setup(void *state, void *arg) { (void)state; (void)arg; }
static void finish(void *state, void *arg) { (void)state; (void)arg; }
static void anew(struct s *s) { __builtin_memset(s, 0, sizeof(*s)); }

static __attribute__((unused)) void release(struct kref *kref)
{
	container_of(kref, struct s, kref)->release_called++;
}

static DEFINE_PER_CPU(int, hits);
static __attribute__((unused)) void interrupts(void *info) { (void)info; }
static __attribute__((unused)) bool asked(int cpu, void *info) { return info && cpu; }

static __attribute__((unused)) void called(struct rcu_head *head) { (void)head; }
static __attribute__((unused)) void worked(struct work_struct *work) { (void)work; }
static __attribute__((unused)) void timed(struct timer_list *timer) { (void)timer; }

static __attribute__((unused)) void fenced(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

static __attribute__((unused)) void kept(struct dma_fence *fence) { (void)fence; }
static const struct dma_fence_ops fence_ops = { .release = kept };

static __attribute__((unused)) void fence(struct s *s)
{
	dma_fence_init(&s->fence, &fence_ops, &s->spin, 1, 1);
	dma_fence_init(&s->later, &fence_ops, &s->spin, 1, 2);
	s->fencep = &s->fence;
}

static __attribute__((unused)) void signaled(struct s *s)
{
	fence(s);
	dma_fence_signal(&s->fence);
}

static __attribute__((unused)) void reserved(struct s *s)
{
	fence(s);
	EXPLORE_ASSERT(!dma_resv_lock(&s->resv, NULL));
	EXPLORE_ASSERT(!dma_resv_reserve_fences(&s->resv, 1));
}

static __attribute__((unused)) void added(struct s *s)
{
	reserved(s);
	dma_resv_add_fence(&s->resv, &s->fence, DMA_RESV_USAGE_WRITE);
	dma_resv_iter_begin(&s->cursor, &s->resv, DMA_RESV_USAGE_READ);
	s->fencep = dma_resv_iter_first(&s->cursor);
}

static __attribute__((unused)) void walked(struct s *s)
{
	added(s);
	dma_resv_unlock(&s->resv);
	s->fencep = dma_resv_iter_first_unlocked(&s->cursor);
}

static __attribute__((unused)) void unreserved(struct s *s)
{
	dma_resv_unlock(&s->resv);
	dma_resv_fini(&s->resv);
}

static __attribute__((unused)) bool less(struct rb_node *a, const struct rb_node *b) { return a < b; }
static __attribute__((unused)) int order(struct rb_node *a, const struct rb_node *b)
{
	return a < b ? -1 : a > b;
}

static __attribute__((unused)) int match(const void *key, const struct rb_node *node)
{
	return (const char *)key < (const char *)node ? -1 : (const char *)key > (const char *)node;
}

static __attribute__((unused)) void tree(struct s *s)
{
	rb_add_cached(&s->node[1], &s->tree, less);
	rb_add_cached(&s->node[2], &s->tree, less);
	interval_tree_insert(&s->range, &s->ranges);
}

static __attribute__((unused)) void linked(struct s *s)
{
	rb_link_node(&s->node[0], NULL, &s->tree.rb_root.rb_node);
}

static __attribute__((unused)) void work(struct s *s)
{
	INIT_WORK(&s->work, worked);
	INIT_DELAYED_WORK(&s->delayed, worked);
	timer_setup(&s->timer, timed, 0);
}

static __attribute__((unused)) void lists(struct s *s)
{
	INIT_LIST_HEAD(&s->list);
	INIT_LIST_HEAD(&s->other);
	INIT_LIST_HEAD(&s->e[0]);
	list_add(&s->e[1], &s->list);
	list_add(&s->e[2], &s->list);
	list_add(&s->e[3], &s->other);
	hlist_add_head(&s->h[1], &s->hlist);
	hlist_add_head(&s->h[2], &s->hlist);
}
'''

MM_STATE = '''
#include <mmun/kernel_mm.h>

struct s {
	struct mm_world w;
	struct mm_struct *mm;
	unsigned long a, b;
	struct vm_area_struct vma;
	struct page *page;
	struct folio *folio;
	pmd_t *pmdp, pmd;
	pte_t *ptep, pte;
	swp_entry_t entry;
	spinlock_t *ptl;
	struct mmu_notifier_range range;
	struct mmu_gather tlb;
	struct rmap_walk_control rwc;
	struct page_vma_mapped_walk pvmw;
	struct mmu_interval_notifier sub;
	struct hmm_range hmm;
	unsigned long pfn;
	void *p;
	int x;
	uint64_t y64;
};

static bool look(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	(void)folio;
	(void)vma;
	(void)addr;
	(void)arg;
	return true;
}

static void anew(struct s *s)
{
	s->vma = vma_of(s->mm, s->a);
	s->pmdp = pmd_off(s->mm, s->a);
	s->pmd = pmdp_get(s->pmdp);
	s->ptep = pte_offset_map(s->mm, s->pmdp, s->a);
	s->pte = ptep_get(s->ptep);
	s->page = pte_page(s->pte);
	s->folio = page_folio(s->page);
	s->entry = make_readable_migration_entry(page_to_pfn(s->page));
	s->rwc.rmap_one = look;
	s->pvmw = kernel_pvmw_(page_to_pfn(s->page), 1, &s->vma, s->a, 0);
}

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_init(&s->w, MMUN_CLASSIC, 1, true);
	s->mm = s->w.mm;
	s->a = mm_world_page(&s->w, 0, 0, 7);
	s->b = mm_world_page(&s->w, 0, 1, 8);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	mm_world_fini(&s->w);
}

static __attribute__((unused)) void range(struct s *s)
{
	mmu_notifier_range_init(&s->range, MMU_NOTIFY_CLEAR, 0, s->mm, s->a & PMD_MASK,
				(s->a & PMD_MASK) + PMD_SIZE);
}

static __attribute__((unused)) void begun(struct s *s)
{
	range(s);
	mmu_notifier_invalidate_range_start(&s->range);
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
		       uint64_t seq)
{
	(void)range;
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = { .invalidate = invalidate };

static __attribute__((unused)) void mirror(struct s *s)
{
	EXPLORE_ASSERT(!mmu_interval_notifier_insert(&s->sub, s->mm, s->a, PAGE_SIZE,
						     &interval_ops));
	s->hmm = (struct hmm_range){ .notifier = &s->sub, .start = s->a, .end = s->a + PAGE_SIZE,
				     .hmm_pfns = &s->pfn };
	s->hmm.notifier_seq = mmu_interval_read_begin(&s->sub);
	mmap_read_lock(s->mm);
}

static __attribute__((unused)) void mirrored(struct s *s)
{
	mmap_read_unlock(s->mm);
	mmu_interval_notifier_remove(&s->sub);
}

static __attribute__((unused)) void entry(struct s *s)
{
	begun(s);
	EXPLORE_ASSERT(pte_offset_map_lock(s->mm, s->pmdp, s->a, &s->ptl) == s->ptep);
}

static __attribute__((unused)) void done(struct s *s)
{
	set_pte_at(s->mm, s->a, s->ptep, s->pte);
	pte_unmap_unlock(s->ptep, s->ptl);
	flush_tlb_mm(s->mm);
	mmu_notifier_invalidate_range_end(&s->range);
}

static __attribute__((unused)) void mapped(struct s *s)
{
	folio_add_anon_rmap_pte(s->folio, s->page, &s->vma, s->a);
	done(s);
}

static __attribute__((unused)) void table(struct s *s)
{
	begun(s);
	s->ptl = pmd_lock(s->mm, s->pmdp);
}

static __attribute__((unused)) void table_done(struct s *s)
{
	set_pmd_at(s->mm, s->a, s->pmdp, s->pmd);
	spin_unlock(s->ptl);
	flush_tlb_mm(s->mm);
	mmu_notifier_invalidate_range_end(&s->range);
}

static __attribute__((unused)) void gather(struct s *s)
{
	get_page(s->page);
	tlb_gather_mmu(&s->tlb, s->mm);
}

static __attribute__((unused)) void gather_table(struct s *s)
{
	s->p = pte_alloc_one(s->mm, s->a);
	tlb_gather_mmu(&s->tlb, s->mm);
}

'''

HEAD = '''
static unsigned evaluated, before;
static bool right;

static void begin(struct s *s)
{
	anew(s);
	evaluated = 0;
	right = true;
	before = explore_done();
}

static void note(unsigned n) { right &= n == evaluated++ && explore_done() == before; }

/* The n-th argument: a value, and a variable. */
#define A(n, x) __extension__({ note(n); (x); })
#define V(n, x) (*__extension__({ note(n); &(x); }))

static void judge(const char *name, unsigned arguments)
{
	if (!right || evaluated != arguments)
		explore_fail(ORACLE_CONDITION, "%s evaluates its arguments otherwise", name);
}
'''

NAMES = 40

CHECK = '''
static void {name}(void *state, unsigned t, void *arg)
{{
	struct s *s = state;

	(void)t;
	(void)arg;
{body}}}
EXPLORE_CHECK({name}, .threads = 1, .state_size = sizeof(struct s), .setup = setup,
	      .thread = {name}, .finish = finish)
'''

# What must be found: an argument that is evaluated twice, late, or in another order.
PLANTED = {
    'planted_twice(&s->n)':
        '#define planted_twice(v) (atomic_inc(v), atomic_dec(v))',
    'planted_late(&s->x, 1)':
        '#define planted_late(x, v) (*(x) = 2, WRITE_ONCE(s->y, 1), WRITE_ONCE(*(x), v))',
    'planted_never(&s->x, 1)':
        '#define planted_never(x, v) WRITE_ONCE(*(x), 3)',
    'planted_backwards(&s->x, 1)':
        '#define planted_backwards(x, v) ({ int v_ = (v); *(x) = v_; })',
}


def variants(line):
    """{a|b} x {c|d} [e|f]: the first of each {}, the second of each; and each of them with each of []."""
    many = re.search(r'\[([^]|]*\|[^]]*)\]', line)
    if many:
        return [v for choice in many.group(1).split('|')
                for v in variants(line[:many.start()] + choice + line[many.end():])]
    groups = re.findall(r'\{([^{}]*)\}', line)
    if not groups:
        return [line]
    made = []
    for choice in zip(*(g.split('|') for g in groups)):
        rest = iter(choice)
        made.append(re.sub(r'\{[^{}]*\}', lambda m: next(rest), line))
    return made


def arguments(text):
    """At the commas that are in no parenthesis."""
    found, depth, at = [], 0, ''
    for c in text:
        depth += (c in '([') - (c in ')]')
        if c == ',' and not depth:
            found.append(at.strip())
            at = ''
        else:
            at += c
    return found + [at.strip()] if at.strip() else found


class Line:
    def __init__(self, text):
        call, *rest = [part.strip() for part in text.split(';')]
        self.macro = call.startswith('macro ')
        call = call.removeprefix('macro ')
        self.name, args = re.fullmatch(r'(\w+)\((.*)\)', call).groups()
        self.args = arguments(args)
        self.before = rest[0] if rest else ''
        self.after = rest[1] if len(rest) > 1 else ''

    def around(self, call):
        lines = ['begin(s);']
        if self.before:
            lines += [self.before + ';', 'before = explore_done();']
        lines.append(call)
        if self.after:
            lines.append(self.after + ';')
        return lines

    def by_name(self):
        noted = [f'V({n}, {a[1:]})' if a.startswith('@') else
                 a if a.startswith('"') else f'A({n}, {a})' for n, a in enumerate(self.args)]
        count = sum(not a.startswith('"') for a in self.args)
        return self.around(f'{self.result()}{self.name}({", ".join(noted)});'
                           f' judge("{self.name}", {count});')

    def by_address(self):
        return self.around(f'{self.result()}fn_{self.name}({", ".join(self.args)});')

    def result(self):
        return 's->p = ' if re.search(r'alloc(?!_off)', self.name) else '(void)'


def program(state, lines):
    """A few names to a check, as each check is loaded anew."""
    text = state + HEAD + '\n'.join(PLANTED.values()) + '\n'
    for line in lines:
        if not line.macro:
            text += f'extern __typeof__(&{line.name}) fn_{line.name};\n'
            text += f'__typeof__(&{line.name}) fn_{line.name} = {line.name};\n'
    for first in range(0, len(lines), NAMES):
        body = []
        for line in lines[first:first + NAMES]:
            body += line.by_name()
            if not line.macro:
                body += line.by_address()
        text += CHECK.format(name=f'names_{first}', body=''.join(f'\t{b}\n' for b in body))
    return text


def findings(mmun, folder, state, lines):
    """What is found, and whether all of it was checked."""
    path = os.path.join(folder, 'names.c')
    with open(path, 'w') as f:
        f.write(program(state, lines))
    done = subprocess.run([mmun, 'check', '--no-picture', path], capture_output=True, text=True)
    found = re.findall(r'^Finding (.*)', done.stdout, re.M)
    ended = done.stdout.count('\nVerdict ') == -(-len(lines) // NAMES)
    return found if ended else found + [done.stdout + done.stderr]


def lent(top):
    """The names of the headers: with arguments, and passed on."""
    macros, passed = set(), set()
    folder = os.path.join(top, 'include/mmun')
    headers = [os.path.join(folder, 'linux', name) for name in os.listdir(folder + '/linux')]
    for header in sorted(headers) + [folder + '/kernel_mm.h']:
        text = open(header).read()
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        macros |= set(re.findall(r'^#define (\w+)\(', text, re.M))
        passed |= set(re.findall(r'^KERNEL_(?:FUNCTION|PROCEDURE|PASSED)\w*_\((?:[^,()]+, )?(\w+)',
                                 text, re.M))
        passed |= set(re.findall(r'^static inline [^(]*?\b\*?(\w+)\(', text, re.M))
    mine = re.compile(r'KERNEL_|kernel_|mm_world_|.*_$')
    macros = {m for m in macros if not mine.match(m) and not OTHER.match(m)}
    passed = {p for p in passed if not mine.match(p)}
    return macros, passed


def main():
    mmun, top = map(os.path.realpath, sys.argv[1:3])
    os.environ['MMUN_INCLUDE'] = os.path.join(top, 'include')
    tables = {STATE: [], MM_STATE: []}
    into = tables[STATE]
    for text in open(os.path.join(top, 'tests/checks/names.txt')):
        if text.startswith('== kernel_mm'):
            into = tables[MM_STATE]
        elif text.strip() and not text.startswith('#'):
            into += [Line(v) for v in variants(text.strip())]
    table = tables[STATE] + tables[MM_STATE]
    wrong = []
    macros, passed = lent(top)
    known = {line.name for line in table}
    by_address = {line.name for line in table if not line.macro}
    for name in sorted((macros | passed) - known):
        wrong.append(f'tests/checks/names.txt: error: {name} is not there')
    for name in sorted(passed - by_address - (passed - known)):
        wrong.append(f'tests/checks/names.txt: error: {name} is a function, not a macro')
    with tempfile.TemporaryDirectory() as folder:
        for compiler in ['gcc', 'clang']:
            if subprocess.run(['sh', '-c', f'command -v {compiler}'], capture_output=True).returncode:
                continue
            os.environ['CC'] = compiler
            for state, lines in tables.items():
                wrong += [f'{compiler}: {line}' for line in findings(mmun, folder, state, lines)]
            found = findings(mmun, folder, STATE, [Line('macro ' + call) for call in PLANTED])
            if len(found) != len(PLANTED):
                wrong.append(f'{compiler}: of what is planted only this is found: {found}')
    print('\n'.join(wrong))
    print(f'{len(table)} names, {len(by_address)} of them by their addresses')
    sys.exit(bool(wrong) or len(table) < 100)


if __name__ == '__main__':
    main()
