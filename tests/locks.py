#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""locks.py SOURCE-DIR

The order of locks is written once: enum sync_rank in src/sync/sync.h, in which each rank names
its lock as STRUCT.FIELD. The table of locks in docs/vm.md is held to it, and both to the code:
  - the table has a row for each rank, in the order of the enum, and no other;
  - a row names the lock that the enum names, and the kind that the field is declared with;
  - each spin_t, mutex_t and rwsem_t in a structure of src/ is the lock of a rank;
  - each lock is initialized with its rank, and each rank is that of some lock.
"""
import os
import re
import sys

KINDS = 'spin|mutex|rwsem'
FIELD = re.compile(rf'\s(?:_Alignas\(\w+\) )?({KINDS})_t (\w+);')
INIT = re.compile(rf'\b({KINDS})_init\(&?[^;]*?(\w+), (RANK_\w+)\)')
LOCK = re.compile(r'\w+\.\w+')
OTHERS = {'RANK_TEST'}  # no lock of src/ has it


def read(top, path):
    return open(os.path.join(top, path), encoding='utf-8').read()


def enum(text):
    """The ranks in their order: [(rank, its locks)]."""
    body = re.search(r'^enum sync_rank \{\n(.*?)^\};', text, re.S | re.M).group(1)
    rows = re.findall(r'^\s*(RANK_\w+),(?:\s*/\*(.*?)\*/)?', body, re.S | re.M)
    return [(rank, LOCK.findall(comment)) for rank, comment in rows if rank != 'RANK_MAX']


def table(text):
    """The rows of the document's table: [(rank, its locks, kinds)]."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if len(cells) > 3 and re.fullmatch(r'`RANK_\w+`', cells[0]):
            rows.append((cells[0].strip('`'), LOCK.findall(cells[1]),
                         re.findall(KINDS, cells[2])))
    return rows


def fields(text):
    """The locks in structures: [('STRUCT.FIELD', kind)]."""
    found = []
    for name, body, typedef in re.findall(
            r'^(?:typedef )?struct (?:(\w+) )?\{\n(.*?)^\} ?(\w*)', text, re.S | re.M):
        for kind, field in FIELD.findall(body):
            found.append((f'{name or typedef}.{field}', kind))
    return found


def judge(ranks, rows, declared, inits):
    """What is wrong: a list of lines."""
    wrong = []
    order, documented = [rank for rank, _ in ranks], [rank for rank, _, _ in rows]
    for rank in order:
        if rank not in documented:
            wrong.append(f'docs/vm.md: error: no row for {rank}')
    for rank in documented:
        if rank not in order or documented.count(rank) > 1:
            wrong.append(f'docs/vm.md: error: {rank} is no rank, or has another row')
    if not wrong and order != documented:
        first = next(b for a, b in zip(order, documented) if a != b)
        wrong.append(f'docs/vm.md: error: {first} is not where enum sync_rank has it')
    named = dict(ranks)
    for rank, locks, kinds in rows:
        if locks != named.get(rank, locks):
            wrong.append(f'docs/vm.md: error: {rank} is of {locks}, in sync.h of {named[rank]}')
        for lock in locks:
            if lock not in declared:
                wrong.append(f'docs/vm.md: error: {rank}: no structure has {lock}')
            elif declared[lock] not in kinds:
                wrong.append(f'docs/vm.md: error: {lock} is a {declared[lock]}, not {kinds}')
    for lock in declared:
        if not any(lock in locks for _, locks in ranks):
            wrong.append(f'src/sync/sync.h: error: no rank is that of {lock}')
    for where, kind, field, rank in inits:
        locks = named.get(rank, [])
        if not any(lock.endswith('.' + field) and declared.get(lock) == kind for lock in locks):
            wrong.append(f'{where}: error: a {kind} called {field} has {rank}, which is of {locks}')
    for rank in order:
        if rank not in OTHERS and not any(rank == init[3] for init in inits):
            wrong.append(f'src/sync/sync.h: error: nothing has {rank}')
    return wrong


def planted():
    """The judge itself: each kind of mistake is found."""
    ranks = [('RANK_A', ['s.a']), ('RANK_B', ['s.b'])]
    rows = [('RANK_A', ['s.a'], ['mutex']), ('RANK_B', ['s.b'], ['spin'])]
    declared = {'s.a': 'mutex', 's.b': 'spin'}
    inits = [('x.c', 'mutex', 'a', 'RANK_A'), ('x.c', 'spin', 'b', 'RANK_B')]
    assert not judge(ranks, rows, declared, inits)
    assert judge(ranks, rows[:1], declared, inits)                          # missing
    assert judge(ranks, rows + [('RANK_C', [], [])], declared, inits)       # extra
    assert judge(ranks, rows[::-1], declared, inits)                        # wrong order
    assert judge(ranks, [('RANK_A', ['s.b'], ['spin']), rows[1]], declared, inits)
    assert judge(ranks, [('RANK_A', ['s.a'], ['spin']), rows[1]], declared, inits)
    assert judge(ranks, rows, dict(declared, **{'s.c': 'spin'}), inits)     # no rank
    assert judge(ranks, rows, {'s.a': 'mutex'}, inits)                      # no such lock
    assert judge(ranks, rows, declared, inits[:1])                          # an idle rank
    assert judge(ranks, rows, declared, [inits[0], ('x.c', 'spin', 'b', 'RANK_A')])
    assert fields('struct s {\n\tint n;\n\tspin_t b; /* [b] */\n};\n') == [('s.b', 'spin')]


def main():
    top = sys.argv[1]
    planted()
    declared, inits = {}, []
    for folder, _, files in sorted(os.walk(os.path.join(top, 'src'))):
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), top)
            if not name.endswith(('.c', '.h')) or name == 'sync_checked.h':
                continue  # the checked door's macros, and its pool has no lock
            text = read(top, path)
            declared.update(fields(text))
            inits += [(path, *init) for init in INIT.findall(text)]
    ranks = enum(read(top, 'src/sync/sync.h'))
    wrong = judge(ranks, table(read(top, 'docs/vm.md')), declared, inits)
    print('\n'.join(wrong + [f'{len(ranks)} ranks, {len(declared)} locks, {len(inits)} of them '
                             'initialized']))
    sys.exit(bool(wrong) or len(ranks) < 10)


main()
