#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lifetimes.py MMUN SOURCE-DIR

Each name that takes a page, a folio, or an entry of a page table uses it. So for each line of
tests/checks/names.txt that has one among its arguments there are checks here: a right one, in
which the page lives, and broken twins, in which the last reference is given up, or the table is
freed, before the name is used: by the same thread, by another one, and by another one at any time.
What is found must be a use of freed memory in the line of the name. names.py sees to it that
tests/checks/names.txt has every name of the headers, so a name that forgets to look is an error.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import names

# They compute with the numbers of frames and addresses of entries, and access nothing.
VALUES = set('''page_to_pfn folio_pfn page_folio folio_page nth_page page_address mk_pte mk_huge_pmd
    pte_unmap pte_lockptr tlb_remove_tlb_entry'''.split())
# Whoever has no reference may try to get one.
TRIES = {'try_get_page', 'folio_try_get'}
# What is put on a list is used when the list is freed, in the line after.
GATHERS = {'tlb_remove_page', '__tlb_remove_page', 'pte_free_tlb'}
# Words that freeze the count: nobody else may have a reference.
FREEZES = re.compile(r'(page|folio)_ref_(un)?freeze')

PAGE = re.compile(r's->(page|folio)$')
# A table by its page.
BY_PAGE = {'pte_free', 'pte_free_tlb', 'pmd_populate', 'set_pmd_at'}

# A name that does not look, which must be found out.
BLIND = 'macro blind(s->page)'

MORE = '''
#define blind(page) pr_info("%d", (page) != NULL)

static int ready, gone, references;

static void wait_for(int *flag)
{
	while (!READ_ONCE(*flag))
		cpu_relax();
}

/* Gives up all references that there were. */
static __attribute__((unused)) void free_page_of(struct s *s)
{
	for (int n = 0; n < references; n++)
		put_page(s->page);
}

static __attribute__((unused)) void free_leaf_table(struct s *s)
{
	pte_free(s->mm, pmd_page(s->pmd));
}

static __attribute__((unused)) void free_new_table(struct s *s) { pte_free(s->mm, s->p); }

/* A page that nothing maps, and an entry for it. */
static void with_page(struct s *s)
{
	anew(s);
	s->page = alloc_page(GFP_KERNEL);
	s->folio = page_folio(s->page);
	s->pte = mk_pte(s->page, PAGE_SHARED);
}

static __attribute__((unused)) void with_leaf_table(struct s *s) { anew(s); }

/* A table that nothing names, and an entry for it. */
static __attribute__((unused)) void with_new_table(struct s *s)
{
	anew(s);
	s->p = pte_alloc_one(s->mm, s->a);
	s->pmd = __pmd((pmd_val(s->pmd) & (((uint64_t)1 << KERNEL_PTE_PFN_SHIFT_) - 1)) |
		       (uint64_t)page_to_pfn(s->p) << KERNEL_PTE_PFN_SHIFT_);
}

static void with_page_setup(void *state, void *arg) { setup(state, arg); with_page(state); }
static void with_leaf_table_setup(void *state, void *arg)
{
	setup(state, arg);
	with_leaf_table(state);
}
static void with_new_table_setup(void *state, void *arg)
{
	setup(state, arg);
	with_new_table(state);
}

/* The page that a maps, and a reference of the other thread's. */
static void mapped_setup(void *state, void *arg)
{
	struct s *s = state;

	setup(state, arg);
	anew(s);
	get_page(s->page);
}
'''

TWINS = '''
static void {id}_same(void *state, unsigned t, void *arg)
{{
	struct s *s = state;

	(void)t;
	(void)arg;
	{before};
	references = page_count(s->page);
	{free}(s);
	{call};
	{after};
}}
EXPLORE_CHECK({id}_same, .threads = 1, .state_size = sizeof(struct s), .setup = {world}_setup,
	      .thread = {id}_same)

static void {id}_other(void *state, unsigned t, void *arg)
{{
	struct s *s = state;

	if (t == 0) {{
		wait_for(&ready);
		{free}(s);
		WRITE_ONCE(gone, 1);
		return;
	}}
	{before};
	references = page_count(s->page);
	WRITE_ONCE(ready, 1);
	if (arg)
		wait_for(&gone);
	{call};
	{after};
}}
EXPLORE_CHECK({id}_other, .threads = 2, .state_size = sizeof(struct s), .setup = {world}_setup,
	      .thread = {id}_other, .arg = "after")
EXPLORE_CHECK({id}_any, .threads = 2, .state_size = sizeof(struct s), .setup = {world}_setup,
	      .thread = {id}_other)
'''

