#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rooms.py SOURCE-DIR BUILD-DIR [--graph]

Holds the object files to src/rooms.txt. An arrow goes from file a to file b if the object of
a needs a name that the object of b defines. It fails if
  - an arrow goes to a room that the table does not allow,
  - the rooms that the table allows form a circle,
  - files of one room form a circle,
  - a file of src/ has no object in the build, or lies in no room.
--graph prints the arrows between files instead. Names come from nm, the pairing of objects
with sources from the build's compile_commands.json.
"""
import json
import os
import re
import subprocess
import sys

# The checked door's other side is the explorer: names that the door declares are the
# door's, and it is the explorer that hears of a broken assertion.
DOOR = re.compile(r'sync_\w+$|base_assert_failed$')
# The explorer's public names, each of which is in the room that it is about.
EXPLORER = re.compile(r'explore(_\w+)?$')


def read_table(path):
    table = {}
    for number, line in enumerate(open(path), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        room, colon, below = line.partition(':')
        if not colon or room in table:
            sys.exit(f'{path}:{number}: error: a line is "ROOM: ROOM..." and each room has one')
        table[room] = below.split()
    return table


def expand(table, names):
    """A folder's name stands for all rooms in it."""
    return {room for room in table for name in names
            if room == name or room.startswith(name + '/')}


def room_of(table, source):
    folder = os.path.dirname(source)
    while folder and folder not in table:
        folder = os.path.dirname(folder)
    return folder or None


def objects(build, top):
    """For each kind of build (native, mutable, checked, tiny, ...): source file -> object file."""
    kinds = {}
    for entry in json.load(open(os.path.join(build, 'compile_commands.json'))):
        source = os.path.realpath(os.path.join(entry['directory'], entry['file']))
        target = os.path.join(entry['directory'], entry['output'])
        source = os.path.relpath(source, os.path.join(top, 'src'))
        library = os.path.basename(os.path.dirname(target))
        if source.startswith('..') or not source.endswith('.c') or not os.path.exists(target):
            continue
        if not library.startswith('lib') and not library.startswith('mmun.p'):
            continue  # a test's own copy
        kind = re.search(r'-(native|mutable|checked|tiny|watched)\.', library)
        kinds.setdefault(kind.group(1) if kind else 'tool', {})[source] = target
    return kinds


def names(target):
    """What an object defines, and what it needs."""
    defines, needs = set(), set()
    out = subprocess.run(['nm', target], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        if kind in 'TDBRVWGSCu':
            defines.add(name)
        elif kind == 'U':
            needs.add(name)
    return defines, needs


def arrows(kinds, kind):
    """Pairs of files, with a name for each, in this build and what it shares with the tool."""
    files = dict(kinds.get('tool', {}))
    files.update(kinds[kind])
    defines, needs = {}, {}
    for source, target in files.items():
        mine, needs[source] = names(target)
        for name in mine:
            defines[name] = source
    found = {}
    for source in files:
        for name in needs[source]:
            other = defines.get(name)
            if DOOR.match(name) and other and other.startswith(('explore/', 'sync/')):
                continue  # who may include the door's header is told by the includes
            if EXPLORER.match(name) and other and not source.startswith('explore/'):
                continue  # and so is who may include mmun/explore.h
            if other and other != source:
                found.setdefault((source, other), name)
    return found


def circles(edges):
    """The strongly connected components of more than one node (Tarjan)."""
    graph = {}
    for a, b in edges:
        graph.setdefault(a, []).append(b)
        graph.setdefault(b, [])
    index, low, stack, on, out = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while True:
                part.append(stack.pop())
                on.discard(part[-1])
                if part[-1] == node:
                    break
            if len(part) > 1:
                out.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return out


def judge(table, edges):
    """What is wrong with these arrows: a list of lines."""
    wrong = []
    within = {}
    for (a, b), name in sorted(edges.items()):
        here, there = room_of(table, a), room_of(table, b)
        if here is None or there is None:
            continue  # told of elsewhere
        if here == there:
            within.setdefault(here, []).append((a, b))
        elif there not in expand(table, table[here]):
            wrong.append(f'src/{a}: error: uses {name}() of src/{b}: room {here} may not use {there}')
    for room, pairs in sorted(within.items()):
        for part in circles(pairs):
            wrong.append(f'room {room}: error: files use each other in a circle: ' + ', '.join(part))
            for a, b in pairs:
                if a in part and b in part:
                    wrong.append(f'    {a} uses {edges[a, b]}() of {b}')
    return wrong


def judge_table(table, sources):
    wrong = []
    allowed = [(room, other) for room in table for other in expand(table, table[room])
               if other != room]
    for part in circles(allowed):
        wrong.append('src/rooms.txt: error: rooms may use each other in a circle: ' + ', '.join(part))
    for room in table:
        for name in table[room]:
            if not expand(table, [name]):
                wrong.append(f'src/rooms.txt: error: {room} may use {name}, which is no room')
        if not any(room_of(table, s) == room for s in sources):
            wrong.append(f'src/rooms.txt: error: room {room} has no file')
    for source in sources:
        if room_of(table, source) is None:
            wrong.append(f'src/{source}: error: lies in no room of src/rooms.txt')
    return wrong


def planted(table):
    """The judge itself: each kind of mistake is found."""
    ok = {('vm/pt/a.c', 'vm/phys/b.c'): 'x'}
    up = {('vm/phys/b.c', 'vm/pt/a.c'): 'x'}
    ring = {('vm/pt/a.c', 'vm/pt/b.c'): 'x', ('vm/pt/b.c', 'vm/pt/c.c'): 'y',
            ('vm/pt/c.c', 'vm/pt/a.c'): 'z'}
    assert not judge(table, ok)
    assert len(judge(table, up)) == 1
    assert any('circle' in line for line in judge(table, ring))
    assert judge_table({'a': ['b'], 'b': ['a']}, ['a/x.c', 'b/x.c'])
    assert judge_table({'a': []}, ['c/x.c'])
    assert judge_table({'a': ['d']}, ['a/x.c'])


def main():
    top, build = sys.argv[1:3]
    table = read_table(os.path.join(top, 'src/rooms.txt'))
    sources = sorted(os.path.relpath(os.path.join(folder, f), os.path.join(top, 'src'))
                     for folder, _, files in os.walk(os.path.join(top, 'src'))
                     for f in files if f.endswith('.c'))
    planted(table)
    kinds = objects(build, top)
    wrong = judge_table(table, sources)
    seen = set().union(*kinds.values())
    for source in sources:
        if source not in seen and source != 'explore/door/tsan.c':
            wrong.append(f'src/{source}: error: has no object file in {build}')
    count = 0
    for kind in ('native', 'mutable', 'checked', 'tiny'):
        if kind not in kinds:
            continue
        edges = arrows(kinds, kind)
        count += len(edges)
        if '--graph' in sys.argv:
            for (a, b), name in sorted(edges.items()):
                print(f'{kind} {a} -> {b} ({name})')
        wrong += [line for line in judge(table, edges) if line not in wrong]
    print('\n'.join(wrong))
    print(f'{len(sources)} files in {len(table)} rooms, {count} arrows')
    sys.exit(bool(wrong) or count < 100)


main()
