#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""findings.py MMUN SOURCE-DIR

One mistake is one finding, by the oracle that names the cause, with all places where it shows: for
each check of tests/checks/findings.c the oracles of its findings, and the places of the first; and
each broken check of the files of ONE_EACH has one finding."""

import json
import os
import subprocess
import sys

EXPECTED = {
    'spin_twice': (['lock-order'], None),
    'mutex_twice': (['lock-order'], None),
    'write_twice': (['lock-order'], None),
    'never_unlocks': (['lock-held'], None),
    'never_leaves': (['lock-held'], None),
    'sleeps': (['atomic-sleep'], None),
    'uses_freed': (['lifetime'], 6),
    'frees_twice': (['lifetime'], 1),
    'frees_twice_in_two_lines': (['lifetime'], 2),
    # A race, and what comes of it; never that two runs differ.
    'follows_null': (['crash', 'race'], None),
    'frees_what_is_read': (['lifetime', 'race'], None),
}

ONE_EACH = ['stale.c', 'lost.c']


def check(mmun, path, code):
    """The findings of each check of the file; and what is wrong if it does not exit so."""
    done = subprocess.run([mmun, 'check', '--json', path], capture_output=True, text=True)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    found = {r['name']: r['findings'] for r in results if 'name' in r}
    return found, [f'{path}: {done.stderr}'] if done.returncode != code else []


def more_than_one(mmun, path):
    found, wrong = check(mmun, path, 0)
    broken = {name: f for name, f in found.items() if name.endswith('_wrong')}
    if not broken:
        wrong.append(f'{path}: no check is broken')
    for name, findings in broken.items():
        if len(findings) != 1:
            wrong.append(f'{name}: not one finding: {[f["text"] for f in findings]}')
    return wrong


def main():
    mmun, top = map(os.path.realpath, sys.argv[1:3])
    os.environ['MMUN_INCLUDE'] = os.path.join(top, 'include')
    checks = os.path.join(top, 'tests/checks')
    found, wrong = check(mmun, os.path.join(checks, 'findings.c'), 1)
    for name in ONE_EACH:
        wrong += more_than_one(mmun, os.path.join(checks, name))
    for name, (oracles, places) in EXPECTED.items():
        findings = found.get(name, [])
        texts = [f['text'] for f in findings]
        if sorted(f['oracle'] for f in findings) != oracles:
            wrong.append(f'{name}: {oracles} are to be found, and were: {texts}')
        elif places and len(findings[0]['places']) != places:
            wrong.append(f'{name}: {places} places, and were: {findings[0]["places"]}')
    if set(found) != set(EXPECTED):
        wrong.append(f'other checks: {set(found) ^ set(EXPECTED)}')
    print('\n'.join(wrong))
    sys.exit(bool(wrong))


main()