RIGHT = '''
static void {id}_right(void *state, unsigned t, void *arg)
{{
	struct s *s = state;

	(void)arg;
	if (t == 0) {{
		{other};
		return;
	}}
	{before};
	{call};
	{after};
}}
EXPLORE_CHECK({id}_right, .threads = 2, .state_size = sizeof(struct s), .setup = mapped_setup,
	      .thread = {id}_right)
'''


class Word:
    """A line of the table, and what its broken twins free."""

    def __init__(self, line):
        self.line, self.name = line, line.name
        self.free = self.world = None
        if line.name in BY_PAGE:
            self.world, self.free = 'with_new_table', 'free_new_table'
        elif any(PAGE.match(a) for a in line.args) or {'s->ptep', 's->pte'} <= set(line.args):
            self.world, self.free = 'with_page', 'free_page_of'
        elif 's->ptep' in line.args:
            self.world, self.free = 'with_leaf_table', 'free_leaf_table'
        self.allowed = self.name in VALUES | TRIES

    def call(self):
        args = [a.replace('pmd_page(s->pmd)', 's->p') for a in self.line.args]
        return f'{self.line.result()}{self.name}({", ".join(args)})'

    def before(self):
        """Not what makes the object, and not what freezes its count."""
        if self.free == 'free_new_table':
            kept = {'gather_table(s)': 'tlb_gather_mmu(&s->tlb, s->mm)'}
            if 'pte_alloc_one' in self.line.before:
                return ''
            return kept.get(self.line.before, self.line.before)
        return '' if 'unfreeze' in self.name or self.name == 'unpin_user_page' else self.line.before

    def twins(self):
        call, after = self.call(), self.line.after
        if self.name in TRIES:
            call, after = f'bool tried = {call.removeprefix("(void)")}', f'if (tried) {after}'
        return TWINS.format(id=self.name, before=self.before(), free=self.free, call=call,
                            after=after, world=self.world)

    def right(self):
        freezes = FREEZES.match(self.name)
        other = '' if freezes else 'put_page(s->page)'
        before = f'put_page(s->page); {self.line.before}' if freezes else self.line.before
        call = f'{self.line.result()}{self.name}({", ".join(self.line.args)})'
        return RIGHT.format(id=self.name, before=before, call=call, after=self.line.after,
                            other=other)


def explore(mmun, folder, words):
    path = os.path.join(folder, 'lifetimes.c')
    with open(path, 'w') as f:
        f.write(names.MM_STATE + MORE + ''.join(w.twins() + w.right() for w in words))
    done = subprocess.run([mmun, 'check', '--json', path], capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith('{'):
            result = json.loads(line)
            found[result.get('name')] = result
    return found, open(path).read().splitlines(), done.stderr


def judge(word, twin, result, text):
    """None, or what is wrong."""
    if result is None:
        return 'was not explored'
    findings = result['findings']
    oracles = {f['oracle'] for f in findings}
    if twin == 'right' or word.allowed:
        return None if result['exhaustive'] and not (oracles & {'lifetime', 'leak', 'assertion'}) \
            else f'is accused: {[f["text"] for f in findings]}'
    if oracles != {'lifetime'}:
        return f'lifetime is to be found, and was: {[f["text"] for f in findings]}'
    lines = {p['line'] for f in findings for p in f['places']}
    lines |= {int(n) for f in findings for n in re.findall(r':([0-9]+)\)', f['text'])}
    calls = {n for n, line in enumerate(text, 1) if line.strip() == word.call() + ';'}
    if word.name not in GATHERS and not lines & calls:
        return f'is not found in its line: {[f["text"] for f in findings]}'
    return None


def main():
    mmun, top = map(os.path.realpath, sys.argv[1:3])
    os.environ['MMUN_INCLUDE'] = os.path.join(top, 'include')
    words, wrong = [], []
    mine = False
    for text in open(os.path.join(top, 'tests/checks/names.txt')):
        mine |= text.startswith('== kernel_mm')
        if mine and text.strip() and not text.startswith(('#', '==')):
            words += [Word(names.Line(v)) for v in names.variants(text.strip())]
    words.append(Word(names.Line(BLIND)))
    words = list({w.name: w for w in words if w.free}.values())
    with tempfile.TemporaryDirectory() as folder:
        found, text, errors = explore(mmun, folder, words)
    for word in words:
        for twin in ['same', 'other', 'any', 'right']:
            what = judge(word, twin, found.get(f'{word.name}_{twin}'), text)
            if what:
                wrong.append(f'{word.name}, {twin}: {what}')
    if not found:
        wrong.append(errors)
    blind = [line for line in wrong if line.startswith('blind, ')]
    wrong = [line for line in wrong if line not in blind]
    if len(blind) != 3:
        wrong.append(f'of what is planted only this is found: {blind}')
    print('\n'.join(wrong))
    print(f'{len(words)} names that use a page or a page table')
    sys.exit(bool(wrong) or len(words) < 60)


if __name__ == '__main__':
    main()
