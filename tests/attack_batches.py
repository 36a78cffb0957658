# SPDX-License-Identifier: MIT
"""What attack.py and attack_vm.py share: their command line, numbers handed out in batches to
processes, and what is said in the end.

An attack is a module with BATCH (numbers in a batch), PLANTED (rules of its interpreter that can be
broken), SHOWN (the counts that are printed), and run_batch(arguments, numbers), which returns the
differences as lines, and counts; a rule that was broken and made a difference is counted by its
name."""

import argparse
import collections
import concurrent.futures
import json
import os
import sys


def parser(description, what):
    """The options that each attack has; what: the name of the option that says how many."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument('mmun')
    options.add_argument('--' + what, dest='count', type=int, default=500)
    options.add_argument('--seed', type=int, default=1)
    options.add_argument('--jobs', type=int, default=os.cpu_count())
    options.add_argument('--one', action='store_true')
    options.add_argument('--planted', action='store_true')
    return options


def answers(ran):
    """What mmun check --json has said, by the names of the tests."""
    results = (json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{'))
    return {result.get('name'): result for result in results}


def no_answer(ran):
    return f'mmun gives no answer: {ran.stderr.strip()[-300:]}'


def attack(options, module):
    arguments = options.parse_args()
    arguments.mmun = os.path.abspath(arguments.mmun)
    end = arguments.seed + (1 if arguments.one else arguments.count)
    batches = [range(n, min(n + module.BATCH, end)) for n in range(arguments.seed, end, module.BATCH)]
    differences, counts = 0, collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        for told, counted in pool.map(module.run_batch, [arguments] * len(batches), batches):
            differences += len(told)
            counts += counted
            for line in told:
                print(line, flush=True)
    print(', '.join(f'{counts[k]} {k}' for k in module.SHOWN))
    if differences:
        sys.exit(f'{differences} differences')
    missed = [rule for rule in module.PLANTED if arguments.planted and not counts[rule]]
    if missed:
        sys.exit('planted, and not noticed: ' + ', '.join(missed))
