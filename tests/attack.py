#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attack.py MMUN [--checks N] [--seed S] [--cc CC] [--keep DIR] [--jobs J] [--one]
    [--planted]

Random checks in C, explored by mmun as a user would ("mmun check FILE"), against an enumerator that
shares no code with it: each program is also interpreted here, step by step, over all states that
its threads can reach. The two must agree on the final states, and on whether there is a race, a use
of freed memory, a failed assertion, or a thread that waits forever. A program is made from its
number alone, so a difference names the number, and --seed NUMBER --one shows that program. With
--planted each rule of the interpreter is broken in turn, and there must be a difference for each.

What the interpreter takes for granted is Linux's, not mmun's:
  - each access is a step of its own, plain ones too, and all threads see one memory;
  - a race is a state in which two threads can go on, the next step of each is an access of the same
    word, one of the two writes and one is plain;
  - wait_event() looks, enters the queue, looks again, and sleeps until a wake-up that came after it
    entered; synchronize_rcu() waits for the sections that had begun;
  - a rwsem is a queue: who comes after a waiting writer waits behind it;
  - mutex_unlock() still touches the mutex after another thread may have it.
"""

import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile

import attack_batches

THREADS, REGISTERS = 3, 8
STATES_MAX = 60000          # a program with more is passed over
BATCH = 25                  # checks in a file
SHOWN = ('compared', 'passed over', 'unfinished', 'nothing', 'race', 'lifetime', 'stuck', 'assertion')

WORDS = ['x', 'y', 'p', 'q', 'z', 'o->word', 'o->plain']
LOCKS = ['spin', 'm', 'n', 'o->lock', 'o->mutex']
SPINS = {'spin', 'o->lock'}

PRELUDE = '''#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <mmun/kernel.h>

struct object { spinlock_t lock; struct mutex mutex; int word, plain; };

struct s {
	int x, y, p, q, z;
	spinlock_t spin;
	struct mutex m, n;
	struct rw_semaphore sem;
	wait_queue_head_t wq;
	struct object *o;
	int r[%(THREADS)d][%(REGISTERS)d];
	bool freed[%(THREADS)d];
};

static void setup(void *state, void *arg)
{
	struct s *s = state;

	(void)arg;
	spin_lock_init(&s->spin);
	mutex_init(&s->m);
	mutex_init(&s->n);
	init_rwsem(&s->sem);
	init_waitqueue_head(&s->wq);
	s->o = kzalloc(sizeof(*s->o), GFP_KERNEL);
	spin_lock_init(&s->o->lock);
	mutex_init(&s->o->mutex);
}

static void finish(void *state, void *arg)
{
	struct s *s = state;
	char line[512];
	int n, fd;

	n = snprintf(line, sizeof(line), "%%s %%d %%d %%d %%d %%d", (const char *)arg, s->x, s->y, s->p,
		     s->q, s->z);
	for (int t = 0; t < %(THREADS)d; t++)
		for (int k = 0; k < %(REGISTERS)d; k++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %%d", s->r[t][k]);
	line[n++] = '\\n';
	fd = open(getenv("ATTACK_STATES"), O_WRONLY | O_APPEND);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
	if (!s->freed[0] && !s->freed[1] && !s->freed[2])
		kfree(s->o);
}
''' % {'THREADS': THREADS, 'REGISTERS': REGISTERS}

# --- programs ---------------------------------------------------------------------------------
#
# A program is a list of threads, and a thread a list of statements, which are tuples:
#   ('load', r, word, marked) ('store', word, value, marked) ('xchg', r, word, value)
#   ('cmpxchg', r, word, old, new) ('add', r, word, value)
#   ('lock', lock, body) ('trylock', r, lock, body) ('read', body) ('write', body)
#   ('rcu', body) ('sync',) ('free',) ('wait',) ('wake', value) ('spin', word) ('tries', r, word, n)
#   ('put', r, lock): gives up a reference of the object under its lock, and frees it with the last
#   ('if', r, body) ('ifnot', r, body) ('twice', body) ('assert', r, value) ('bump', word, value)
#   ('loop', r, word, most, body)      until the word is set, or for so many rounds; 0: no end

THEMES = ['marked', 'atomic', 'plain', 'spin', 'mutex', 'two', 'sem', 'try', 'heap', 'heaplock', 'free',
          'put', 'peek', 'retire', 'rcu', 'wait', 'await', 'tries', 'if', 'assert', 'twice', 'mixed',
          'loop', 'count', 'ref', 'order', 'queue']
# Themes that bring out something together.
FAMILIES = [['put', 'put', 'marked'], ['heaplock', 'free', 'marked', 'if'], ['rcu', 'free', 'heap'], ['peek', 'peek', 'retire', 'plain'], ['wait', 'marked', 'spin'],
            ['try', 'mutex', 'plain'], ['two', 'sem', 'mutex', 'wait'], ['await', 'tries', 'spin', 'plain'],
            ['sem', 'await', 'marked'], ['atomic', 'if', 'assert', 'mixed'],
            ['loop', 'marked', 'spin', 'plain'], ['loop', 'try', 'mutex', 'plain'],
            ['loop', 'ref', 'marked'], ['count', 'loop', 'assert', 'marked', 'spin'],
            ['loop', 'ref', 'count', 'atomic'], ['order', 'order', 'marked'], ['queue'], ['queue', 'marked', 'if'],
            ['order', 'sem', 'wait'], ['order', 'wait', 'marked'], ['order', 'sem', 'await', 'marked']]


class Maker:
    def __init__(self, number):
        self.random = random.Random(number)
        if self.random.random() < .5:
            self.themes = self.random.choice(FAMILIES)
        else:
            self.themes = self.random.sample(THEMES, self.random.choice([3, 4, 4, 5]))
        self.left = self.random.choice([6, 7, 8, 9])
        self.loops = bool({'loop', 'count'} & set(self.themes)) # they have many executions
        self.retired = False

    def program(self):
        threads = 3 if 'queue' in self.themes else 2 if self.loops else \
            self.random.choice([2, 2, 2, 3])
        share = 3 if self.loops else max(2, self.left // threads)
        return [self.thread(share) for _ in range(threads)]

    def thread(self, share):
        self.register = 0
        self.budget = share
        self.awaits = False
        body = []
        while self.budget > 0:
            body += self.statement(0, frozenset())
        return body

    def fresh(self):
        self.register += 1
        return min(self.register, REGISTERS) - 1

    def plain_load(self, word):
        """Compilers leave it out if the register is used again: there a store is as good."""
        return ('load', self.fresh(), word, False) if self.register < REGISTERS - 1 else \
            ('store', word, 1, False)

    def body(self, depth, inside):
        body = []
        for _ in range(self.random.choice([1, 1, 2])):
            body += self.statement(depth + 1, inside)
        return body

    def statement(self, depth, inside):
        """inside: the locks held, and 'rcu', 'atomic' (must not sleep), 'loop'."""
        r, choose = self.random, self.random.choice
        theme = choose(self.themes)
        if theme == 'put' and not depth:
            return [('put', self.fresh(), choose(['o->lock', 'o->mutex']))]
        nested = depth >= 2
        if theme == 'retire' and not depth and not self.retired:
            self.retired = True
            return [('store', 'y', 1, True)] + choose([[('sync',)], [('sync',)], []]) + [('free',)]
        if theme == 'peek' and not depth:
            seen = self.fresh()
            body = [('load', seen, 'y', True), ('ifnot', seen, [('load', self.fresh(), 'o->word', True)])]
            return [('rcu', body)] if self.random.random() < .8 else body
        self.budget -= 1
        if theme == 'queue' and not depth:
            inner = choose([[('load', self.fresh(), 'x', True)], [('wait',)], [('wake', 1)],
                            [('lock', 'm', [('store', 'y', 1, True)])]])
            held = [(choose(['read', 'read', 'write']), inner)]
            return held if inner[0][0] == 'lock' or r.random() < .7 else [('lock', 'm', held)]
        if theme == 'marked':
            word = choose(['x', 'y'])
            return [choose([('load', self.fresh(), word, True),
                            ('store', word, choose([0, 1, 2]), True)])]
        if theme == 'atomic':
            word = choose(['x', 'y'])
            return [choose([('xchg', self.fresh(), word, choose([1, 2])),
                            ('cmpxchg', self.fresh(), word, choose([0, 1]), 2),
                            ('add', self.fresh(), word, 1)])]
        if theme == 'plain':
            word = choose(['p', 'q'])
            return [choose([self.plain_load(word),
                            ('store', word, choose([1, 2]), False)])]
        if theme == 'mixed':
            marked = r.random() < .7
            return [choose([('load', self.fresh(), 'z', True) if marked else self.plain_load('z'),
                            ('store', 'z', choose([1, 2]), marked)])]
        if theme == 'heap':
            word = choose(['o->word', 'o->plain'])
            marked = word == 'o->word'
            return [choose([('load', self.fresh(), word, True) if marked else self.plain_load(word),
                            ('store', word, choose([1, 2]), marked)])]
        if theme == 'free':
            return [('free',)] if r.random() < .5 else \
                [('load', self.fresh(), choose(['o->word', 'o->plain']), True)]
        if theme in ('spin', 'mutex', 'heaplock', 'two', 'sem', 'try', 'rcu', 'if', 'twice', 'order') and nested:
            return [('load', self.fresh(), 'x', True)]
        sleeps = 'atomic' not in inside and 'rcu' not in inside
        if theme == 'spin' and not inside & SPINS:
            return [('lock', 'spin', self.body(depth, inside | {'spin', 'atomic'}))]
        if theme == 'mutex' and sleeps and not inside & {'m', 'n', 'sem', 'o->mutex'}:
            return [('lock', 'm', self.body(depth, inside | {'m'}))]
        if theme == 'two' and sleeps and not inside & {'m', 'n', 'sem', 'o->mutex'}:
            a, b = choose([('m', 'n'), ('n', 'm')])
            return [('lock', a, [('lock', b, self.body(depth, inside | {'m', 'n'}))])]
        if theme == 'sem' and sleeps and not inside & {'m', 'n', 'sem', 'o->mutex'}:
            return [(choose(['read', 'write']), self.body(depth, inside | {'sem'}))]
        if theme == 'order' and sleeps and 'o->mutex' not in inside:
            kind = choose([k for k in ['read', 'read', 'write', 'm', 'n', None]
                           if k not in inside and not (k in ('read', 'write') and 'sem' in inside)])
            if kind in ('read', 'write'):
                return [(kind, self.body(depth, inside | {'sem'}))]
            if kind:
                return [('lock', kind, self.body(depth, inside | {kind}))]
        if theme == 'try' and not inside & {'m', 'n', 'atomic', 'rcu'}:
            return [('trylock', self.fresh(), 'm', self.body(depth, inside | {'m'}))]
        if theme == 'heaplock' and not inside & SPINS and not inside & {'o->mutex'}:
            if sleeps and not inside & {'m', 'n', 'sem'} and r.random() < .5:
                return [('lock', 'o->mutex', self.body(depth, inside | {'o->mutex'}))]
            return [('lock', 'o->lock', self.body(depth, inside | {'o->lock', 'atomic'}))]
        if theme == 'rcu' and sleeps:
            if r.random() < .4:
                return [('sync',)]
            return [('rcu', self.body(depth, inside | {'rcu'}))]
        if theme == 'wait' and 'loop' not in inside:
            if sleeps and r.random() < .5:
                return [('wait',)]
            return [('wake', choose([1, 1, 0]))]
        if theme == 'await' and 'loop' not in inside:
            return [('spin', choose(['x', 'y']))]
        if theme == 'tries' and 'loop' not in inside:
            return [('tries', self.fresh(), choose(['x', 'y']), choose([2, 3]))]
        if theme == 'loop' and 'loop' not in inside and not nested:
            return [('loop', self.fresh(), choose(['x', 'y']), 0, self.body(depth, inside | {'loop'}))]
        if theme == 'count' and 'loop' not in inside and not nested:
            return [('loop', self.fresh(), choose(['x', 'y']), choose([2, 3, 4]),
                     self.body(depth, inside | {'loop'}))]
        if theme == 'ref':
            word = choose(['x', 'y'])
            middle = [('load', self.fresh(), choose(['x', 'y']), True)]
            if r.random() < .5:
                return [('bump', word, 1)] + middle + [('bump', word, -1)]
            return [('add', self.fresh(), word, 1)] + middle + [('add', self.fresh(), word, -1)]
        if theme == 'if' and self.register:
            return [('if', r.randrange(min(self.register, REGISTERS)), self.body(depth, inside))]
        if theme == 'twice':
            return [('twice', self.body(depth, inside | {'loop'}))]
        if theme == 'assert' and self.register:
            return [('assert', r.randrange(min(self.register, REGISTERS)), choose([1, 2]))]
        return [('load', self.fresh(), choose(['x', 'y']), True)]


# --- as C ---------------------------------------------------------------------------------------

def c_word(word):
    return 's->' + word


def c_body(body, out, indent, t):
    tab = '\t' * indent
    for op in body:
        kind = op[0]
        if kind == 'load':
            out.append(f'{tab}r{op[1]} = ' + (f'READ_ONCE({c_word(op[2])})' if op[3] else c_word(op[2])) + ';')
        elif kind == 'store':
            out.append(tab + (f'WRITE_ONCE({c_word(op[1])}, {op[2]});' if op[3] else
                              f'{c_word(op[1])} = {op[2]};'))
        elif kind == 'xchg':
            out.append(f'{tab}r{op[1]} = xchg(&{c_word(op[2])}, {op[3]});')
        elif kind == 'cmpxchg':
            out.append(f'{tab}r{op[1]} = cmpxchg(&{c_word(op[2])}, {op[3]}, {op[4]});')
        elif kind == 'add':
            out.append(f'{tab}r{op[1]} = atomic_add_return({op[3]}, (atomic_t *)&{c_word(op[2])});')
        elif kind == 'lock':
            name = 'spin_' if op[1] in SPINS else 'mutex_'
            out.append(f'{tab}{name}lock(&{c_word(op[1])});')
            c_body(op[2], out, indent, t)
            out.append(f'{tab}{name}unlock(&{c_word(op[1])});')
        elif kind == 'trylock':
            out.append(f'{tab}r{op[1]} = mutex_trylock(&{c_word(op[2])});')
            out.append(f'{tab}if (r{op[1]}) {{')
            c_body(op[3], out, indent + 1, t)
            out.append(f'{tab}\tmutex_unlock(&{c_word(op[2])});')
            out.append(f'{tab}}}')
        elif kind in ('read', 'write'):
            out.append(f'{tab}down_{kind}(&s->sem);')
            c_body(op[1], out, indent, t)
            out.append(f'{tab}up_{kind}(&s->sem);')
        elif kind == 'rcu':
            out.append(f'{tab}rcu_read_lock();')
            c_body(op[1], out, indent, t)
            out.append(f'{tab}rcu_read_unlock();')
        elif kind == 'put':
            name = 'spin_' if op[2] in SPINS else 'mutex_'
            out.append(f'{tab}{name}lock(&{c_word(op[2])});')
            out.append(f'{tab}r{op[1]} = !--s->o->word;')
            out.append(f'{tab}{name}unlock(&{c_word(op[2])});')
            out.append(f'{tab}if (r{op[1]}) {{')
            c_body([('free',)], out, indent + 1, t)
            out.append(f'{tab}}}')
        elif kind == 'sync':
            out.append(f'{tab}synchronize_rcu();')
        elif kind == 'free':
            out.append(f'{tab}s->freed[{t}] = true;')
            out.append(f'{tab}kfree(s->o);')
        elif kind == 'wait':
            out.append(f'{tab}wait_event(s->wq, READ_ONCE(s->x));')
        elif kind == 'wake':
            if op[1]:
                out.append(f'{tab}WRITE_ONCE(s->x, 1);')
            out.append(f'{tab}wake_up(&s->wq);')
        elif kind == 'spin':
            out.append(f'{tab}while (!READ_ONCE({c_word(op[1])}))')
            out.append(f'{tab}\tcpu_relax();')
        elif kind == 'tries':
            out.append(f'{tab}for (r{op[1]} = 0; r{op[1]} < {op[3]} && !READ_ONCE({c_word(op[2])}); r{op[1]}++)')
            out.append(f'{tab}\tcpu_relax();')
        elif kind == 'bump':
            out.append(f'{tab}atomic_add({op[2]}, (atomic_t *)&{c_word(op[1])});')
        elif kind == 'loop':
            out.append(f'{tab}for (r{op[1]} = 0;;) {{')
            c_body(op[4], out, indent + 1, t)
            out.append(f'{tab}\tif (READ_ONCE({c_word(op[2])}))')
            out.append(f'{tab}\t\tbreak;')
            if op[3]:
                out.append(f'{tab}\tif (++r{op[1]} == {op[3]})')
                out.append(f'{tab}\t\tbreak;')
            out.append(f'{tab}\tcpu_relax();')
            out.append(f'{tab}}}')
        elif kind in ('if', 'ifnot'):
            out.append(f'{tab}if ({"!" * (kind == "ifnot")}r{op[1]}) {{')
            c_body(op[2], out, indent + 1, t)
            out.append(f'{tab}}}')
        elif kind == 'twice':
            out.append(f'{tab}for (int i = 0; i < 2; i++) {{')
            c_body(op[1], out, indent + 1, t)
            out.append(f'{tab}}}')
        elif kind == 'assert':
            out.append(f'{tab}EXPLORE_ASSERT(r{op[1]} != {op[2]});')
        else:
            raise AssertionError(kind)


def references(program):
    """How many the object has at first: one for each that is given up."""
    return sum(op[0] == 'put' for body in program for op in body)


def c_check(number, program):
    out = []
    for t, body in enumerate(program):
        out += [f'static void t{number}_{t}(struct s *s)', '{']
        out.append('\tint ' + ', '.join(f'r{k} = 0' for k in range(REGISTERS)) + ';')
        out.append('')
        c_body(body, out, 1, t)
        out += [f'\ts->r[{t}][{k}] = r{k};' for k in range(REGISTERS)]
        out += ['}', '']
    out += [f'static void setup{number}(void *state, void *arg)', '{', '\tsetup(state, arg);',
            f'\t((struct s *)state)->o->word = {references(program)};', '}', '']
    out += [f'static void run{number}(void *state, unsigned thread, void *arg)', '{', '\t(void)arg;']
    for t in range(len(program)):
        out += [f'\tif (thread == {t})', f'\t\tt{number}_{t}(state);']
    out += ['}', f'EXPLORE_CHECK(c{number}, .threads = {len(program)}, .state_size = sizeof(struct s),',
            f'\t      .setup = setup{number}, .thread = run{number}, .finish = finish, .arg = "c{number}")', '']
    return '\n'.join(out)


# --- as steps -----------------------------------------------------------------------------------
#
# A thread is compiled to steps; a state is a flat list. Jumps are taken together with the step
# before them, since nobody can see them.

W0 = THREADS                            # the words
R0 = W0 + len(WORDS)                    # the registers
L0 = R0 + THREADS * REGISTERS           # owners of locks, thread + 1
FREED = L0 + len(LOCKS)
SECTION = FREED + 1                     # of each thread: 2 * sections so far + 1 in one
SNAP = SECTION + THREADS                # of each thread: what it waits for, of each other
ASLEEP = SNAP + THREADS * THREADS       # of each thread: in the queue of wq
SEM = ASLEEP + THREADS                  # bit t: reads; THREADS + t: writes
QUEUE = SEM + 1                         # the rwsem's queue, from the first: t + 1, + 8 for a writer
SIZE = QUEUE + 1


def compile_body(body, code, t):
    for op in body:
        kind = op[0]
        if kind in ('load', 'store', 'xchg', 'cmpxchg', 'add', 'bump', 'assert', 'free'):
            code.append(op)
        elif kind == 'loop':
            code.append(('set', op[1], 0))
            start = len(code)
            compile_body(op[4], code, t)
            code.append(('leave', op[2], len(code) + 2 + bool(op[3])))
            if op[3]:
                code.append(('tally', op[1], op[3], len(code) + 2))
            code.append(('again', start))
        elif kind == 'lock':
            code.append(('take', op[1]))
            compile_body(op[2], code, t)
            drop(op[1], code)
        elif kind == 'trylock':
            code.append(('try', op[1], op[2]))
            skip(op[1], op[3], code, t, lambda: drop(op[2], code))
        elif kind in ('read', 'write'):
            code.append(('down', kind))
            code.append(('down2', kind))
            compile_body(op[1], code, t)
            code.append(('up', kind))
        elif kind == 'rcu':
            code.append(('rcu', 1))
            compile_body(op[1], code, t)
            code.append(('rcu', 0))
        elif kind == 'put':
            code += [('take', op[2]), ('last', op[1])]
            drop(op[2], code)
            skip(op[1], [('free',)], code, t, lambda: None)
        elif kind == 'sync':
            code += [('sync1',), ('sync2',)]
        elif kind == 'wait':
            start = len(code)
            code += [('look', start + 4, 0), ('enter',), ('look', start + 4, 1), ('sleep', start + 1)]
        elif kind == 'wake':
            if op[1]:
                code.append(('store', 'x', 1, True))
            code.append(('wake',))
        elif kind == 'spin':
            code.append(('await', op[1]))
        elif kind == 'tries':
            code.append(('set', op[1], 0))
            end = len(code) + 2 * op[3]
            for _ in range(op[3]):
                code += [('leave', op[2], end), ('inc', op[1])]
        elif kind in ('if', 'ifnot'):
            skip(op[1], op[2], code, t, lambda: None, kind == 'ifnot')
        elif kind == 'twice':
            compile_body(op[1], code, t)
            compile_body(op[1], code, t)


def drop(lock, code):
    code.append(('drop', lock))
    if lock not in SPINS:
        code.append(('touch', lock))


def skip(register, body, code, t, then, if_set=False):
    at = len(code)
    code.append(None)
    compile_body(body, code, t)
    then()
    code[at] = ('jump', register, len(code), if_set)


def access(op):
    """The word that a step accesses: its name, whether it writes, whether it is marked."""
    kind = op[0]
    if kind == 'load':
        return op[2], False, op[3]
    if kind == 'store':
        return op[1], True, op[3]
    if kind in ('xchg', 'cmpxchg', 'add'):
        return op[2], True, True
    if kind == 'bump':
        return op[1], True, True
    if kind in ('await', 'leave'):
        return op[1], False, True
    if kind == 'look':
        return 'x', False, True
    if kind == 'last':
        return 'o->word', True, False
    return None


PLANTED = ['locks exclude nobody', 'a wake-up wakes nobody', 'grace periods are over at once',
           'plain accesses never race', 'what is freed can be used', 'xchg() stores nothing',
           'assertions hold', 'mutex_unlock() is over at once', 'a trylock fails']


class Machine:
    def __init__(self, program, planted=None):
        self.planted = planted
        self.references = references(program)
        self.code = []
        for t, body in enumerate(program):
            code = []
            compile_body(body, code, t)
            self.code.append(code)
        self.found, self.finals = set(), set()
        self.loops = any(op[0] == 'again' for code in self.code for op in code)

    def enabled(self, s, t):
        """May its next step be taken?"""
        op = self.code[t][s[t]]
        kind = op[0]
        if kind == 'take':
            # Who frees a lock that it holds is found when it lets go, or else with those who wait.
            return not s[L0 + LOCKS.index(op[1])] or self.planted == 'locks exclude nobody'
        if kind == 'await':
            return s[W0 + WORDS.index(op[1])] != 0
        if kind == 'sleep':
            return not s[ASLEEP + t]
        if kind == 'sync2':
            return self.planted == 'grace periods are over at once' or \
                all(s[SNAP + THREADS * t + u] < 0 or s[SNAP + THREADS * t + u] != s[SECTION + u]
                    for u in range(THREADS))
        if kind == 'down2':
            queue = s[QUEUE]
            if t + 1 + 8 * (op[1] == 'write') not in queue:
                return True                             # it was given at once
            if op[1] == 'write':
                return queue[0] == t + 9 and not s[SEM]
            if s[SEM] >> THREADS:
                return False
            return all(e < 8 for e in queue[:queue.index(t + 1)])
        return True

    def gone(self, s, name):
        return name.startswith('o->') and s[FREED] and self.planted != 'what is freed can be used'

    def step(self, s, t):
        """The state after, or None if the execution ends with what was found."""
        code = self.code[t]
        op = code[s[t]]
        kind = op[0]
        s = list(s)
        s[t] += 1
        reg = R0 + t * REGISTERS
        place = access(op)
        name = place[0] if place else op[1] if kind in ('take', 'drop', 'touch') else \
            op[2] if kind == 'try' else 'o->' if kind == 'free' else ''
        if self.gone(s, name) and (kind != 'touch' or self.planted != 'mutex_unlock() is over at once'):
            self.found.add('lifetime')
            return None
        if place:
            word = W0 + WORDS.index(place[0])
        if kind == 'load':
            s[reg + op[1]] = s[word]
        elif kind == 'store':
            s[word] = op[2]
        elif kind == 'xchg':
            s[reg + op[1]] = s[word]
            if self.planted != 'xchg() stores nothing':
                s[word] = op[3]
        elif kind == 'cmpxchg':
            s[reg + op[1]] = s[word]
            if s[word] == op[3]:
                s[word] = op[4]
        elif kind == 'add':
            s[word] += op[3]
            s[reg + op[1]] = s[word]
        elif kind == 'last':
            s[word] -= 1
            s[reg + op[1]] = int(not s[word])
        elif kind == 'bump':
            s[word] += op[2]
        elif kind == 'take':
            s[L0 + LOCKS.index(op[1])] = t + 1
        elif kind == 'drop':
            s[L0 + LOCKS.index(op[1])] = 0
        elif kind == 'try':
            at = L0 + LOCKS.index(op[2])
            taken = s[at] or self.planted == 'a trylock fails'
            s[reg + op[1]] = int(not taken)
            if not taken:
                s[at] = t + 1
        elif kind == 'free':
            s[FREED] = 1
        elif kind == 'assert':
            if s[reg + op[1]] == op[2] and self.planted != 'assertions hold':
                self.found.add('assertion')
                return None
        elif kind == 'rcu':
            s[SECTION + t] += 1
        elif kind == 'sync1':
            for u in range(THREADS):
                s[SNAP + THREADS * t + u] = s[SECTION + u] if s[SECTION + u] & 1 else -1
        elif kind == 'sync2':
            for u in range(THREADS):
                s[SNAP + THREADS * t + u] = 0
        elif kind == 'look':
            if s[word]:
                s[ASLEEP + t] = 0
                s[t] = op[1]
        elif kind == 'enter':
            s[ASLEEP + t] = 1
        elif kind == 'sleep':
            s[t] = op[1]
        elif kind == 'wake':
            for u in range(THREADS):
                s[ASLEEP + u] *= self.planted == 'a wake-up wakes nobody'
        elif kind == 'leave':
            if s[word]:
                s[t] = op[2]
        elif kind == 'down':
            bit = 1 << t if op[1] == 'read' else 1 << THREADS + t
            taken = s[SEM] >> THREADS if op[1] == 'read' else s[SEM]
            if not taken and not s[QUEUE]:
                s[SEM] |= bit
            else:
                s[QUEUE] = s[QUEUE] + (t + 1 + 8 * (op[1] == 'write'),)
        elif kind == 'down2':
            entry = t + 1 + 8 * (op[1] == 'write')
            if entry in s[QUEUE]:
                s[QUEUE] = tuple(e for e in s[QUEUE] if e != entry)
                s[SEM] |= 1 << t if op[1] == 'read' else 1 << THREADS + t
        elif kind == 'up':
            s[SEM] &= ~(1 << t if op[1] == 'read' else 1 << THREADS + t)
        return self.settle(s, t)

    def settle(self, s, t):
        """What nobody can see."""
        code, reg = self.code[t], R0 + t * REGISTERS
        while s[t] < len(code):
            op = code[s[t]]
            if op[0] == 'jump':
                s[t] = op[2] if bool(s[reg + op[1]]) == op[3] else s[t] + 1
            elif op[0] == 'set':
                s[reg + op[1]] = op[2]
                s[t] += 1
            elif op[0] == 'again':
                s[t] = op[1]
            elif op[0] == 'tally':
                s[reg + op[1]] += 1
                s[t] = op[3] if s[reg + op[1]] == op[2] else s[t] + 1
            elif op[0] == 'inc':
                s[reg + op[1]] += 1
                s[t] += 1
            else:
                break
        return s

    def explore(self):
        """False: too many states."""
        s = [0] * SIZE
        s[QUEUE] = ()
        s[W0 + WORDS.index('o->word')] = self.references
        threads = range(len(self.code))
        for t in threads:
            s = self.settle(s, t)
        seen, stack = {tuple(s)}, [s]
        before, ends = collections.defaultdict(list), []
        while stack:
            s = stack.pop()
            live = [t for t in threads if s[t] < len(self.code[t])]
            ready = [t for t in live if self.enabled(s, t)]
            if not live:
                self.finals.add(tuple(s[W0:W0 + 5] + s[R0:R0 + THREADS * REGISTERS]))
                ends.append(tuple(s))
                continue
            if not ready:
                self.found.add('stuck')
                ends.append(tuple(s))
                continue
            if 'race' not in self.found and self.planted != 'plain accesses never race':
                self.races(s, ready)
            for t in ready:
                after = self.step(s, t)
                if after is None:
                    ends.append(tuple(s))
                    continue
                key = tuple(after)
                before[key].append(tuple(s))
                if key not in seen:
                    seen.add(key)
                    stack.append(after)
            if len(seen) > STATES_MAX:
                return False
        if self.never_ends(seen, before, ends):
            self.found.add('stuck')
        return True

    @staticmethod
    def never_ends(seen, before, ends):
        """Is there a state from which no end can be reached?"""
        reach, stack = set(ends), ends
        while stack:
            for s in before[stack.pop()]:
                if s not in reach:
                    reach.add(s)
                    stack.append(s)
        return len(reach) < len(seen)

    def races(self, s, ready):
        wants = [a for a in (access(self.code[t][s[t]]) for t in ready) if a]
        for i, a in enumerate(wants):
            for b in wants[:i]:
                if a[0] == b[0] and (a[1] or b[1]) and not (a[2] and b[2]) and not self.gone(s, a[0]):
                    self.found.add('race')


# --- comparing ----------------------------------------------------------------------------------

NAMES = {'deadlock': 'stuck', 'liveness': 'stuck', 'endless': 'stuck', 'race': 'race',
         'lifetime': 'lifetime', 'assertion': 'assertion'}
IGNORED = {'lock-order'}                # of locks that are taken in both orders: no state is wrong


def compare(machine, result, states):
    """What differs, or None."""
    got = {f['oracle'] for f in result.get('findings', [])} - IGNORED
    strange = [g for g in got if g not in NAMES]
    got = {NAMES.get(g, g) for g in got}
    want = machine.found
    if machine.loops:
        # One that waits for what another one changes for a moment in each round may miss it each
        # time, though it need not.
        got -= {'stuck'} - want
    if strange:
        return f'mmun finds {" ".join(sorted(got))}, right is {" ".join(sorted(want)) or "nothing"}'
    memory = {'race', 'lifetime'}
    if not result['exhaustive'] and got <= want:
        return None if got else 'unfinished'
    if want & memory:
        # What follows from a race depends on how plain accesses fall; the rest is not compared.
        # Two accesses of freed memory may race, too.
        if not got & memory or (want & memory == {'race'} and 'lifetime' in got) or \
                (want & memory == {'lifetime'} and 'lifetime' not in got):
            return f'mmun finds {" ".join(sorted(got)) or "nothing"}, right is {" ".join(sorted(want))}'
        return None
    if got != want:
        return f'mmun finds {" ".join(sorted(got)) or "nothing"}, right is {" ".join(sorted(want)) or "nothing"}'
    if states - machine.finals:
        return f'a final state that cannot be: {min(states - machine.finals)}'
    if machine.finals - states:
        return f'exhaustive, but a final state is missing: {min(machine.finals - states)}'
    return None


def run_batch(arguments, numbers):
    programs = {n: Maker(n).program() for n in numbers}
    with tempfile.TemporaryDirectory() as folder:
        source, states = os.path.join(folder, 'attack.c'), os.path.join(folder, 'states')
        with open(source, 'w') as out:
            out.write(PRELUDE + ''.join(c_check(n, program) for n, program in programs.items()))
        open(states, 'w').close()
        environment = dict(os.environ, ATTACK_STATES=states, CC=arguments.cc)
        ran = subprocess.run([arguments.mmun, 'check', '--json', '--max-executions', '100000', source],
                             env=environment, capture_output=True, text=True)
        finals = collections.defaultdict(set)
        with open(states) as lines:
            for line in lines:
                name, *values = line.split()
                finals[name].add(tuple(int(v) for v in values))
        if arguments.keep:
            shutil.copy(source, os.path.join(arguments.keep, f'{numbers[0]}.c'))
    results, told, counts = attack_batches.answers(ran), [], collections.Counter()
    for n, program in programs.items():
        machine = Machine(program)
        if not machine.explore():
            counts['passed over'] += 1
            continue
        result = results.get(f'c{n}')
        wrong = compare(machine, result, finals[f'c{n}']) if result else attack_batches.no_answer(ran)
        counts['compared'] += 1
        for rule in PLANTED if arguments.planted and result else []:
            broken = Machine(program, rule)
            counts[rule] += broken.explore() and \
                compare(broken, result, finals[f'c{n}']) not in (None, 'unfinished')
        for kind in machine.found or {'nothing'}:
            counts[kind] += 1
        if wrong == 'unfinished':
            counts['unfinished'] += 1
            loops = any("('loop'" in str(body) for body in program)
            wrong = None if loops else 'not finished, and there is no loop'
        if wrong:
            told.append(f'{n}: {wrong}')
            if arguments.one:
                told.append(c_check(n, program))
    return told, counts


if __name__ == '__main__':
    options = attack_batches.parser(__doc__.split('\n')[3], 'checks')
    options.add_argument('--cc', default='cc')
    options.add_argument('--keep')
    attack_batches.attack(options, sys.modules[__name__])
