#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shown.py SOURCE-DIR

The last table of docs/porting.md says what shows each rule of the notifiers. Each row names
files, and checks or scenes in them. This holds the table to the files: a file that is named
exists, and has what is quoted after it.
"""
import os
import re
import sys

PART = re.compile(r'`([^`]+)`((?:,? "[^"]+")*)')


def rows(text):
    """The rows of the table: [(rule, what shows it)]."""
    table = text.split('## The rules of notifiers')[1]
    cells = [line.strip('|').split('|') for line in table.splitlines() if line.startswith('| ')]
    return [(row[0].strip(), row[1].strip()) for row in cells if '---' not in row[0]][1:]


def judge(top, shown):
    """What is wrong with a cell: a list of lines."""
    wrong = []
    parts = [PART.fullmatch(part.strip()) for part in shown.split(';')]
    for part in parts:
        path = part and os.path.join(top, part.group(1))
        if not path or not os.path.isfile(path):
            wrong.append(f'no such file: {shown}')
            continue
        text = open(path, encoding='utf-8').read()
        for name in re.findall(r'"([^"]+)"', part.group(2)):
            if not re.search(rf'[("]{re.escape(name)}[,")]', text):
                wrong.append(f'{part.group(1)} has no "{name}"')
    return wrong


def main():
    top = sys.argv[1]
    table = rows(open(os.path.join(top, 'docs/porting.md'), encoding='utf-8').read())
    wrong = [f'{rule}: {line}' for rule, shown in table for line in judge(top, shown)]
    assert judge(top, '`tests/tidy.sh` "no such check"') and judge(top, '`tests/none.c`')
    print('\n'.join(wrong + [f'{len(table)} rules']))
    sys.exit(1 if wrong or not table else 0)


if __name__ == '__main__':
    main()
