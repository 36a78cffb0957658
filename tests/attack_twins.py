#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attack_twins.py MMUN [--twins N] [--seed S] [--jobs J] [--one] [--planted]

Random programs with operations of the vm, each written twice: as a litmus test, and as a check in C
that calls the library. Both are explored as a user would ("mmun check"). The two ways share the vm
and the explorer, and nothing else: neither how a program comes to them, nor their oracles. So

  - the final states must be the same: the result of each access and of each operation, and what is
    in memory at the end, in a child as well;
  - so must be the numbers of executions, as both do the same operations of the vm; but readers of a
    rwsem queue behind a writer in checks in C only, so there can be more of them there if an
    operation takes mmap_lock for writing;
  - and neither finds anything, because the operations flush as they should: the oracles of litmus
    tests go by statements, and those of checks in C by what TLBs hold and pages become.

A difference names the number of the program, and --seed NUMBER --one shows both texts. With
--planted the check in C is broken in turn in each way of PLANTED, and there must be a difference
for each.
"""

import collections
import os
import random
import subprocess
import sys
import tempfile

import attack_batches

BATCH = 20
EXECUTIONS_MAX = 6000
SHOWN = ('compared', 'not finished', 'states', 'executions', 'with queues')
VARIABLES = ['x', 'y']
REGISTERS = 4
ANON, SHARED = {'', 'cow', 'swapped', 'zero', 'none'}, {'shared'}
ALL = ANON | SHARED | {'file'}
ATTRIBUTES = ['', '', '', 'cow', 'zero', 'none', 'swapped', 'shared', 'shared', 'file']
PROTS = {'PROT_NONE': 'MMUN_PROT_NONE', 'PROT_READ': 'MMUN_PROT_READ',
         'PROT_READ | PROT_WRITE': 'MMUN_PROT_READ | MMUN_PROT_WRITE'}
# What a litmus test writes, the call in C, and on which pages; {v} is a variable, {w} the other one.
OPERATIONS = [
    ('munmap({v})', 'mmun_munmap(s->mm, {v}, PAGE)', ALL),
    ('mmap({v})', 'mmun_mmap(s->mm, {v}, PAGE, RW, PRIVATE, &at)', ANON),
    ('mprotect({v}, {p})', 'mmun_mprotect(s->mm, {v}, PAGE, {P})', ALL),
    ('mprotect({v}, {p})', 'mmun_mprotect(s->mm, {v}, PAGE, {P})', ALL),
    ('madvise({v}, MADV_DONTNEED)', 'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_DONTNEED)', ALL),
    ('madvise({v}, MADV_DONTNEED)', 'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_DONTNEED)', ALL),
    ('madvise({v}, MADV_FREE)', 'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_FREE)', ANON),
    ('madvise({v}, MADV_PAGEOUT)', 'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_PAGEOUT)', ALL),
    ('madvise({v}, MADV_REMOVE)', 'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_REMOVE)', SHARED),
    ('madvise({v}, MADV_POPULATE_WRITE)',
     'mmun_madvise(s->mm, {v}, PAGE, MMUN_MADV_POPULATE_WRITE)', ALL),
    ('mremap({v}, {w})', 'mmun_mremap(s->mm, {v}, PAGE, PAGE, MOVE, {w}, &at)', {''}),
    ('uffd_move({v}, {w})', 'mmun_uffd_move(s->mm, {v}, {w}, PAGE, &at)', {'', 'none'}),
    ('ksm_merge({v}, {w})', 'mmun_ksm_merge(s->mm, {v}, {w})', {'', 'cow'}),
    ('replace_page({v}, 9)', 'mmun_replace_page(s->mm, {v}, 9)', {''}),
    ('move_pages({v})', 'mmun_migrate(s->mm, {v})', ALL),
    ('numa_hint({v})', 'mmun_numa_hint(s->mm, {v}, PAGE)', ALL),
    ('page_idle({v})', 'mmun_page_young(s->mm, {v}, true, &young)', ALL),
    ('clear_refs(1)', 'mmun_clear_refs(s->mm, MMUN_CLEAR_REFS_ALL)', ALL),
    ('clear_refs(4)', 'mmun_clear_refs(s->mm, MMUN_CLEAR_REFS_SOFT_DIRTY)', ALL),
    ('uffd_writeprotect({v}, 1)', 'mmun_uffd_writeprotect(s->mm, {v}, PAGE, true)', ANON),
    ('truncate({v})', 'mmun_object_truncate(s->object[{n}], 0)', SHARED | {'file'}),
    ('fallocate({v}, FALLOC_FL_PUNCH_HOLE)', 'mmun_object_punch(s->object[{n}], 0, PAGE)',
     SHARED | {'file'}),
    ('msync({v})', 'mmun_object_clean(s->object[{n}], 0, PAGE, &at)', SHARED | {'file'}),
    ('msync({v})', 'mmun_object_clean(s->object[{n}], 0, PAGE, &at)', SHARED | {'file'}),
    ('fork(c)', 's->child ? -1 : mmun_fork(s->mm, &s->child)', ALL),
    ('oom_reap()', 'mmun_oom_reap(s->mm)', ALL),
]

# They take mmap_lock for writing.
WRITERS = ('munmap', 'mmap', 'mprotect', 'mremap', 'fork')

PRELUDE = '''#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <mmun/kernel.h>
#include <mmun/mmun.h>

#define PAGE mmun_page_size()
#define AT(n) (((n) + 1) * mmun_huge_page_size())
#define x AT(0)
#define y AT(1)
#define RW (MMUN_PROT_READ | MMUN_PROT_WRITE)
#define ANONYMOUS (MMUN_MAP_ANONYMOUS | MMUN_MAP_FIXED)
#define PRIVATE (MMUN_MAP_PRIVATE | ANONYMOUS)
#define MOVE (MMUN_MREMAP_MAYMOVE | MMUN_MREMAP_FIXED)
#define REGISTERS %(REGISTERS)d
#define FAULT -1
#define UNMAPPED -2
#define must(call) EXPLORE_ASSERT(!(call))

struct page { const char *attribute; int value; };
struct test { const char *name; struct page page[2]; const char *threads[3], *caches[3]; bool classic; };
struct s {
	struct mmun_machine *machine;
	struct mmun_mm *mm, *twin, *child, *other;
	struct mmun_object *object[2];
	struct mmun_cpu *cpu[3];
	struct mmun_ats *ats[3];
	long r[3][REGISTERS];
};

static bool is(const struct page *p, const char *attribute) { return !strcmp(p->attribute, attribute); }

static long load(struct mmun_cpu *cpu, struct mmun_ats *ats, uint64_t at)
{
	uint64_t value;

	return (cpu ? mmun_cpu_load(cpu, at, &value) : mmun_ats_load(ats, at, &value)) ? FAULT :
	       (long)value;
}

static long store(struct mmun_cpu *cpu, struct mmun_ats *ats, uint64_t at, uint64_t value)
{
	return (cpu ? mmun_cpu_store(cpu, at, value) : mmun_ats_store(ats, at, value)) ? FAULT : 0;
}

static void populate(struct s *s, struct mmun_cpu *cpu, int n, const struct page *p)
{
	bool has_object = is(p, "shared") || is(p, "file");
	uint64_t at;

	if (has_object) {
		must(mmun_object_create(s->machine, PAGE, &s->object[n]));
		must(mmun_mmap_object(s->mm, AT(n), PAGE, RW, MMUN_MAP_SHARED | MMUN_MAP_FIXED,
				      s->object[n], 0, &at));
	} else {
		must(mmun_mmap(s->mm, AT(n), PAGE, RW, PRIVATE, &at));
	}
	if (is(p, "none"))
		return;
	if (!is(p, "zero"))
		must(mmun_cpu_store(cpu, AT(n), (uint64_t)p->value));
	if (is(p, "file"))
		must(mmun_mmap_object(s->mm, AT(n), PAGE, RW, MMUN_MAP_PRIVATE | MMUN_MAP_FIXED,
				      s->object[n], 0, &at));
	if (is(p, "zero") || is(p, "file"))
		must(mmun_cpu_load(cpu, AT(n), &at));
	if (is(p, "swapped"))
		must(mmun_madvise(s->mm, AT(n), PAGE, MMUN_MADV_PAGEOUT));
}

static void setup(void *state, void *arg)
{
	const struct mmun_machine_opts machine = { .frames = 400, .swap_pages = 20 };
	const struct mmun_ats_opts device = { .tlb_shift = 6 };
	const struct test *test = arg;
	struct mmun_cpu *cpu;
	struct s *s = state;
	uint64_t at;

	must(mmun_machine_create(&machine, &s->machine));
	must(mmun_mm_create(s->machine, test->classic ? MMUN_CLASSIC : MMUN_MODERN, &s->mm));
	must(mmun_mmap(s->mm, 0, PAGE, MMUN_PROT_NONE, PRIVATE, &at));
	must(mmun_cpu_create(s->mm, &cpu));
	for (int n = 0; n < 2; n++)
		if (is(&test->page[n], "cow"))
			populate(s, cpu, n, &test->page[n]);
	if (is(&test->page[0], "cow") || is(&test->page[1], "cow"))
		must(mmun_fork(s->mm, &s->twin));
	for (int n = 0; n < 2; n++)
		if (!is(&test->page[n], "cow"))
			populate(s, cpu, n, &test->page[n]);
	mmun_cpu_destroy(cpu);
	for (int t = 0; t < 3 && test->threads[t]; t++)
		if (*test->threads[t] == 'P')
			must(mmun_cpu_create(s->mm, &s->cpu[t]));
		else
			must(mmun_ats_create(s->mm, &device, &s->ats[t]));
	for (int t = 0; t < 3 && test->threads[t]; t++)
		for (const char *c = test->caches[t]; *c; c++)
			load(s->cpu[t], s->ats[t], *c == 'x' ? x : y);
}

/* What is in memory in the end. Nobody may be kept from it by a protection. */
static long final_value(struct mmun_mm *mm, struct mmun_cpu *cpu, uint64_t at)
{
	return !mm || mmun_mprotect(mm, at, PAGE, MMUN_PROT_READ) ? UNMAPPED : load(cpu, NULL, at);
}

static int finals(struct mmun_mm *mm, char *line)
{
	struct mmun_cpu *cpu = NULL;
	int n;

	if (mm)
		must(mmun_cpu_create(mm, &cpu));
	n = sprintf(line, " %%ld %%ld", final_value(mm, cpu, x), final_value(mm, cpu, y));
	mmun_cpu_destroy(cpu);
	return n;
}

static void finish(void *state, void *arg)
{
	const struct test *test = arg;
	struct s *s = state;
	char line[256];
	int n, fd;

	n = sprintf(line, "%%s", test->name);
	n += finals(s->mm, line + n);
	n += finals(s->child, line + n);
	for (int t = 0; t < 3; t++)
		for (int k = 0; k < REGISTERS; k++)
			n += sprintf(line + n, " %%ld", s->r[t][k]);
	line[n++] = '\\n';
	fd = open(getenv("ATTACK_STATES"), O_WRONLY | O_APPEND);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
	for (int t = 0; t < 3; t++)
		mmun_cpu_destroy(s->cpu[t]);
	must(mmun_mm_destroy(s->child));
	must(mmun_mm_destroy(s->other));
	must(mmun_mm_destroy(s->twin));
	must(mmun_mm_destroy(s->mm));
	for (int t = 0; t < 3; t++)
		mmun_ats_destroy(s->ats[t]);
	for (int k = 0; k < 2; k++)
		mmun_object_destroy(s->object[k]);
	must(mmun_machine_destroy(s->machine));
}
''' % {'REGISTERS': REGISTERS}

PLANTED = ['an operation is left out', 'a store is left out', 'a device stores another value',
           'the child is another one']


class Maker:
    """A program: attributes of the variables, and for each thread its statements: (the text in a
    litmus test, the call in C). Each statement has a register of its own."""

    def __init__(self, number):
        r = self.random = random.Random(number)
        self.name = f't{number}'
        self.attribute = [r.choice(ATTRIBUTES) for _ in VARIABLES]
        if r.random() < .3:
            self.attribute[1] = self.attribute[0]
        self.initial = [0 if a in ('zero', 'none') else 1 if r.random() < .2 else n + 1
                        for n, a in enumerate(self.attribute)]
        self.threads = ['P0', r.choice(['P1', 'D0', 'D0'])]
        if r.random() < .3:
            self.threads.append('D1' if self.threads[1] == 'D0' else r.choice(['P2', 'D0']))
        self.caches = [[v for v, a in zip(VARIABLES, self.attribute)
                        if a not in ('none', 'swapped') and r.random() < .5] for _ in self.threads]
        self.classic = r.random() < .3
        self.forks = False
        self.left = 2 if len(self.threads) == 2 else 1
        self.value = 2
        self.body = [[self.statement(t, k) for k in range(r.choice([1, 2, 2, 3]))]
                     for t in range(len(self.threads))]
        if not any(op for body in self.body for *_, op in body):
            self.body[0].append(self.operation(0, len(self.body[0])))

    def statement(self, t, k):
        r = self.random
        if self.threads[t][0] == 'P' and self.left and r.random() < .6:
            return self.operation(t, k)
        n = r.randrange(len(VARIABLES))
        v = VARIABLES[n]
        if r.random() < .5:
            return (f'int r{k} = READ_ONCE(*{v});', f'load(s->cpu[{t}], s->ats[{t}], {v})', False)
        self.value += 1
        return (f'int r{k} = WRITE_ONCE(*{v}, {self.value});',
                f'store(s->cpu[{t}], s->ats[{t}], {v}, {self.value})', False)

    def operation(self, t, k):
        r = self.random
        self.left -= 1
        while True:
            text, call, kinds = r.choice(OPERATIONS)
            n = r.randrange(len(VARIABLES))
            other = '{w}' in text and self.attribute[1 - n] not in kinds
            if self.attribute[n] not in kinds or other or \
                    ('fork' in text and self.forks):
                continue
            break
        self.forks |= 'fork' in text
        p = r.choice(list(PROTS))
        names = {'v': VARIABLES[n], 'w': VARIABLES[1 - n], 'n': n, 'p': p, 'P': PROTS[p]}
        return f'int r{k} = {text.format(**names)};', f'({call.format(**names)}) ? FAULT : 0', True

    def litmus(self):
        init = [f'{v} {a};' if a in ('zero', 'none') else f'{v} = {i} {a};'.replace(' ;', ';')
                for v, a, i in zip(VARIABLES, self.attribute, self.initial)]
        init += [f'{t} caches {v};' for t, vs in zip(self.threads, self.caches) for v in vs]
        init += ['semantics classic;'] if self.classic else []
        out = [f'VM {self.name}', '{ ' + ' '.join(init) + ' }', '']
        shown = list(VARIABLES) + (['c:x', 'c:y'] if self.forks else [])
        for t, body in zip(self.threads, self.body):
            out += [f'{t}(' + ', '.join(f'int *{v}' for v in VARIABLES) + ')', '{']
            out += ['\t' + text for text, *_ in body] + ['}']
            shown += [f'{t}:r{k}' for k in range(len(body))]
        return '\n'.join(out + ['locations [' + '; '.join(shown) + ']', 'exists (true)', ''])

    def check(self, planted=None):
        """None: it cannot be broken in this way."""
        out, broken = [], False
        for t, body in enumerate(self.body):
            out += ['\t{0} (thread == {1}) {{'.format('if' if not t else '} else if', t)]
            for k, (_, call, operation) in enumerate(body):
                new = call
                if not broken and planted == PLANTED[0] and operation:
                    new = '0'
                elif not broken and planted == PLANTED[1] and call.startswith('store'):
                    new = '0'
                elif not broken and planted == PLANTED[2] and call.startswith('store') and \
                        self.threads[t][0] == 'D':
                    new = call[:-1] + ' + 40)'
                broken |= new != call
                out.append(f'\t\ts->r[{t}][{k}] = {new};')
        if planted == PLANTED[3] and self.forks:
            out, broken = [line.replace('&s->child', '&s->other') for line in out], True
            out = [line.replace('s->child ?', 's->child || s->other ?') for line in out]
        if planted and not broken:
            return None
        quoted = [', '.join(f'"{w}"' for w in words) for words in
                  (self.threads, [''.join(c) for c in self.caches])]
        pages = ', '.join(f'{{ "{a}", {i} }}' for a, i in zip(self.attribute, self.initial))
        head = (f'static struct test {self.name} = {{ "{self.name}", {{ {pages} }}, {{ {quoted[0]} }}, '
                f'{{ {quoted[1]} }}, {str(self.classic).lower()} }};\n'
                f'static void {self.name}_run(void *state, unsigned thread, void *arg)\n{{\n'
                '\tstruct s *s = state;\n\tuint64_t at;\n\tbool young;\n\n'
                '\t(void)arg, (void)at, (void)young;\n')
        return (head + '\n'.join(out) + '\n\t}\n}\n\n'
                f'EXPLORE_CHECK({self.name}, .threads = {len(self.threads)}, .state_size = sizeof(struct s),\n'
                f'\t.setup = setup, .thread = {self.name}_run, .finish = finish, .arg = &{self.name})\n\n')

    def states(self, result):
        """What mmun has said of the litmus test, in the order of a line of the check."""
        words = {'fault': -1, 'unmapped': -2}
        for state in result['states']:
            state = {k: words.get(v, v) for k, v in state.items()}
            line = [state['x'], state['y'], state.get('c:x', -2), state.get('c:y', -2)]
            for t in range(3):
                name = self.threads[t] if t < len(self.threads) else ''
                line += [state.get(f'{name[1:] if name[:1] == "P" else name}:r{k}', 0) for k in range(REGISTERS)]
            yield tuple(line)


def compare(test, litmus, check, got):
    for way, result in ('litmus test', litmus), ('check in C', check):
        if not result or 'exhaustive' not in result:
            return f'mmun gives no answer to the {way}: {result}'
        if result['findings']:
            return f'the {way} finds {result["findings"][0]["oracle"]}: {result["findings"][0].get("text")}'
    if not litmus['exhaustive'] or not check['exhaustive']:
        return 'not finished'
    want = set(test.states(litmus))
    if want - got:
        return f'only the litmus test has {min(want - got)}'
    if got - want:
        return f'only the check in C has {min(got - want)}'
    queues = any(writer in text for text, *_ in sum(test.body, []) for writer in WRITERS)
    if check['executions'] < litmus['executions'] or (check['executions'] > litmus['executions'] and not queues):
        return f'{litmus["executions"]} executions of the litmus test, {check["executions"]} of the check in C'
    return None


def run(arguments, path, **environment):
    ran = subprocess.run([arguments.mmun, 'check', '--json', '--max-executions', str(EXECUTIONS_MAX), path],
                         env=dict(os.environ, **environment), capture_output=True, text=True)
    results = attack_batches.answers(ran)
    if not results:
        results[None] = attack_batches.no_answer(ran)
    return results


def run_checks(arguments, folder, tests, planted=None):
    """The answers, and the final states, by the names of the tests that can be broken so."""
    source, states = os.path.join(folder, 'twins.c'), os.path.join(folder, 'states')
    texts = [text for text in (test.check(planted) for test in tests) if text]
    with open(source, 'w') as out:
        out.write(PRELUDE + ''.join(texts))
    open(states, 'w').close()
    results = run(arguments, source, ATTACK_STATES=states) if texts else {}
    finals = collections.defaultdict(set)
    with open(states) as lines:
        for line in lines:
            name, *values = line.split()
            finals[name].add(tuple(int(v) for v in values))
    return results, finals


def run_batch(arguments, numbers):
    tests, told, counts = [Maker(n) for n in numbers], [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, 'litmus'))
        for test in tests:
            with open(os.path.join(folder, 'litmus', test.name + '.litmus'), 'w') as out:
                out.write(test.litmus())
        litmus = run(arguments, os.path.join(folder, 'litmus'))
        checks, finals = run_checks(arguments, folder, tests)
        broken = {rule: run_checks(arguments, folder, tests, rule)
                  for rule in PLANTED if arguments.planted and tests[0].name == f't{arguments.seed}'}
    for test in tests:
        result = litmus.get(test.name, litmus.get(None))
        check = checks.get(test.name, checks.get(None))
        wrong = compare(test, result, check, finals[test.name])
        for rule, (results, states) in broken.items():
            if test.name in results:
                counts[rule] += compare(test, result, results[test.name], states[test.name]) not in \
                    (None, 'not finished')
        counts['compared'] += 1
        if wrong == 'not finished':
            counts['not finished'] += 1
            wrong = None
        elif not wrong:
            counts['states'] += len(finals[test.name])
            counts['executions'] += check['executions']
            counts['with queues'] += check['executions'] != result['executions']
        if wrong:
            told.append(f'{test.name[1:]}: {wrong}')
            if arguments.one:
                told += [test.litmus(), test.check()]
    return told, counts


if __name__ == '__main__':
    attack_batches.attack(attack_batches.parser(__doc__.split('\n')[2], 'twins'),
                          sys.modules[__name__])
