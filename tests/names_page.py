#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""names_page.py SOURCE-DIR [--update]

docs/names.md lists the names that mmun lends from Linux, header by header, as they stand in
include/mmun/linux. Held to the headers here; --update writes it anew. And the hints of
src/checks/run/hints.c are held to it: none is about a name that is there, and none sends its
reader to a name that is not.
"""

import os
import re
import sys

HEAD = '''# The names that a check may use

These are Linux's names in mmun, by header. `mmun/kernel.h` includes all of them but those of page
tables, which `mmun/kernel_mm.h` has besides. What is different from Linux stands in the header
itself. A name that is missing is a compile error, and `mmun check` says what to use instead, where
it knows. The page is made from the headers by `tests/names_page.py`.
'''

# What hints name besides: the C library, and mmun's own.
ALSO = {'memcpy', 'mmu_interval_read_begin', 'mmu_interval_read_retry'}


def public(name):
    return not re.match(r'(KERNEL_|kernel_|MMUN_|mmun_|explore_)|.*_$', name)


def names_of(text):
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    found = re.findall(r'^#define (\w+)', text, re.M)
    found += re.findall(r'^KERNEL_(?:FUNCTION|PROCEDURE|PASSED)(?:_0|_VOID_0|_VOID)?_\('
                        r'(?:[^,()]*[ *], |[^,()]+, )?(\w+)', text, re.M)
    found += re.findall(r'^static (?:inline |__attribute__\(\(\w+\)\) )+[^(=;]*?\b\*?(\w+)\(', text, re.M)
    found += re.findall(r'^(?!static|typedef|#|\t)[\w *]+?\b\*?(\w+)\([^;{]*\);', text, re.M)
    found += ['struct ' + n for n in re.findall(r'^(?:typedef )?struct (\w+) \{', text, re.M)]
    found += re.findall(r'^typedef [^{;]*?\b(\w+)(?:\)\([^;]*)?;', text, re.M)
    found += re.findall(r'^\} (\w+);', text, re.M)
    seen = []
    for name in found:
        if public(name.removeprefix('struct ')) and name not in seen:
            seen.append(name)
    return sorted(seen, key=lambda n: n.removeprefix('struct ').lower())


def subject(text):
    """The first sentence of the header's comment."""
    head = re.sub(r'\n \* ?', '\n', text.split('*/')[1].split('/*')[1])
    head = ' '.join(head.replace('* ', ' ', 1).split()).removeprefix('*').strip()
    return re.match(r'\S+ - (.*?\.)(?: |$)', head).group(1)


def wrapped(words, indent):
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) + 1 > 99:
            lines.append(line.rstrip())
            line = ''
        line += word + ' '
    return '\n'.join(lines + [line.rstrip()])


def page(top):
    folder = os.path.join(top, 'include/mmun')
    files = sorted('linux/' + f for f in os.listdir(folder + '/linux')) + ['kernel_mm.h']
    text, known = HEAD, set()
    for name in files:
        source = open(os.path.join(folder, name)).read()
        names = names_of(source)
        known |= {n.removeprefix('struct ') for n in names}
        if names:
            about = subject(source)
            text += f'\n## {name}\n\n{wrapped((about[0].upper() + about[1:]).split(), "")}\n\n'
            text += wrapped([f'`{n}`' + (',' if n != names[-1] else '') for n in names], '') + '\n'
    return text, known


def hints(top, known):
    source = open(os.path.join(top, 'src/checks/run/hints.c')).read()
    table = source[source.index('hints[] = {'):source.index('bool hint_is_for')]
    rows = re.findall(r'\{ "([^"]+)", ((?:"[^"]*"\s*)+)\}', table)
    for name, hint in rows:
        begin = name.rstrip('*')
        there = [k for k in known if k == name or ('*' in name and k.startswith(begin))]
        if there:
            yield f'src/checks/run/hints.c: error: {name}: {there[0]} is there'
        for used in re.findall(r'\b(\w+)\(\)', hint):
            if used not in known | ALSO and not re.match('mmun_|explore_', used):
                yield f'src/checks/run/hints.c: error: {name}: there is no {used}()'
    if len(rows) < 50:
        yield 'src/checks/run/hints.c: error: its rows are not found'


def main():
    top = sys.argv[1]
    text, known = page(top)
    path = os.path.join(top, 'docs/names.md')
    if '--update' in sys.argv:
        open(path, 'w').write(text)
    wrong = list(hints(top, known))
    if not os.path.exists(path) or open(path).read() != text:
        wrong.append('docs/names.md: error: not as the headers are: tests/names_page.py . --update')
    print('\n'.join(wrong + [f'{len(known)} names']))
    sys.exit(bool(wrong) or len(known) < 400)


main()
