#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attack_vm.py MMUN [--tests N] [--seed S] [--jobs J] [--one] [--planted]

Random litmus tests with operations of the vm, explored by mmun as a user would ("mmun check DIR"),
against an interpreter that knows nothing of page tables, TLBs and the explorer. Its memory has, for
each variable, an entry: which page, if any, and what it permits. It makes two sets of final states:

  - what must be possible: each operation happens at once, between two accesses;
  - what may be possible at most: an operation has a beginning, at which the entry changes, and an
    end; between the two an access of another thread may find the entry as it was or as it is.

The states that mmun finds must include the first set and lie in the second, its search must be
exhaustive, and nothing may be found, because the operations flush as they should. A difference
names the number of the test, and --seed NUMBER --one shows it. With --planted each rule of the
interpreter is broken in turn, and there must be a difference for each.
"""

import collections
import os
import random
import subprocess
import sys
import tempfile

import attack_batches

STATES_MAX = 60000
BATCH = 40
SHOWN = ('compared', 'not finished', 'states')
READ, WRITE = 1, 2
PROT = {'PROT_NONE': 0, 'PROT_READ': READ, 'PROT_READ | PROT_WRITE': READ | WRITE}
# Operations that move a page or look at it, and change nothing that a thread can see.
UNSEEN = ['madvise({v}, MADV_PAGEOUT)', 'move_pages({v})', 'clear_refs(4)', 'clear_refs(1)', 'numa_hint({v})',
          'uffd_writeprotect({v}, 1)', 'page_idle({v})', 'fork(c)']
VARIABLES = ['x', 'y']
ATTRIBUTES = ['', '', '', 'cow', 'zero', 'none', 'swapped', 'readonly']


class Maker:
    """A test: attributes of the variables, and threads as lists of ('load', v, r, order),
    ('store', v, value, r), ('munmap', v), ('mprotect', v, prot), ('dontneed', v), ('unseen', text)."""

    def __init__(self, number):
        r = self.random = random.Random(number)
        self.attribute = {v: r.choice(ATTRIBUTES) for v in VARIABLES}
        self.initial = {v: 0 if self.attribute[v] in ('zero', 'none') else i + 1
                        for i, v in enumerate(VARIABLES)}
        self.names = ['P0', r.choice(['P1', 'D0'])]
        if r.random() < .3:
            self.names.append('D1' if self.names[1] == 'D0' else r.choice(['P2', 'D0']))
        self.caches = [(t, v) for t in self.names for v in VARIABLES
                       if self.attribute[v] not in ('none', 'swapped') and r.random() < .4]
        self.operations = r.choice([1, 1, 2]) if len(self.names) == 2 else 1
        self.value = 2
        self.threads = []
        for name in self.names:
            self.registers = 0
            self.threads.append([self.statement(name) for _ in range(r.choice([1, 2, 2, 3]))])

    def register(self):
        self.registers += 1
        return self.registers - 1

    def statement(self, name):
        r = self.random
        v = r.choice(VARIABLES)
        if name[0] == 'P' and self.operations and r.random() < .5:
            self.operations -= 1
            kind = r.choice(['munmap', 'mprotect', 'mprotect', 'dontneed', 'dontneed', 'unseen'])
            if kind == 'mprotect':
                return kind, v, r.choice(list(PROT))
            if kind == 'unseen':
                return kind, r.choice(UNSEEN).format(v=v)
            return kind, v
        if r.random() < .5:
            return 'load', v, self.register()
        self.value += 1
        return 'store', v, self.value, self.register()

    def text(self, name):
        init = [f'{v} = {self.initial[v]} {self.attribute[v]}'.rstrip() + ';' if
                self.attribute[v] not in ('zero', 'none') else f'{v} {self.attribute[v]};'
                for v in VARIABLES]
        init += [f'{t} caches {v};' for t, v in self.caches]
        out = [f'VM {name}', '{ ' + ' '.join(init) + ' }', '']
        shown = list(VARIABLES)
        for t, body in zip(self.names, self.threads):
            out += [f'{t}(' + ', '.join(f'int *{v}' for v in VARIABLES) + ')', '{']
            for op in body:
                if op[0] == 'load':
                    out.append(f'\tint r{op[2]} = READ_ONCE(*{op[1]});')
                elif op[0] == 'store':
                    out.append(f'\tint r{op[3]} = WRITE_ONCE(*{op[1]}, {op[2]});')
                elif op[0] == 'munmap':
                    out.append(f'\tmunmap({op[1]});')
                elif op[0] == 'mprotect':
                    out.append(f'\tmprotect({op[1]}, {op[2]});')
                elif op[0] == 'dontneed':
                    out.append(f'\tmadvise({op[1]}, MADV_DONTNEED);')
                else:
                    out.append(f'\t{op[1]};')
                if op[0] in ('load', 'store'):
                    shown.append(f'{t}:r{op[-1]}')
            out.append('}')
        out += ['locations [' + '; '.join(shown) + ']', 'exists (true)', '']
        return '\n'.join(out)


class Memory:
    """Interprets a test. whole: operations happen at once. A state is the next statement of each
    thread and whether it is amid an operation; registers; entries (page, permissions); values of
    the pages; and the entries that operations under way have changed: (thread, variable, entry)."""

    def __init__(self, test, whole, planted=None):
        self.test, self.whole, self.planted = test, whole, planted
        self.page = {}                  # which page the operation of a place makes
        pages = len(VARIABLES)
        for t, body in enumerate(test.threads):
            for k, op in enumerate(body):
                if op[0] == 'dontneed':
                    self.page[t, k] = pages
                    pages += 1
        self.pages = pages
        self.finals = set()

    def first(self):
        entries = tuple((i, READ if self.test.attribute[v] == 'readonly' else READ | WRITE)
                        for i, v in enumerate(VARIABLES))
        values = tuple(self.test.initial[v] for v in VARIABLES) + (0,) * (self.pages - len(VARIABLES))
        at = tuple(0 for _ in self.test.threads)
        return at, at, (), entries, values, ()

    def after(self, state, t):
        at, amid, registers, entries, values, changed = state
        op = self.test.threads[t][at[t]]
        on = at[:t] + (at[t] + 1,) + at[t + 1:]
        kind = op[0]
        if kind in ('load', 'store'):
            v = VARIABLES.index(op[1])
            for page, permits in {entries[v]} | {e for u, w, e in changed if w == v}:
                got, new = 'fault', values
                need = READ if kind == 'load' or self.planted == 'stores need no permission' else WRITE
                if page is not None and permits & need:
                    got = values[page] if kind == 'load' else 0
                    if kind == 'store':
                        new = values[:page] + (op[2],) + values[page + 1:]
                yield on, amid, registers + ((f'{t}:{op[-1]}', got),), entries, new, changed
            return
        if kind == 'unseen':
            yield on, amid, registers, entries, values, changed
            return
        if amid[t]:
            yield (on, amid[:t] + (0,) + amid[t + 1:], registers, entries, values,
                   tuple(c for c in changed if c[0] != t))
            return
        v = VARIABLES.index(op[1])
        page, permits = old = entries[v]
        if kind == 'munmap':
            new = old if self.planted == 'munmap does nothing' else (None, 0)
        elif page is None:
            new = old
        elif kind == 'mprotect':
            new = (page, PROT[op[2]])
        else:
            new = old if self.planted == 'MADV_DONTNEED keeps the page' else (self.page[t, at[t]], permits)
        entries = entries[:v] + (new,) + entries[v + 1:]
        if self.whole:
            yield on, amid, registers, entries, values, changed
        else:
            yield (at, amid[:t] + (1,) + amid[t + 1:], registers, entries, values,
                   changed + ((t, v, old),))

    def explore(self):
        """False: too many states."""
        first = self.first()
        first = first[:2] + (frozenset(),) + first[3:]
        seen, stack = {first}, [first]
        while stack:
            state = stack.pop()
            live = [t for t, body in enumerate(self.test.threads) if state[0][t] < len(body)]
            if not live:
                self.finals.add(self.final(state))
            for t in live:
                base = state[:2] + ((),) + state[3:]
                for new in self.after(base, t):
                    new = new[:2] + (state[2] | set(new[2]),) + new[3:]
                    if new not in seen:
                        seen.add(new)
                        stack.append(new)
            if len(seen) > STATES_MAX:
                return False
        return True

    def final(self, state):
        values = {}
        for v, (page, _) in zip(VARIABLES, state[3]):
            values[v] = 'unmapped' if page is None else state[4][page]
        for key, got in state[2]:
            t, r = key.split(':')
            name = self.test.names[int(t)]
            values[f'{name[1:] if name[0] == "P" else name}:r{r}'] = got
        return tuple(sorted((k, str(v)) for k, v in values.items()))


PLANTED = ['stores need no permission', 'munmap does nothing', 'MADV_DONTNEED keeps the page']


def compare(test, result, planted=None):
    if result.get('verdict') == 'error' or 'states' not in result:
        return f'mmun gives no answer: {result}'
    if result['findings']:
        return f'mmun finds {result["findings"][0]["oracle"]}: {result["findings"][0].get("text")}'
    if not result['exhaustive']:
        return 'not finished'
    got = {tuple(sorted((k, str(v)) for k, v in s.items())) for s in result['states']}
    least, most = Memory(test, True, planted), Memory(test, False, planted)
    if not least.explore() or not most.explore():
        return None
    if least.finals - got:
        return f'missing: {dict(min(least.finals - got))}'
    if got - most.finals:
        return f'cannot be: {dict(min(got - most.finals))}'
    return None


def run_batch(arguments, numbers):
    tests = {n: Maker(n) for n in numbers}
    with tempfile.TemporaryDirectory() as folder:
        for n, test in tests.items():
            with open(os.path.join(folder, f't{n}.litmus'), 'w') as out:
                out.write(test.text(f't{n}'))
        ran = subprocess.run([arguments.mmun, 'check', '--json', '--max-executions', '20000', folder],
                             capture_output=True, text=True)
    results, told, counts = attack_batches.answers(ran), [], collections.Counter()
    for n, test in tests.items():
        result = results.get(f't{n}')
        wrong = compare(test, result) if result else attack_batches.no_answer(ran)
        for rule in PLANTED if arguments.planted and result else []:
            counts[rule] += compare(test, result, rule) not in (None, 'not finished')
        if wrong == 'not finished':
            counts['not finished'] += 1
            wrong = None
        counts['compared'] += 1
        if result:
            counts['states'] += len(result.get('states', []))
        if wrong:
            told.append(f'{n}: {wrong}')
            if arguments.one:
                told.append(test.text(f't{n}'))
    return told, counts


if __name__ == '__main__':
    attack_batches.attack(attack_batches.parser(__doc__.split('\n')[2], 'tests'),
                          sys.modules[__name__])
