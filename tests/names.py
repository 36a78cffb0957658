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
    rcu_dereference_(check|protected))''', re.X)

HEAD = '''
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
};

static unsigned evaluated, before;
static bool right;

static void begin(struct s *s)
{
	__builtin_memset(s, 0, sizeof(*s));
	evaluated = 0;
	right = true;
	before = explore_done();
}

static void note(unsigned n)
{
	right &= n == evaluated++ && explore_done() == before;
}

/* The n-th argument: a value, and a variable. */
#define A(n, x) __extension__({ note(n); (x); })
#define V(n, x) (*__extension__({ note(n); &(x); }))

static void judge(const char *name, unsigned arguments)
{
	if (!right || evaluated != arguments)
		explore_fail(ORACLE_CONDITION, "%s evaluates its arguments otherwise", name);
}

static void release(struct kref *kref) { container_of(kref, struct s, kref)->release_called++; }

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
	before = explore_done();
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
EXPLORE_CHECK({name}, .threads = 1, .state_size = sizeof(struct s), .thread = {name})
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
        return 's->p = ' if self.name.endswith(('alloc', '_array')) else '(void)'

    def freed(self):
        return ['kfree(s->p);'] if self.result() != '(void)' else []


def program(lines):
    """A few names to a check, as each check is loaded anew."""
    text = HEAD + '\n'.join(PLANTED.values()) + '\n'
    for line in lines:
        if not line.macro:
            text += f'extern __typeof__(&{line.name}) fn_{line.name};\n'
            text += f'__typeof__(&{line.name}) fn_{line.name} = {line.name};\n'
    for first in range(0, len(lines), NAMES):
        body = []
        for line in lines[first:first + NAMES]:
            body += line.by_name() + line.freed()
            if not line.macro:
                body += line.by_address() + line.freed()
        text += CHECK.format(name=f'names_{first}', body=''.join(f'\t{b}\n' for b in body))
    return text


def findings(mmun, folder, lines):
    """What is found, and whether all of it was checked."""
    path = os.path.join(folder, 'names.c')
    with open(path, 'w') as f:
        f.write(program(lines))
    done = subprocess.run([mmun, 'check', '--no-picture', path], capture_output=True, text=True)
    found = re.findall(r'^Finding (.*)', done.stdout, re.M)
    ended = done.stdout.count('\nVerdict ') == -(-len(lines) // NAMES)
    return found if ended else found + [done.stdout + done.stderr]


def lent(top):
    """The names of the headers: with arguments, and passed on."""
    macros, passed = set(), set()
    folder = os.path.join(top, 'include/mmun/linux')
    for header in sorted(os.listdir(folder)):
        text = open(os.path.join(folder, header)).read()
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        macros |= set(re.findall(r'^#define (\w+)\(', text, re.M))
        passed |= set(re.findall(r'^KERNEL_(?:FUNCTION|PROCEDURE|PASSED)\w*_\((?:[^,()]+, )?(\w+)',
                                 text, re.M))
        passed |= set(re.findall(r'^static inline [^(]*?\b\*?(\w+)\(', text, re.M))
    mine = re.compile(r'KERNEL_|kernel_|.*_$')
    macros = {m for m in macros if not mine.match(m) and not OTHER.match(m)}
    passed = {p for p in passed if not mine.match(p)}
    return macros, passed


def main():
    mmun, top = map(os.path.realpath, sys.argv[1:3])
    os.environ['MMUN_INCLUDE'] = os.path.join(top, 'include')
    table = [Line(v) for text in open(os.path.join(top, 'tests/checks/names.txt'))
             if text.strip() and not text.startswith('#') for v in variants(text.strip())]
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
            wrong += [f'{compiler}: {line}' for line in findings(mmun, folder, table)]
            found = findings(mmun, folder, [Line('macro ' + call) for call in PLANTED])
            if len(found) != len(PLANTED):
                wrong.append(f'{compiler}: of what is planted only this is found: {found}')
    print('\n'.join(wrong))
    print(f'{len(table)} names, {len(by_address)} of them by their addresses')
    sys.exit(bool(wrong) or len(table) < 100)


main()
