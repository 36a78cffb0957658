#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pointers.py SOURCE-DIR

Each file of C that a comment or a document names is there. A name is the end of a path in this
tree, and says which file it means. A file in another room of src/ is named with its room, so that
it is missed when it moves; elsewhere a name without a directory is that of a file beside the one
that names it, or the only one of this name. "*" stands for any part of a name. A path that begins
as those in Linux's tree do may be a file of Linux.

Prints file:line: error: what, and why; fails if there is any.
"""
import fnmatch
import os
import re
import sys

# Directories at the top of Linux's tree; include/ is in both.
LINUX = ('arch', 'block', 'drivers', 'fs', 'include/linux', 'include/asm-generic', 'init', 'kernel',
         'lib', 'mm', 'net', 'security', 'tools', 'virt')
# What stands for a file of the reader's own, or is made by a test or by the build.
OTHERS = {'FILE.c', 'file.c', 'my.c', 'big.c', 'counter.c', 'prog.c', 'bad.c', 'beside.h', 'above.h',
          'page.c'}

NAME = re.compile(r'(?<![\w<*/.$-])(?:\.\./)*([\w*+-]+(?:[/.][\w*+-]+)*\.[ch])\b(?![>/(])')
COMMENT = re.compile(r'/\*.*?\*/', re.S)
SKIPPED = {'.git', 'build', 'golden', 'kernel'}


def tree(top):
    for at, directories, files in os.walk(top):
        directories[:] = sorted(d for d in directories if d not in SKIPPED or
                                (d == 'kernel' and not at.endswith('tests')))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(at, name), top)


def texts(path, text):
    """What of a file is for people to read: (where it begins, the words)."""
    if path.endswith(('.c', '.h')):
        return [(m.start(), m.group()) for m in COMMENT.finditer(text)]
    if path.endswith(('.md', '.1', '.5')):
        return [(0, text)]
    if path.endswith(('.sh', '.py', '.txt', '.list', '.map', 'meson.build')) or path == 'check':
        return [(m.start(), m.group()) for m in re.finditer(r'^[ \t]*#.*$', text, re.M)]
    return []


def wrong(name, path, ends):
    """Why the file at path should not call a file by this name, or None."""
    if name in OTHERS:
        return None
    if '*' in name:
        return None if fnmatch.filter(ends, name) else 'names no file'
    found = ends.get(name, [])
    if not found:
        linux = any(name.startswith(directory + '/') for directory in LINUX)
        return None if linux else 'names no file'
    if os.path.join(os.path.dirname(path), name) in found:
        return None
    if len(found) > 1:
        return 'may be any of ' + ', '.join(found)
    if path.startswith('src/') and found[0].startswith('src/') and '/' not in name:
        return f'is in another room: {found[0]}'
    return None


def ends_of(files):
    """Each end of a path, and the files that have it."""
    ends = {}
    for path in files:
        parts = path.split('/')
        for i in range(len(parts)):
            ends.setdefault('/'.join(parts[i:]), []).append(path)
    return ends


def try_out():
    """A check that finds nothing in a tidy tree must be seen to find something."""
    ends = ends_of(['src/a/x.c', 'src/a/y.c', 'src/b/y.c', 'src/b/z.c', 'tests/t.c'])
    comment = '/* see x.c, a/x.c; <stdio.h>, mm/mmap.c and gone.c */'
    names = [m.group(1) for start, words in texts('src/a/x.c', comment)
             for m in NAME.finditer(words)]
    assert names == ['x.c', 'a/x.c', 'mm/mmap.c', 'gone.c'], names
    for name in ('x.c', 'y.c', 'b/y.c', 'b/z.c', 't.c', 'b/*.c', 'mm/mmap.c', 'FILE.c'):
        assert not wrong(name, 'src/a/x.c', ends), name
    for name in ('gone.c', 'a/z.c', 'z.c', 'b/t*.c'):
        assert wrong(name, 'src/a/x.c', ends), name
    assert wrong('y.c', 'tests/t.c', ends) and not wrong('z.c', 'tests/t.c', ends)


def main(top):
    try_out()
    files = list(tree(top))
    ends = ends_of(files)
    errors = 0
    for path in files:
        with open(os.path.join(top, path), encoding='utf-8', errors='replace') as file:
            text = file.read()
        for start, words in texts(path, text):
            for match in NAME.finditer(words):
                why = wrong(match.group(1), path, ends)
                if why:
                    line = text.count('\n', 0, start + match.start(1)) + 1
                    print(f'{path}:{line}: error: {match.group(1)} {why}')
                    errors += 1
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
