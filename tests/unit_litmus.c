/* SPDX-License-Identifier: MIT */
/*
 * unit_litmus.c - the litmus language: what each construct becomes, what each
 * mistake is answered with, which outcomes flat memory has, and that the
 * verdicts written in the catalog agree with that.
 *
 * Arguments are litmus files to be held against their "Result:" lines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "litmus/flat/flat.h"
#include "litmus/table/matrix.h"

_Noreturn void base_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

enum { STATES_MAX = 1 << 20 };

static struct litmus *parse(const char *text)
{
	struct litmus *test = NULL;
	struct litmus_error error;
	int ret = litmus_parse(text, strlen(text), &test, &error);

	if (ret)
		litmus_error_print(stderr, "test", text, strlen(text), &error);
	assert_int_equal(ret, 0);
	return test;
}

/* --- mistakes ------------------------------------------------------------ */

struct error_case {
	const char *text, *expected; /* "line:column: what was expected" */
};

#define INIT(statements) "VM t\n{ " statements " }\nP0(int *x) { }\n"
#define BODY(statements) \
	"VM t\n{ x; y; m = 0 cow; }\nP0(int *x, int *y, int *m)\n{\n\t" statements "\n}\n"
#define ASK(questions) \
	"VM t\n{ x; m; }\nP0(int *x) { int r0 = READ_ONCE(*x); fork(kid); }\n" \
	"D1(int *x) { int r1 = *x; }\n" questions

static const struct error_case frame_errors[] = {
	{ "",
	  "1:1: the file is empty" },
	{ "  \n\t\n",
	  "1:1: the file is empty" },
	{ "VM t\n{ x; }\n\377",
	  "3:1: the file is binary" },
	{ "(* a\n (* b *)",
	  "1:1: the comment that starts here does not end" },
	{ "vm t {}",
	  "1:1: expected 'VM' or 'C' and the test's name, found 'vm'" },
	{ "VM t\n{ x; }\nP0(int *x) { }\nexits (x=1)",
	  "4:1: expected a thread, filter, locations, exists, ~exists or forall, found 'exits' "
	  "(did you mean 'exists'?)" },
	{ "VM",
	  "1:3: expected the test's name on the first line" },
	{ "VM a/b\n{}",
	  "1:4: a test's name is made of letters, digits and '+', '-', '.', '_'" },
	{ "VM nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n{}",
	  "1:4: the name is too long (at most 63 characters)" },
	{ "VM t\nP0() {}",
	  "2:1: expected '{' before the initial state, found 'P0'" },
	{ "VM t\n{ x; ",
	  "2:6: expected '}' after the initial state, found the end of the file" },
	{ "VM t\n{ x; }\n",
	  "3:1: expected a thread (P0, D0, ...), found the end of the file" },
	{ INIT("x; }\nP0(int *x) {"),
	  "4:1: there is a thread 'P0' already" },
	{ "VM t\n{ x; }\nP0(int *x) { }\nthread",
	  "4:1: expected a thread, filter, locations, exists, ~exists or forall, found 'thread'" },
	{ "VM t\n(* Result: Maybe *)\n{ }\nP0() { }",
	  "2:12: expected Never, Sometimes or Always after 'Result:', found 'Maybe'" },
	{ "VM t\n(*\n * Result: Never\n * Result: Never\n *)\n{ }\nP0() { }\nexists (true)",
	  "4:12: a test has one 'Result:' line only" },
	{ "VM t\n(* Result: Never *)\n{ }\nP0() { }\n",
	  "5:1: expected the condition that 'Result:' speaks of, found the end of the file" },
	{ "VM t\n(* Finding: 7 *)\n{ }\nP0() { }\n",
	  "2:13: expected flat, lifetime, after-return, lost-write or another oracle after "
	  "'Finding:', found '7'" },
	{ "VM t\n(* Finding: flatt *)\n{ }\nP0() { }\n",
	  "2:13: expected flat, lifetime, after-return, lost-write or another oracle after "
	  "'Finding:', found 'flatt' (did you mean 'flat'?)" },
	{ "VM t\n(* Result: Somtimes *)\n{ }\nP0() { }",
	  "2:12: expected Never, Sometimes or Always after 'Result:', found 'Somtimes' "
	  "(did you mean 'Sometimes'?)" },
	{ "VM t\n{ x;\nP0(int *x) { }\n",
	  "3:1: expected '}' of the initial state before 'P0'" },
	{ "VM t\n(* Results: Never *)\n{ }\nP0() { }\n",
	  "2:4: expected 'Result:' in place of 'Results:'" },
	{ "C t\n{ }\nD0() { }",
	  "3:1: a 'C' test has no devices; begin the test with 'VM'" },
	{ "C t\n{ x cow; }\nP0(int *x) { }",
	  "2:5: a 'C' test has plain variables only; begin the test with 'VM'" },
	{ "C t\n{ notify cow = end; }",
	  "2:3: a 'C' test has plain variables only; begin the test with 'VM'" },
	{ "C t\n{ fork forgets areas; }",
	  "2:3: a 'C' test has plain variables only; begin the test with 'VM'" },
	{ "C t\n{ }\nP0(int *x) { munmap(x); }",
	  "3:14: 'munmap' needs a test that begins with 'VM'" },
	{ "VM t\n{ x; } $",
	  "2:8: unexpected character '$'" },
	{ "VM t\n{ x = 0 \303\251; }",
	  "2:9: unexpected character '\303\251'" },
	{ "VM t\n{ }\nP0() { }\nP1() { }\nP2() { }\nP3() { }\nP4() { }\nP5() { }\nP6() { "
	      "}\nP7() { }\nP8() { }\n",
	  "11:1: too many threads (at most 8)" },
};

static const struct error_case initial_state_errors[] = {
	{ INIT("x"),
	  "2:5: expected ';' or how the page is mapped (cow, zero, none, swapped, shared, "
	  "file, huge, split, pinned, readonly, with, beside), found '}'" },
	{ INIT("x = ;"),
	  "2:7: expected a number after '=', found ';'" },
	{ INIT("x = 99999999999999999999;"),
	  "2:7: the number is too large (at most 4611686018427387904)" },
	{ INIT("x = 0x;"),
	  "2:7: expected a number in decimal or 0x form" },
	{ INIT("x = 12ab;"),
	  "2:7: expected a number in decimal or 0x form" },
	{ INIT("x; x;"),
	  "2:6: 'x' is already declared" },
	{ INIT("x caow;"),
	  "2:5: expected ';' or how the page is mapped (cow, zero, none, swapped, shared, "
	  "file, huge, split, pinned, readonly, with, beside), found 'caow' (did you mean 'cow'?)" },
	{ INIT("x = 1 zero;"),
	  "2:9: 'x' must be 0 on a page that was never written" },
	{ INIT("x = 1 none;"),
	  "2:9: 'x' must be 0 on a page that was never written" },
	{ INIT("x cow zero;"),
	  "2:9: the page of 'x' is described already" },
	{ INIT("x cow cow;"),
	  "2:9: the page of 'x' is described already" },
	{ INIT("x with y;"),
	  "2:10: unknown variable 'y'" },
	{ INIT("x; y with x cow;"),
	  "2:15: the page of 'y' is described already" },
	{ INIT("x; y cow with x;"),
	  "2:17: 'with' stands alone: the page is described where 'x' is" },
	{ INIT("x with x;"),
	  "2:10: 'x' cannot share a page with itself" },
	{ INIT("x; y beside x; z beside x; u beside x; v beside x;"),
	  "2:51: the page table of 'x' is full (at most 4 pages)" },
	{ INIT("x; y with x; z with x; u with x; v with x;"),
	  "2:43: the page of 'x' is full (at most 4 variables)" },
	{ INIT("x; notfy cow = clear;"),
	  "2:6: unknown statement 'notfy' (did you mean 'notify'?)" },
	{ INIT("x; notify cow = claer;"),
	  "2:19: expected a place (clear, set, unlock, end, after, freed, never, default), "
	  "found 'claer' (did you mean 'clear'?)" },
	{ INIT("x\n y;"),
	  "2:4: expected ';' or how the page is mapped (cow, zero, none, swapped, shared, "
	  "file, huge, split, pinned, readonly, with, beside), found 'y'" },
	{ INIT("if;"),
	  "2:3: expected a variable's name, found 'if', which is a word of the language" },
	{ INIT("P0 = 1;"),
	  "2:6: expected 'caches', 'on', 'mirrors' or 'shadows' after the thread, found '='" },
	{ INIT("atomic_t x;"),
	  "2:3: the type 'atomic_t' is not supported: use int, long or u64" },
	{ INIT("x; P0 eats x;"),
	  "2:9: expected 'caches', 'on', 'mirrors' or 'shadows' after the thread, found 'eats'" },
	{ INIT("x; P0 caches z;"),
	  "2:16: unknown variable 'z'" },
	{ INIT("x none; P0 caches x;"),
	  "2:21: 'x' is not mapped at the start: there is nothing to cache" },
	{ INIT("x; D0 caches x;"),
	  "2:6: there is no thread 'D0' (did you mean 'P0'?)" },
	{ INIT("x; P0 on P1;"),
	  "2:6: 'P0' is a CPU thread: only device threads share a device" },
	{ INIT("x; D0 on D0;"),
	  "2:12: 'D0' is on its own device anyway" },
	{ INIT("x; D1 on D0;"),
	  "2:6: there is no thread 'D1'" },
	{ INIT("notify = end;"),
	  "2:10: expected cow, munmap, mprotect, fork, ksm_merge, replace_page, mremap, "
	  "dontneed, free, truncate, reclaim, age, migrate, split, collapse, clear_refs, uffd_wp, "
	  "uffd_move, numa_hint, clean or upgrade, found '='" },
	{ INIT("x huge shared;"),
	  "2:5: a huge page is anonymous: 'huge' goes with cow or none" },
	{ INIT("x none split;"),
	  "2:10: a huge page is anonymous: 'split' goes with cow" },
	{ INIT("x huge split;"),
	  "2:10: the page of 'x' is described already" },
	{ INIT("x; y beside x huge;"),
	  "2:17: a huge page begins a page table: 'y' cannot be beside another variable" },
	{ INIT("x; y huge beside x;"),
	  "2:20: 'y' has its place already" },
	{ INIT("x huge; y cow beside x;"),
	  "2:24: 'beside' stands alone in a huge page: it is described where 'x' is" },
	{ INIT("x huge; y beside x readonly;"),
	  "2:22: the page of 'y' is described already" },
	{ INIT("x huge; y with x pinned;"),
	  "2:20: the page of 'y' is described already" },
	{ INIT("x huge none; y = 1 beside x;"),
	  "2:16: 'y' must be 0 on a page that was never written" },
	{ INIT("x pinned cow;"),
	  "2:5: a pinned page is present and writable, and shared with no child: "
	  "'pinned' goes with shared, huge and split" },
	{ INIT("x swapped; P0 caches x;"),
	  "2:24: 'x' is not mapped at the start: there is nothing to cache" },
	{ INIT("notify cow end;"),
	  "2:14: expected '=' after the operation, found 'end'" },
	{ INIT("notify cow = start;"),
	  "2:16: expected a place (clear, set, unlock, end, after, freed, never, default), "
	  "found 'start'" },
	{ INIT("notify cow = never, end;"),
	  "2:23: 'never' and 'default' stand alone" },
	{ INIT("notify cow = end, end;"),
	  "2:21: this place is given already" },
	{ INIT("notify cow = end; notify cow = set;"),
	  "2:28: the place of 'cow' is given already" },
	{ INIT("fork forgets areas; mprotect forgets areas;"),
	  "2:23: expected cow, munmap, fork, ksm_merge, reclaim, migrate, collapse, clear_refs, "
	  "uffd_wp or numa_hint before 'forgets', found 'mprotect'" },
	{ INIT("frok forgets areas;"),
	  "2:3: expected cow, munmap, fork, ksm_merge, reclaim, migrate, collapse, clear_refs, "
	  "uffd_wp or numa_hint before 'forgets', found 'frok' (did you mean 'fork'?)" },
	{ INIT("fork forgets area;"),
	  "2:16: expected areas, found 'area' (did you mean 'areas'?)" },
	{ INIT("cow forgets areas;"),
	  "2:15: expected reuse or pending, found 'areas'" },
	{ INIT("cow forgets reuse pending;"),
	  "2:21: expected ';' after the statement, found 'pending'" },
	{ INIT("cow forgets reuse, reuse;"),
	  "2:22: 'cow' forgets 'reuse' already" },
	{ INIT("cow forgets;"),
	  "2:14: expected reuse or pending, found ';'" },
	{ INIT("forgets = 1;"),
	  "2:3: expected a variable's name, found 'forgets', which is a word of the language" },
	{ INIT("x; P0 mirrors;"),
	  "2:6: 'P0' is a CPU thread: what it translates with is given" },
	{ INIT("x; D0 mirrors; D0 shadows;"),
	  "2:21: of 'D0' this was said already" },
	{ INIT("x; D0 mirrors;"),
	  "2:6: there is no thread 'D0' (did you mean 'P0'?)" },
	{ INIT("x; D0 mirror;"),
	  "2:9: expected 'caches', 'on', 'mirrors' or 'shadows' after the thread, found 'mirror' "
	  "(did you mean 'mirrors'?)" },
	{ INIT("semantics old;"),
	  "2:13: expected 'modern', 'classic' or a version of Linux, such as 6.1 or 6.12, after "
	  "'semantics', found 'old'" },
	{ "VM t\n{ semantics 4.14; }", "2:13: the oldest semantics are those of Linux 4.15" },
	{ "VM t\n{ semantics 6; }",
	  "2:13: expected 'modern', 'classic' or a version of Linux, such as 6.1 or 6.12, after "
	  "'semantics', found '6'" },
	{ INIT("v0; v1; v2; v3; v4; v5; v6; v7; v8; v9; v10; v11; v12;"),
	  "2:53: too many variables (at most 12)" },
	{ INIT("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv;"),
	  "2:3: the name is too long (at most 63 characters)" },
	{ INIT("x; cow; "),
	  "2:6: expected a variable's name, found 'cow', which is a word of the language" },
	{ INIT("x; 7;"),
	  "2:6: expected a variable's name, found '7'" },
};

static const struct error_case thread_errors[] = {
	{ "VM t\n{ x; }\nP0 { }",
	  "3:4: expected '(' after the thread's name, found '{'" },
	{ "VM t\n{ x; }\nP0(x) { }",
	  "3:4: expected a parameter such as int *x, found 'x'" },
	{ "VM t\n{ x; }\nP0(int x) { }",
	  "3:8: expected '*' after the type, found 'x'" },
	{ "VM t\n{ xx; }\nP0(int *yx) { }",
	  "3:9: 'yx' is not in the initial state (did you mean 'xx'?)" },
	{ "VM t\n{ x; }\nP0(int *x, int *x) { }",
	  "3:17: 'x' is a parameter already" },
	{ "VM t\n{ x; }\nP0(atomic_t *x) { }",
	  "3:4: the type 'atomic_t' is not supported: use int, long or u64" },
	{ "VM t\n{ x; }\nP0(int *x) ;",
	  "3:12: expected '{' before the thread's body, found ';'" },
	{ "VM t\n{ x; }\nP0(int *x) { WRITE_ONCE(*x, 1);",
	  "3:32: expected '}', found the end of the file" },
	{ "VM t\n{ x; }\nP0(int *x) {\n\nP1(int *x) { }",
	  "5:1: expected '}' of P0, which begins in line 3, before 'P1'" },
	{ "VM t\n{ x; y; }\nP0(int *x) { WRITE_ONCE(*y, 1); }",
	  "3:26: 'y' is not a parameter of P0" },
	{ "VM t\n{ x; }\nD0(int *x) { munmap(x); }",
	  "3:14: D0 is a device: only CPU threads call 'munmap'" },
	{ "VM t\n{ x; D1 on D0; D2 on D1; }\nD0(int *x) { }\nD1(int *x) { }\nD2(int *x) { }",
	  "2:22: 'D1' is on 'D0' itself: name that one" },
	{ "VM t\n{ x; D1 on D0; D1 mirrors; }\nD0(int *x) { }\nD1(int *x) { }",
	  "2:19: 'D1' is on 'D0': say it of that one" },
	{ "VM t\n{ x; }\nP0(int *x) { /* open }",
	  "3:14: the comment that starts here does not end" },
};

static const struct error_case statement_errors[] = {
	{ BODY("WRITE_ONCE(*x, 1) foo;"),
	  "5:20: expected ';' after the statement, found 'foo'" },
	{ BODY("WRITE_ONCE(x, 1);"),
	  "5:13: expected '*' before the variable, found 'x'" },
	{ BODY("WRITE_ONC(*x, 1);"),
	  "5:2: unknown operation 'WRITE_ONC' (did you mean 'WRITE_ONCE'?)" },
	{ BODY("WRITE_ONCE(*z, 1);"),
	  "5:14: unknown variable 'z'" },
	{ BODY("WRITE_ONCE(*x 1);"),
	  "5:16: expected ',' after the variable, found '1'" },
	{ BODY("smp_store_release(*x, 1);"),
	  "5:20: expected a variable, found '*'" },
	{ BODY("munmp(x);"),
	  "5:2: unknown operation 'munmp' (did you mean 'munmap'?)" },
	{ BODY("munmap(x, y);"),
	  "5:10: expected ')' after the operation, found ','" },
	{ BODY("munmap(7);"),
	  "5:9: expected a variable, found '7'" },
	{ BODY("mprotect(x, PROT_EXEC);"),
	  "5:14: expected PROT_NONE, PROT_READ or PROT_READ | PROT_WRITE, found 'PROT_EXEC'" },
	{ BODY("mprotect(x, PROT_WRITE);"),
	  "5:14: PROT_WRITE needs PROT_READ: no processor maps pages so" },
	{ BODY("mprotect(x);"),
	  "5:12: expected ',' after the variable, found ')'" },
	{ BODY("fork(x);"),
	  "5:7: 'x' is a variable; a child needs another name" },
	{ BODY("fork(c); fork(c);"),
	  "5:16: the child 'c' is forked already" },
	{ BODY("fork(c); fork(d); fork(e);"),
	  "5:25: too many children (at most 2)" },
	{ BODY("ksm_merge(x, x);"),
	  "5:2: 'x' and 'x' are on one page" },
	{ BODY("madvise(x);"),
	  "5:11: expected ',' after the variable, found ')'" },
	{ BODY("madvise(x, DONTNEED);"),
	  "5:13: expected MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT, MADV_UNMERGEABLE, "
		"MADV_REMOVE, MADV_COLLAPSE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE, "
		"MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, "
		"MADV_POPULATE_READ or MADV_POPULATE_WRITE, found 'DONTNEED'" },
	{ BODY("clear_refs(2);"),
	  "5:13: expected 1 or 4, found '2'" },
	{ BODY("uffd_writeprotect(x, 2);"),
	  "5:23: expected 1 or 0, found '2'" },
	{ BODY("mremap(x);"),
	  "5:10: expected ',' after the variable, found ')'" },
	{ BODY("mremap(x, y, DONTUNMAP);"),
	  "5:15: expected MREMAP_DONTUNMAP, found 'DONTUNMAP'" },
	{ BODY("mremap(x, y 1);"),
	  "5:14: expected ',' after the variable, found '1'" },
	{ "VM t\n{ x; y; z with y; h huge; }\nP0(int *x, int *y)\n{ mremap(x, y); }\n",
	  "4:3: 'x' and 'y' do not have as many variables on as many pages" },
	{ "VM t\n{ x; h huge; }\nP0(int *x, int *h)\n{ mremap(x, h); }\n",
	  "4:3: 'x' and 'h' must both be a page or both a huge page" },
	{ "VM t\n{ h huge; i beside h; }\nP0(int *h, int *i)\n{ mremap(h, i); }\n",
	  "4:3: 'h' and 'i' are on one page" },
	{ BODY("truncate(x);"),
	  "5:2: 'x' is no page of a file: declare it 'shared' or 'file'" },
	{ BODY("oom_reap(x);"),
	  "5:11: expected ')' after the operation, found 'x'" },
	{ BODY("int MADV_FREE;"),
	  "5:6: expected a register's name, found 'MADV_FREE', which is a word of the language" },
	{ BODY("replace_page(x);"),
	  "5:16: expected ',' after the variable, found ')'" },
	{ BODY("int x = 1;"),
	  "5:6: 'x' is a variable; a register needs another name" },
	{ BODY("int r0; int r0;"),
	  "5:14: 'r0' is already declared" },
	{ BODY("int *p;"),
	  "5:6: a register holds a number: pointers are parameters only" },
	{ BODY("r0 = 1;"),
	  "5:2: unknown register 'r0'" },
	{ BODY("int r0 = 1; r1 = r0;"),
	  "5:14: unknown register 'r1' (did you mean 'r0'?)" },
	{ BODY("x = 1;"),
	  "5:2: 'x' is a pointer: write it with WRITE_ONCE(*x, ...)" },
	{ BODY("int r0 = x;"),
	  "5:11: 'x' is a pointer: read it with READ_ONCE(*x)" },
	{ BODY("int r0 = munmap(x) + 1;"),
	  "5:21: expected ';' after the declaration, found '+'" },
	{ BODY("int r0 = 1 && *x;"),
	  "5:16: a load to the right of '&&' or '||' is not always executed: use a nested if" },
	{ BODY("if (*x == 1 || READ_ONCE(*y)) ;"),
	  "5:17: a load to the right of '&&' or '||' is not always executed: use a nested if" },
	{ BODY("if *x ;"),
	  "5:5: expected '(' after 'if', found '*'" },
	{ BODY("int r0 = ;"),
	  "5:11: expected an expression, found ';'" },
	{ BODY("int r0 = (1;"),
	  "5:13: expected ')' after the expression, found ';'" },
	{ BODY("int r0 = 1 +;"),
	  "5:14: expected an expression, found ';'" },
	{ BODY("while (1) ;"),
	  "5:2: 'while' is not supported: a body has assignments, calls, if and else" },
	{ BODY("else ;"),
	  "5:2: expected a statement, found 'else' without an if" },
	{ BODY("(* comment *)"),
	  "5:2: expected a statement, found '(*'; inside a thread a comment is written /* ... "
	  "*/" },
	{ BODY("foo;"),
	  "5:2: unknown register 'foo'" },
	{ BODY("int r0 = READ_ONC(*x);"),
	  "5:11: unknown function 'READ_ONC' (did you mean 'READ_ONCE'?)" },
	{ BODY("spin_lock(x);"),
	  "5:2: 'spin_lock' is not in the language of litmus tests; a check in C (mmun check "
	  "FILE.c) has Linux's locks, atomics and RCU" },
	{ BODY("int r0 = xchg(x, 1);"),
	  "5:11: 'xchg' is not in the language of litmus tests; a check in C (mmun check "
	  "FILE.c) has Linux's locks, atomics and RCU" },
	{ BODY("itn r0 = READ_ONCE(*x);"),
	  "5:2: unknown type 'itn' (did you mean 'int'?)" },
	{ BODY("double r0 = READ_ONCE(*x);"),
	  "5:2: unknown type 'double': use int, long or u64" },
	{ BODY("WRITE_ONCE(*x, 1)\n\tmunmap(x);"),
	  "5:19: expected ';' after the statement, found 'munmap'" },
	{ BODY("int r0 = 1\n"),
	  "5:12: expected ';' after the declaration, found '}'" },
	{ BODY("int r0 = 5 / 2;"),
	  "5:13: unexpected character '/'" },
	{ BODY("int r0 = ((((((((((((((((((((((((((((((((((((((((1;"),
	  "5:41: nested too deeply (at most 32 levels)" },
	{ BODY("{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{"),
	  "5:33: nested too deeply (at most 32 levels)" },
	{ BODY("smp_mb;"),
	  "5:8: expected '(' after the fence, found ';'" },
	{ BODY("int if;"),
	  "5:6: expected a register's name, found 'if', which is a word of the language" },
	{ BODY("int r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16;"),
	  "5:79: P0 has too many registers (at most 16, one for each load inside an expression "
	  "included)" },
	{ BODY("*x;"),
	  "5:4: expected '=' after the variable, found ';'" },
};

static const struct error_case condition_errors[] = {
	{ ASK("exist (0:r0=1)"),
	  "5:1: expected a thread, filter, locations, exists, ~exists or forall, found 'exist' "
	  "(did you mean 'exists'?)" },
	{ ASK("exists"),
	  "5:7: expected a condition such as 0:r0=1 or x=1, found the end of the file" },
	{ ASK("exists (0:r0=1"),
	  "5:15: expected ')' after the condition, found the end of the file" },
	{ ASK("exists (0:r0)"),
	  "5:13: expected '=' or '!=', found ')'" },
	{ ASK("exists (0:r0=)"),
	  "5:14: expected a number, 'fault' or 'unmapped', found ')'" },
	{ ASK("exists (0:r9=1)"),
	  "5:11: P0 has no register 'r9' (did you mean 'r0'?)" },
	{ ASK("exists (1:r1=1)"),
	  "5:9: there is no CPU thread '1' (did you mean 'D1'?)" },
	{ ASK("exists (D1:r0=1)"),
	  "5:12: D1 has no register 'r0' (did you mean 'r1'?)" },
	{ ASK("exists (7:r0=1)"),
	  "5:9: there is no thread '7' (did you mean 'P0'?)" },
	{ ASK("exists (xx=1)"),
	  "5:9: unknown variable 'xx'" },
	{ ASK("exists (kit:x=1)"),
	  "5:9: there is no thread or child 'kit' (did you mean 'kid'?)" },
	{ ASK("exists (kid:z=1)"),
	  "5:13: unknown variable 'z'" },
	{ ASK("exists (0:=1)"),
	  "5:11: expected a register, found '='" },
	{ ASK("exists 0 r0"),
	  "5:10: expected ':' after the thread, found 'r0'" },
	{ ASK("exists (x=1) exists (x=1)"),
	  "5:14: a test has one condition only" },
	{ ASK("~forall (x=1)"),
	  "5:2: expected 'exists' after '~', found 'forall'" },
	{ ASK("locations 0:r0;"),
	  "5:11: expected '[' after 'locations', found '0'" },
	{ ASK("locations [0:r0 x]"),
	  "5:17: expected ';' between locations, found 'x'" },
	{ ASK("locations [x] locations [x]"),
	  "5:15: a test has one 'locations' only" },
	{ ASK("filter (x=1) filter (x=1)"),
	  "5:14: a test has one 'filter' only" },
	{ ASK("exists (x=1 /\\ )"),
	  "5:16: expected a condition such as 0:r0=1 or x=1, found ')'" },
	{ ASK("exists (~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~x=1)"),
	  "5:40: nested too deeply (at most 32 levels)" },
	{ ASK("exists (x=y)"),
	  "5:11: expected a number, 'fault' or 'unmapped', found 'y'" },
	{ ASK("exists (x=1 or x=2)"),
	  "5:13: expected ')' after the condition, found 'or'" },
	{ ASK("exists ([x=1)"),
	  "5:11: expected ']' after the variable, found '='" },
	{ ASK("exists (x=1;"),
	  "5:12: expected ')' after the condition, found ';'" },
};

static void check_error(const char *text, size_t size, const char *expected)
{
	struct litmus *test = NULL;
	struct litmus_error error = { { 0, 0 }, "" };
	char got[320];

	assert_int_equal(litmus_parse(text, size, &test, &error), -EINVAL);
	assert_null(test);
	snprintf(got, sizeof(got), "%d:%d: %s", error.pos.line, error.pos.column, error.text);
	assert_string_equal(got, expected);
}

static void check_errors(const struct error_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_error(cases[i].text, strlen(cases[i].text), cases[i].expected);
}

static void errors_in_the_frame(void **state)
{
	(void)state;
	check_errors(frame_errors, ARRAY_SIZE(frame_errors));
	check_error("VM t\n\0{ }", 9, "2:1: the file is binary");
	check_error("\xe2\x82", 2, "1:1: the file is binary");
	check_error("\xc0\xaf", 2, "1:1: the file is binary");
	check_error(NULL, 0, "1:1: the file is empty");
}

static void errors_in_the_initial_state(void **state)
{
	(void)state;
	check_errors(initial_state_errors, ARRAY_SIZE(initial_state_errors));
}

static void errors_in_threads(void **state)
{
	(void)state;
	check_errors(thread_errors, ARRAY_SIZE(thread_errors));
}

static void errors_in_statements(void **state)
{
	(void)state;
	check_errors(statement_errors, ARRAY_SIZE(statement_errors));
}

static void errors_in_conditions(void **state)
{
	(void)state;
	check_errors(condition_errors, ARRAY_SIZE(condition_errors));
}

/* Limits that a test reaches by saying the same thing again and again. */
static void errors_of_size(void **state)
{
	static const struct { const char *before, *again; int times; const char *after, *expected; }
	cases[] = {
		{ "VM t\n{ x; }\nP0(int *x)\n{\n\t", "*x = 1;", 65, "}",
		  "5:456: P0 is too long (at most 64 instructions)" },
		{ "VM t\n{ x; }\nP0(int *x)\n{\n\tint r = ", "1+", 1030, "1; }",
		  "5:1035: the test is too long (at most 1024 parts of expressions)" },
		{ "VM t\n{ x; }\nP0(int *x) { }\n\nexists (", "x=1 /\\ ", 200, "x=1)",
		  "5:909: the condition is too long (at most 256 parts)" },
		{ "VM t\n{ x; }\nP0(int *x) { }\n\nexists ", "(", 5000, "x=1)",
		  "5:40: nested too deeply (at most 32 levels)" },
		{ "VM t\n{ x; }\nP0(int *x)\n{\n", "if (1) ", 5000, "; }",
		  "5:215: nested too deeply (at most 32 levels)" },
		{ "VM t\n", " ", LITMUS_FILE_BYTES_MAX, "",
		  "1:1: the file is too large (at most 262144 bytes)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = strlen(cases[i].again), size = strlen(cases[i].before);
		char *text = malloc(size + n * (size_t)cases[i].times +
				    strlen(cases[i].after) + 1);

		assert_non_null(text);
		memcpy(text, cases[i].before, size);
		for (int k = 0; k < cases[i].times; k++, size += n)
			memcpy(text + size, cases[i].again, n);
		strcpy(text + size, cases[i].after);
		check_error(text, strlen(text), cases[i].expected);
		free(text);
	}
}

static void errors_are_shown_with_a_caret(void **state)
{
	static const char text[] = "VM t\n{ x; }\nP0(int *x)\n{\n\tmunmp(x);\n}\n";
	struct litmus *test;
	struct litmus_error error;
	char *shown;
	size_t size;
	FILE *out = open_memstream(&shown, &size);

	(void)state;
	assert_int_equal(litmus_parse(text, strlen(text), &test, &error), -EINVAL);
	litmus_error_print(out, "a.litmus", text, strlen(text), &error);
	error = (struct litmus_error){ { 9, 9 }, "behind the end" };
	litmus_error_print(out, "a.litmus", text, strlen(text), &error);
	fclose(out);
	assert_string_equal(shown,
		"a.litmus:5:2: error: unknown operation 'munmp' (did you mean 'munmap'?)\n"
		"    5 | \tmunmp(x);\n"
		"      | \t^\n"
		"a.litmus:9:9: error: behind the end\n");
	free(shown);
}

/* --- what a test becomes ------------------------------------------------- */

static void the_frame(void **state)
{
	struct litmus *t = parse("VM a+b-c.d_1\n"
				 "(*\n * SPDX-License-Identifier: MIT\n * Result: Sometimes\n"
				 " * Finding: after-return\n *\n * What (* it *) teaches,\n *   in two lines.\n"
				 " *)\n{ x; }\n/* between */ (* other *) // third\n"
				 "P0(int *x) { int r0 = *x; }\n"
				 "~exists (0:r0=1 (* bad *) /\\\n\tx=0)\n");

	(void)state;
	assert_string_equal(t->name, "a+b-c.d_1");
	assert_true(t->vm);
	assert_int_equal(t->expected, RESULT_SOMETIMES);
	assert_string_equal(t->expected_finding, "after-return");
	assert_string_equal(t->prose, "What (* it *) teaches,\n  in two lines.");
	assert_int_equal(t->quantifier, QUANT_NOT_EXISTS);
	assert_string_equal(t->condition_text, "~exists (0:r0=1 /\\ x=0)");
	assert_false(t->classic);
	litmus_destroy(t);

	t = parse("C t\n{}\nP0(int *y, long *z) { }\n");
	assert_false(t->vm);
	assert_string_equal(t->prose, "");
	assert_int_equal(t->expected, RESULT_NONE);
	assert_int_equal(t->quantifier, QUANT_NONE);
	assert_int_equal(t->vars, 2);
	assert_string_equal(t->var[1].name, "z");
	assert_int_equal(t->shown_count, 2);
	litmus_destroy(t);
	litmus_destroy(NULL);
}

static void the_initial_state(void **state)
{
	static const struct litmus_var expected[] = {
		{ .name = "x", .init = 7, .backing = BACKING_PRIVATE },
		{ .name = "a", .init = -1, .backing = BACKING_COW, .page = 1, .table = 1 },
		{ .name = "a2", .init = 2, .backing = BACKING_COW, .page = 1, .word = 1,
		  .table = 1 },
		{ .name = "z", .backing = BACKING_ZERO, .readonly = true, .page = 2, .table = 1,
		  .slot = 1 },
		{ .name = "n", .backing = BACKING_NONE, .page = 3, .table = 2 },
		{ .name = "h", .init = 255, .page = 4, .table = 2, .slot = 1 },
	};
	struct litmus *t = parse("VM t\n{ int x = 7; a = -1 cow; long a2 = 2 with a;;\n"
				 "z readonly zero beside a; u64 n none; h = 0xff beside n; }\n"
				 "P0() { }\n");

	(void)state;
	assert_int_equal(t->vars, 6);
	assert_int_equal(t->pages, 5);
	assert_int_equal(t->tables, 3);
	for (size_t v = 0; v < ARRAY_SIZE(expected); v++) {
		const struct litmus_var *got = &t->var[v], *want = &expected[v];

		assert_string_equal(got->name, want->name);
		assert_int_equal(got->init, want->init);
		assert_int_equal(got->backing, want->backing);
		assert_int_equal(got->readonly, want->readonly);
		assert_int_equal(got->page, want->page);
		assert_int_equal(got->word, want->word);
		assert_int_equal(got->table, want->table);
		assert_int_equal(got->slot, want->slot);
	}
	assert_int_equal(t->var[3].pos.line, 3);
	assert_int_equal(t->var[3].pos.column, 1);
	litmus_destroy(t);
}

static void threads_and_places(void **state)
{
	struct litmus *t = parse("VM t\n{ x; y; D2 on D0; D2 caches y; D0 caches x; P4 caches y, x;\n"
				 "notify cow = clear, end; notify munmap = freed; notify fork = never;\n"
				 "notify mprotect = unlock, after; notify ksm_merge = set;\n"
				 "notify replace_page = default; semantics classic; }\n"
				 "P4(int *x) { } D0(int *x) { } D2(int *x) { } D7() { } P0() { }\n");

	(void)state;
	assert_int_equal(t->threads, 5);
	assert_int_equal(t->units, 4);
	assert_string_equal(t->thread[0].name, "P4");
	assert_false(t->thread[0].device);
	assert_true(t->thread[2].device);
	assert_int_equal(t->thread[1].unit, t->thread[2].unit);
	assert_int_not_equal(t->thread[1].unit, t->thread[3].unit);
	assert_int_equal(t->thread[0].caches, 3);
	assert_int_equal(t->thread[1].caches, 3);
	assert_int_equal(t->thread[2].caches, 3);
	assert_int_equal(t->thread[3].caches, 0);
	assert_int_equal(t->place[ROW_COW], FLUSH_POINT_CLEAR | FLUSH_POINT_END);
	assert_int_equal(t->place[ROW_MUNMAP], FLUSH_POINT_FREED);
	assert_int_equal(t->place[ROW_FORK], PLACE_NEVER);
	assert_int_equal(t->place[ROW_MPROTECT], FLUSH_POINT_UNLOCK | FLUSH_POINT_AFTER);
	assert_int_equal(t->place[ROW_KSM_MERGE], FLUSH_POINT_SET);
	assert_int_equal(t->place[ROW_REPLACE_PAGE], PLACE_DEFAULT);
	assert_true(t->classic);
	litmus_destroy(t);
}

static void devices_and_lapses(void **state)
{
	struct litmus *t = parse("VM t\n{ x; D1 on D0; D0 mirrors; D2 shadows; D3 caches permissions;\n"
				 "D4 remembers; D0 caches x;\n" /* as it was called */
				 "fork forgets areas; cow forgets pending, reuse; }\n"
				 "P0(int *x) { } D0(int *x) { } D1() { } D2() { } D3() { } D4() { }\n");

	(void)state;
	assert_int_equal(t->thread[1].kind, DEVICE_MIRROR);
	assert_int_equal(t->thread[2].kind, DEVICE_MIRROR);
	assert_int_equal(t->thread[3].kind, DEVICE_SHADOW);
	assert_int_equal(t->thread[4].kind, DEVICE_CACHES_PERMISSIONS);
	assert_int_equal(t->thread[5].kind, DEVICE_CACHES_PERMISSIONS);
	assert_int_equal(t->thread[1].caches, 1);
	assert_int_equal(t->forgets, 1u << FORGETS_FORK_AREAS | 1u << FORGETS_COW_REUSE |
				     1u << FORGETS_COW_PENDING);
	litmus_destroy(t);
}

struct insn_case {
	enum litmus_insn_kind kind;
	enum litmus_order order;
	int reg, var, target;
	const char *text;
};

static void check_insns(const struct litmus_thread *t, const struct insn_case *cases, int count)
{
	assert_int_equal(t->insns, count);
	for (int i = 0; i < count; i++) {
		const struct litmus_insn *insn = &t->insn[i];

		assert_int_equal(insn->kind, cases[i].kind);
		assert_int_equal(insn->order, cases[i].order);
		assert_int_equal(insn->reg, cases[i].reg);
		assert_int_equal(insn->var, cases[i].var);
		assert_int_equal(insn->target, cases[i].target);
		assert_string_equal(insn->text, cases[i].text);
	}
}

static void accesses(void **state)
{
	static const struct insn_case cases[] = {
		{ INSN_LOAD, ORDER_ONCE, 0, 0, 0, "r0 = READ_ONCE(*x)" },
		{ INSN_LOAD, ORDER_ACQ_REL, 0, 1, 0, "r0 = smp_load_acquire(y)" },
		{ INSN_LOAD, ORDER_PLAIN, 1, 0, 0, "r1 = *x" },
		{ INSN_STORE, ORDER_ONCE, -1, 0, 0, "WRITE_ONCE(*x, r0 + 1)" },
		{ INSN_STORE, ORDER_ACQ_REL, 2, 1, 0, "r2 = smp_store_release(y, 3)" },
		{ INSN_STORE, ORDER_PLAIN, -1, 0, 0, "*x = -4" },
		{ INSN_FENCE, ORDER_PLAIN, -1, -1, 0, "smp_mb()" },
		{ INSN_FENCE, ORDER_PLAIN, -1, -1, 0, "smp_rmb()" },
		{ INSN_FENCE, ORDER_PLAIN, -1, -1, 0, "smp_wmb()" },
		{ INSN_LOAD, ORDER_ONCE, 3, 0, 0, "READ_ONCE(*x)" },
		{ INSN_SET, ORDER_PLAIN, 0, -1, 0, "r0 = 5" },
	};
	struct litmus *t = parse("VM t\n{ x; y; }\nP0(int *x, int *y)\n{\n"
				 "int r0 = READ_ONCE(*x), r1; r0 = smp_load_acquire(y);\n"
				 "r1 = *x; WRITE_ONCE(*x,\n\tr0  + /* folded */ 1); ;\n"
				 "int r2 = smp_store_release(y, 3); *x = -4;\n"
				 "smp_mb(); smp_rmb(); smp_wmb(); READ_ONCE(*x); // gone\n r0 = 5;\n}\n");

	(void)state;
	check_insns(&t->thread[0], cases, ARRAY_SIZE(cases));
	assert_int_equal(t->thread[0].regs, 4);
	assert_string_equal(t->thread[0].reg_name[1], "r1");
	assert_string_equal(t->thread[0].reg_name[3], "");
	assert_int_equal(t->thread[0].insn[3].pos.line, 6);
	assert_int_equal(t->thread[0].insn[3].pos.column, 10);
	litmus_destroy(t);
}

static void branches(void **state)
{
	static const struct insn_case cases[] = {
		{ INSN_LOAD, ORDER_PLAIN, 0, 0, 0, "*x" },
		{ INSN_LOAD, ORDER_ONCE, 1, 1, 0, "READ_ONCE(*y)" },
		{ INSN_JUMP_UNLESS, ORDER_PLAIN, -1, -1, 7, "if (*x == READ_ONCE(*y))" },
		{ INSN_SET, ORDER_PLAIN, 2, -1, 0, "r0 = 1" },
		{ INSN_JUMP_UNLESS, ORDER_PLAIN, -1, -1, 6, "if (r0)" },
		{ INSN_STORE, ORDER_PLAIN, -1, 0, 0, "*x = 2" },
		{ INSN_JUMP, ORDER_PLAIN, -1, -1, 9, "" },
		{ INSN_LOAD, ORDER_PLAIN, 3, 0, 0, "*x" },
		{ INSN_SET, ORDER_PLAIN, 2, -1, 0, "r0 = *x + 1" },
	};
	struct litmus *t = parse("VM t\n{ x; y; }\nP0(int *x, int *y)\n{\n"
				 "if (*x == READ_ONCE(*y)) { int r0 = 1; if (r0) *x = 2; }\n"
				 "else { int r0 = *x + 1; }\n}\n");

	(void)state;
	check_insns(&t->thread[0], cases, ARRAY_SIZE(cases));
	litmus_destroy(t);
}

static void some_operations(void **state)
{
	struct litmus *t = parse("VM t\n{ x; y; }\nP0(int *x, int *y)\n{\n"
				 "munmap(x); int r0 = mprotect(y, PROT_READ | PROT_WRITE);\n"
				 "r0 = mprotect(y, PROT_READ); r0 = mprotect(y, PROT_NONE);\n"
				 "fork(kid); r0 = ksm_merge(x, y); replace_page(y, r0 + 1); }\n"
				 "exists (kid:x=0)");
	const struct litmus_insn *insn = t->thread[0].insn;
	static const enum op ops[] = {
		OP_MUNMAP, OP_MPROTECT, OP_MPROTECT, OP_MPROTECT, OP_FORK, OP_KSM_MERGE,
		OP_REPLACE_PAGE,
	};
	static const int prots[] = { 0, 3, 1, 0, 0, 0, 0 };

	(void)state;
	assert_int_equal(t->thread[0].insns, 7);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(insn[i].kind, INSN_OP);
		assert_int_equal(insn[i].op, ops[i]);
		assert_int_equal(insn[i].prot, prots[i]);
	}
	assert_int_equal(insn[0].reg, -1);
	assert_int_equal(insn[1].reg, 0);
	assert_int_equal(insn[1].var, 1);
	assert_int_equal(insn[5].var, 0);
	assert_int_equal(insn[5].var2, 1);
	assert_int_equal(t->expr[insn[6].expr].kind, EXPR_ADD);
	assert_string_equal(insn[6].text, "replace_page(y, r0 + 1)");
	assert_int_equal(t->children, 1);
	assert_string_equal(t->child_name[0], "kid");
	litmus_destroy(t);
}

static void more_operations(void **state)
{
	static const struct { enum op op; int var, var2; } expected[] = {
		{ OP_MREMAP, 0, 1 }, { OP_MREMAP_DONTUNMAP, 1, 0 },
		{ OP_MADV_DONTNEED, 0, -1 }, { OP_MADV_COLLAPSE, 0, -1 },
		{ OP_MMAP, 1, -1 }, { OP_TRUNCATE, 2, -1 }, { OP_PUNCH, 2, -1 },
		{ OP_MSYNC, 2, -1 }, { OP_MOVE_PAGES, 0, -1 }, { OP_SPLIT, 0, -1 },
		{ OP_CLEAR_SOFT_DIRTY, -1, -1 }, { OP_CLEAR_REFERENCED, -1, -1 },
		{ OP_PAGE_IDLE, 0, -1 }, { OP_UFFD_WP, 0, -1 }, { OP_UFFD_UNWP, 0, -1 },
		{ OP_UFFD_MOVE, 1, 0 }, { OP_NUMA_HINT, 0, -1 }, { OP_OOM_REAP, -1, -1 },
	};
	struct litmus *t = parse("VM t\n{ x; y; s shared; }\nP0(int *x, int *y, int *s)\n{\n"
		"mremap(x, y); mremap(y, x, MREMAP_DONTUNMAP); madvise(x, MADV_DONTNEED);\n"
		"madvise(x, MADV_COLLAPSE); mmap(y); truncate(s);\n"
		"fallocate(s, FALLOC_FL_PUNCH_HOLE); msync(s); move_pages(x); split_huge_page(x);\n"
		"clear_refs(4); clear_refs(1); page_idle(x); uffd_writeprotect(x, 1);\n"
		"uffd_writeprotect(x, 0); uffd_move(y, x); numa_hint(x); oom_reap();\n}\n");
	const struct litmus_insn *insn = t->thread[0].insn;

	(void)state;
	assert_int_equal(t->thread[0].insns, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(insn[i].kind, INSN_OP);
		assert_int_equal(insn[i].op, expected[i].op);
		assert_int_equal(insn[i].var, expected[i].var);
		assert_int_equal(insn[i].var2, expected[i].var2);
	}
	assert_string_equal(insn[6].text, "fallocate(s, FALLOC_FL_PUNCH_HOLE)");
	litmus_destroy(t);
}

/* A semantics is a version of Linux; the first modern one is 6.6. */
static void versions(void **state)
{
	static const struct { const char *text; bool classic; } cases[] = {
		{ "classic", true }, { "modern", false }, { "4.15", true }, { "5.15.85", true },
		{ "6.1", true }, { "6.5", true }, { "6.6", false }, { "6.12", false },
		{ "6.12.117", false }, { "7.0", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct litmus *t;

		snprintf(text, sizeof(text), "VM t\n{ x; semantics %s; }\nP0(int *x) { munmap(x); }\n",
			 cases[i].text);
		t = parse(text);
		assert_int_equal(t->classic, cases[i].classic);
		litmus_destroy(t);
	}
}

/* Each entry of the table of operations can be written, and what its columns say fits. */
static void every_operation(void **state)
{
	(void)state;
	for (int op = 0; op < OP_COUNT; op++) {
		const struct operation *o = &operations[op];
		char text[400], arguments[80] = "";
		bool notifies = !*o->notify;
		struct litmus *t;

		for (const char *k = o->takes; *k; k++)
			strcat(strcat(arguments, k == o->takes ? "" : ", "),
			       *k == 'e' ? "4" : *k == 'p' ? "PROT_READ" : *k == 'c' ? "c" :
			       *k == 'o' ? "s" : k == o->takes ? "x" : "y");
		if (*o->word)
			strcat(strcat(arguments, *o->takes ? ", " : ""), o->word);
		snprintf(text, sizeof(text), "VM t\n{ x; y; s shared; }\n"
			 "P0(int *x, int *y, int *s) { int r0 = %s(%s); }\n", o->name, arguments);
		t = parse(text);
		assert_int_equal(t->thread[0].insn[0].kind, INSN_OP);
		assert_int_equal(t->thread[0].insn[0].op, op);
		assert_int_equal(t->thread[0].insn[0].reg, 0);
		litmus_destroy(t);
		for (int row = 0; row < ROW_COUNT; row++)
			notifies |= !strcmp(o->notify, litmus_row_names[row]);
		assert_true(notifies);
		assert_true((o->shape == SHAPE_STEP) == (o->about == ABOUT_NOTHING));
		assert_true(!*o->matrix == !*o->kinds);
	}
}

static void pages(void **state)
{
	struct litmus *t = parse("VM t\n{ x huge; x2 with x; y beside x; p split cow; q beside p;\n"
				 "s shared pinned; f = 3 file; w = 4 swapped; }\n"
				 "P0(int *x, int *p) { munmap(x); }\n");
	const struct litmus_insn move = { .op = OP_MREMAP, .var = 0, .var2 = 3 };
	int s = 5, f = 6;

	(void)state;
	assert_int_equal(t->var[0].span, SPAN_HUGE);
	assert_int_equal(t->var[2].span, SPAN_HUGE);
	assert_int_equal(t->var[2].slot, 1);
	assert_int_equal(t->var[4].span, SPAN_SPLIT);
	assert_int_equal(t->var[4].backing, BACKING_COW);
	assert_int_equal(t->var[s].backing, BACKING_SHARED);
	assert_true(t->var[s].pinned);
	assert_int_equal(t->var[7].backing, BACKING_SWAPPED);
	assert_int_equal(litmus_pages_of(t, 0), 3);  /* all of the huge page */
	assert_int_equal(litmus_pages_of(t, 1), 3);
	assert_int_equal(litmus_pages_of(t, 2), 2);  /* its own small one */
	assert_true(litmus_has_object(t, t->var[f].page));
	assert_false(litmus_has_object(t, t->var[0].page));
	assert_int_equal(litmus_partner(t, &move, 0), -1); /* two words, one word */
	assert_int_equal(litmus_partner(t, &move, 1), 3);
	litmus_destroy(t);
}

/* @expr over r0 = 6, r1 = fault */
static int64_t eval(const char *expr)
{
	char text[256];
	int64_t regs[LITMUS_REGS_MAX] = { 6, LITMUS_FAULT }, value;
	struct litmus *t;

	snprintf(text, sizeof(text), "VM t\n{ }\nP0() { int r0; int r1; int r2 = %s; }", expr);
	t = parse(text);
	value = litmus_eval(t, t->thread[0].insn[0].expr, regs);
	litmus_destroy(t);
	return value;
}

static void expressions(void **state)
{
	(void)state;
	assert_int_equal(eval("1 + 2 * 3 - 4"), 3);
	assert_int_equal(eval("(1 + 2) * 3"), 9);
	assert_int_equal(eval("10 - 3 - 2"), 5);
	assert_int_equal(eval("1 | 6 & 3 ^ 4"), 7);
	assert_int_equal(eval("r0 == 6 && r0 != 5"), 1);
	assert_int_equal(eval("0 || !r0"), 0);
	assert_int_equal(eval("1 || 0 && 0"), 1);
	assert_int_equal(eval("1 < 2 == 2 > 1"), 1);
	assert_int_equal(eval("2 <= 1 | 2 >= 3"), 0);
	assert_int_equal(eval("--5 + -r0"), -1);
	assert_int_equal(eval("0x10"), 16);
	assert_int_equal(eval("4611686018427387904 * 4"), 0);
	assert_int_equal(eval("r1 == fault"), 1);
	assert_int_equal(eval("r0 == fault"), 0);
	assert_true(eval("r1 + 1") == LITMUS_FAULT);
	assert_true(eval("-r1") == LITMUS_FAULT);
	assert_int_equal(eval("r1 < 7"), 0);
	assert_int_equal(eval("!r1"), 0);
	assert_int_equal(eval("r1 && 1"), 1);
}

static bool holds(const char *condition, const int64_t *outcome)
{
	char text[256];
	struct litmus *t;
	bool yes;

	snprintf(text, sizeof(text), "VM t\n{ x; }\nP0(int *x) { int r0 = fork(c); }\n"
		 "D1(int *x) { int r1; }\nfilter (x=1) exists %s", condition);
	t = parse(text);
	assert_int_equal(litmus_outcome_size(t), 4);
	yes = litmus_holds(t, t->condition, outcome);
	assert_true(litmus_filtered_in(t, outcome) == (outcome[2] == 1));
	litmus_destroy(t);
	return yes;
}

static void conditions(void **state)
{
	static const int64_t o[] = { 3, LITMUS_FAULT, 1, LITMUS_UNMAPPED };

	(void)state;
	assert_true(holds("(0:r0=3)", o));
	assert_true(holds("P0:r0==3", o));
	assert_false(holds("(P0:r0!=3)", o));
	assert_true(holds("(D1:r1=fault /\\ c:x=unmapped)", o));
	assert_true(holds("([x]=1 && ~(x=2))", o));
	assert_true(holds("(x=2 \\/ x=1 /\\ 0:r0=3)", o));
	assert_false(holds("((x=1 || x=2) && 0:r0=-3)", o));
	assert_true(holds("(not x=0x2 /\\ !x=3)", o));
	assert_true(holds("(true)", o));
}

static void names(void **state)
{
	static const char *const expected[] = { "0:r0", "D3:r1", "x", "c:x" };
	struct litmus *t = parse("VM t\n{ x; }\nP0(int *x) { int r0; fork(c); }\n"
				 "D3(int *x) { int r1; }\nlocations [x; c:x; 0:r0; D3:r1;]");
	char buf[LITMUS_NAME_MAX * 2];

	(void)state;
	assert_int_equal(t->shown_count, 4);
	for (int i = 0; i < 4; i++)
		assert_string_equal(litmus_index_name(t, t->shown[i], buf, sizeof(buf)),
				    expected[i]);
	assert_string_equal(litmus_value_name(-5, buf, sizeof(buf)), "-5");
	assert_string_equal(litmus_value_name(LITMUS_FAULT, buf, sizeof(buf)), "fault");
	assert_string_equal(litmus_value_name(LITMUS_UNMAPPED, buf, sizeof(buf)), "unmapped");
	litmus_destroy(t);
}

static void sets(void **state)
{
	struct litmus_outcomes set;
	int64_t o[2];

	(void)state;
	assert_int_equal(litmus_outcomes_init(&set, 2), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 1000; i++) {
			o[0] = i % 10;
			o[1] = i / 10;
			assert_int_equal(litmus_outcomes_has(&set, o), round);
			assert_int_equal(litmus_outcomes_add(&set, o, 3), 0);
		}
	}
	assert_int_equal(set.count, 1000);
	assert_int_equal(set.values[2 * 999], 9);
	assert_int_equal(set.times[999], 6);
	litmus_outcomes_fini(&set);
	assert_false(litmus_outcomes_has(&set, o));
	assert_int_equal(litmus_outcomes_init(&set, 0), 0);
	assert_int_equal(litmus_outcomes_add(&set, o, 1), 0);
	assert_int_equal(litmus_outcomes_add(&set, o, 1), 0);
	assert_int_equal(set.count, 1);
	litmus_outcomes_fini(&set);
}

/* --- flat memory --------------------------------------------------------- */

enum { LINES_MAX = 64, LINE_SIZE = 64 };

static int compare_lines(const void *a, const void *b) { return strcmp(a, b); }

/* The shown part of each outcome, sorted: "0,1 1,fault". */
static void check_flat(const char *text, const char *expected)
{
	static char lines[LINES_MAX][LINE_SIZE];
	char got[LINES_MAX * LINE_SIZE] = "", value[32];
	struct litmus *t = parse(text);
	struct litmus_outcomes set;
	size_t count = 0;

	assert_int_equal(litmus_flat(t, STATES_MAX, &set), 0);
	for (size_t i = 0; i < set.count; i++) {
		const int64_t *o = set.values + i * (size_t)set.size;

		assert_true(count < LINES_MAX);
		lines[count][0] = 0;
		for (int k = 0; k < t->shown_count; k++) {
			strcat(lines[count], k ? "," : "");
			strcat(lines[count],
			       litmus_value_name(o[t->shown[k]], value, sizeof(value)));
		}
		count += litmus_filtered_in(t, o);
	}
	qsort(lines, count, LINE_SIZE, compare_lines);
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(lines[i], lines[i - 1]))
			continue;
		strcat(got, i ? " " : "");
		strcat(got, lines[i]);
	}
	assert_string_equal(got, expected);
	litmus_outcomes_fini(&set);
	litmus_destroy(t);
}

#define W(v, n) "WRITE_ONCE(*" #v ", " #n "); "
#define R(r, v) "int " #r " = READ_ONCE(*" #v "); "
#define THREAD(n, body) #n "(int *x, int *y, int *f) { " body "}\n"
#define VM(init, threads) "VM t\n{ " init " }\n" threads

static void flat_classics(void **state)
{
	(void)state;
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) W(y, 1)) THREAD(P1, R(r0, y) R(r1, x))),
		   "0,0 0,1 1,1"); /* MP */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) R(r0, y)) THREAD(D1, W(y, 1) R(r0, x))),
		   "0,1 1,0 1,1"); /* SB */
	check_flat(VM("x; y; f;", THREAD(P0, R(r0, x) W(y, 1)) THREAD(P1, R(r0, y) W(x, 1))),
		   "0,0 0,1 1,0"); /* LB */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1)) THREAD(P1, R(r0, x) R(r1, x))),
		   "0,0 0,1 1,1"); /* CoRR */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) W(y, 2)) THREAD(P1, W(y, 1) W(x, 2))
		   "locations [x; y]"), "1,2 2,1 2,2"); /* 2+2W */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 2) W(y, 1)) THREAD(P1, R(r0, y) W(x, 1))
		   "locations [1:r0; x]"), "0,1 0,2 1,1"); /* S */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) W(y, 1)) THREAD(P1, W(y, 2) R(r0, x))
		   "locations [1:r0; y]"), "0,1 1,1 1,2"); /* R */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1)) THREAD(P1, R(r0, x) W(y, 1))
		   THREAD(P2, R(r1, y) R(r2, x))),
		   "0,0,0 0,0,1 0,1,0 0,1,1 1,0,0 1,0,1 1,1,1"); /* WRC */
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1)) THREAD(P1, W(y, 1))
		   THREAD(P2, R(r0, x) R(r1, y)) THREAD(P3, R(r2, y) R(r3, x))),
		   "0,0,0,0 0,0,0,1 0,0,1,0 0,0,1,1 0,1,0,0 0,1,0,1 0,1,1,0 0,1,1,1 "
		   "1,0,0,0 1,0,0,1 1,0,1,1 1,1,0,0 1,1,0,1 1,1,1,0 1,1,1,1"); /* IRIW */
}

static void flat_control(void **state)
{
	(void)state;
	check_flat(VM("x; y; f;", ""
		   THREAD(P0, W(x, 1) W(f, 1))
		   THREAD(P1, "int r0 = 7; if (READ_ONCE(*f) == 1) { r0 = *x; } else r0 = 5; ")
		   "locations [1:r0]"), "1 5");
	check_flat(VM("x = 3; y; f;", THREAD(P0, "int r0 = *x * 2 + *y; *f = r0 - 1; ")
		   "locations [0:r0; f]"), "6,5");
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) R(r0, y)) THREAD(P1, W(y, 1) R(r0, x))
		   "filter (0:r0=1) locations [0:r0; 1:r0]"), "1,0 1,1");
	check_flat(VM("x; y; f;", THREAD(P0, "if (0) { int r0 = 1; } ")), "0");
	check_flat("C t\n{ }\nP0(void) { }\nlocations []", "");
}

static void flat_munmap(void **state)
{
	(void)state;
	check_flat(VM("x = 1; y = 2 with x; f;", THREAD(P0, "int r0 = munmap(x); ")
		   "locations [0:r0; x; y; f]"), "0,unmapped,unmapped,0");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "munmap(x); ") THREAD(P1, R(r0, x) R(r1, x))),
		   "1,1 1,fault fault,1 fault,fault");
	check_flat(VM("x = 1; y with x; f;", THREAD(P0, "munmap(y); " W(f, 1))
		   THREAD(D0, R(r0, f) R(r1, x))), "0,1 0,fault 1,fault");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "munmap(x); ")
		   THREAD(P1, "int r0 = WRITE_ONCE(*x, 2); int r1 = *y; ")), "0,0 fault,0");
	check_flat(VM("x; y; f;", THREAD(P0, "munmap(x); int r0 = munmap(x); int r1 = *x; "
		   "int r2 = WRITE_ONCE(*x, 1); ")), "0,fault,fault");
	check_flat(VM("x; y; f;", THREAD(P0, "int r0 = munmap(x); ")
		   THREAD(P1, "int r1 = munmap(x); ")), "0,0");
}

static void flat_mprotect(void **state)
{
	(void)state;
	check_flat(VM("x; y; f;", THREAD(P0, "int r0 = mprotect(x, PROT_READ); " W(f, 1))
		   THREAD(P1, R(r1, f) "int r2 = WRITE_ONCE(*x, 1); int r3 = *x; ")
		   "locations [0:r0; 1:r1; 1:r2; 1:r3; x]"),
		   "0,0,0,1,1 0,0,fault,0,0 0,1,fault,0,0");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "mprotect(x, PROT_NONE); " W(f, 1))
		   THREAD(D1, R(r0, f) R(r1, x)) "locations [D1:r0; D1:r1; x]"),
		   "0,1,1 0,fault,1 1,fault,1");
	check_flat(VM("x readonly; y; f;", THREAD(P0, "int r0 = WRITE_ONCE(*x, 1); "
		   "int r1 = mprotect(x, PROT_READ | PROT_WRITE); int r2 = WRITE_ONCE(*x, 2); ")
		   "locations [0:r0; 0:r1; 0:r2; x]"), "fault,0,0,2");
	check_flat(VM("x; y; f;", THREAD(P0, "munmap(x); int r0 = mprotect(x, PROT_READ); "
		   "int r1 = *x; ")), "fault,fault");
	check_flat(VM("x; y; f;", THREAD(P0, "int r0 = munmap(x); ")
		   THREAD(P1, "int r1 = mprotect(x, PROT_READ); ")), "0,0 0,fault");
	check_flat(VM("x; y; f;", THREAD(P0, "mprotect(x, PROT_NONE); ")
		   THREAD(P1, "mprotect(x, PROT_READ); " W(f, 1))
		   THREAD(P2, R(r0, f) "int r1 = *x; ")), "0,0 0,fault 1,0 1,fault");
}

static void flat_fork(void **state)
{
	(void)state;
	check_flat(VM("x; y; f;", THREAD(P0, "int r0 = fork(c); ") THREAD(P1, W(x, 1) W(y, 1))
		   "locations [0:r0; x; y; c:x; c:y]"),
		   "0,1,1,0,0 0,1,1,0,1 0,1,1,1,0 0,1,1,1,1");
	check_flat(VM("x; y with x; f;", THREAD(P0, "fork(c); ") THREAD(P1, W(x, 1) W(y, 1))
		   "locations [c:x; c:y]"), "0,0 1,0 1,1");
	check_flat(VM("x; y; f;", THREAD(P0, W(x, 1) "fork(c); " W(x, 2)) "locations [x; c:x]"),
		   "2,1");
	check_flat(VM("x = 4; y; f;", THREAD(P0, "fork(c); ") THREAD(P1, "munmap(x); ")
		   "locations [x; c:x; c:y]"), "unmapped,4,0 unmapped,unmapped,0");
	check_flat(VM("x readonly; y; f;", THREAD(P0, "if (*x) fork(c); ") "locations [c:x]"),
		   "unmapped");
}

static void flat_contents(void **state)
{
	(void)state;
	check_flat(VM("x readonly; y; f;", THREAD(P0, "int r0 = replace_page(x, 5); ")
		   THREAD(D1, R(r1, x) R(r2, x)) "locations [0:r0; D1:r1; D1:r2; x]"),
		   "0,0,0,5 0,0,5,5 0,5,5,5");
	check_flat(VM("x; y readonly; f;", THREAD(P0, "int r0 = replace_page(x, 5); munmap(y); "
		   "int r1 = replace_page(y, 5); ") "locations [0:r0; 0:r1; x]"),
		   "fault,fault,0");
	check_flat(VM("x readonly; y; f;", THREAD(P0, "int r0 = replace_page(x, 5); ")
		   THREAD(P1, "munmap(x); ")), "0 fault");
	check_flat(VM("x = 1; y = 1; f;", THREAD(P0, "int r0 = ksm_merge(x, y); " W(y, 2))
		   "locations [0:r0; x; y]"), "0,1,2 fault,1,2");
	check_flat(VM("x = 1; y = 1; f;", THREAD(P0, "ksm_merge(x, y); ") "locations [x; y]"),
		   "1,1");
}

static void flat_moves(void **state)
{
	(void)state;
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "int r0 = mremap(x, y); ")
		   "locations [0:r0; x; y]"), "0,unmapped,1");
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "munmap(x); int r0 = mremap(x, y); ")
		   "locations [0:r0; x; y]"), "fault,unmapped,2");
	check_flat(VM("x = 1 readonly; y = 2; f;", THREAD(P0, "mremap(x, y); "
		   "int r0 = WRITE_ONCE(*y, 3); ")), "fault"); /* rights move too */
	/* While it runs: the old place until it returns, both places at once. */
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "mremap(x, y); " W(f, 1))
		   THREAD(D0, "int r0 = WRITE_ONCE(*x, 3); " R(r1, f)) "locations [D0:r0; D0:r1; y]"),
		   "0,0,3 0,1,3 fault,0,1 fault,1,1");
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "mremap(x, y); " W(f, 1))
		   THREAD(D0, R(r0, f) R(r1, x))), "0,1 0,fault 1,fault");
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "mremap(x, y, MREMAP_DONTUNMAP); ")
		   "locations [x; y]"), "0,1");
	check_flat(VM("x = 1 shared; y = 2; f;", THREAD(P0, "mremap(x, y, MREMAP_DONTUNMAP); "
		   "*y = 5; ") "locations [x; y]"), "5,5");
	check_flat(VM("x = 1; y = 2; f;", THREAD(P0, "mmap(x); ") THREAD(D0, R(r0, x) R(r1, x))
		   "locations [D0:r0; D0:r1; x]"), "0,0,0 1,0,0 1,1,0");
	check_flat(VM("x = 1; y none; f;", THREAD(P0, "int r0 = uffd_move(y, x); ")
		   "locations [0:r0; x; y]"), "0,0,1 fault,1,0");
	check_flat(VM("x = 1; y none; f;", THREAD(P0, "int r1 = *y; int r0 = uffd_move(y, x); ")
		   "locations [0:r0; x; y]"), "fault,1,0"); /* there is something already */
	check_flat(VM("x = 1; y none; f;", THREAD(P0, "*y = 7; madvise(y, MADV_DONTNEED); "
		   "int r0 = uffd_move(y, x); ") "filter (0:r0=0) locations [x; y]"), "0,0,1");
	/* Pages of a huge page move at moments of their own. */
	check_flat(VM("x = 1 huge; a = 2 beside x; y = 3 huge; b = 4 beside y; f;",
		   THREAD(P0, "mremap(x, y); ") "locations [x; a; y; b]"),
		   "unmapped,unmapped,1,2");
}

static void flat_drops(void **state)
{
	(void)state;
	check_flat(VM("x = 1; y; f;", THREAD(P0, "int r0 = madvise(x, MADV_DONTNEED); "
		   "int r1 = *x; ")),
		   "0,0");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "munmap(x); "
		   "int r0 = madvise(x, MADV_DONTNEED); ")),
		   "fault");
	/* A store while it runs may be lost; who has seen the new page stays with it. */
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_DONTNEED); ")
		   THREAD(D0, W(x, 2) R(r0, x)) "locations [D0:r0; x]"), "0,0 2,0 2,2");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_DONTNEED); ")
		   THREAD(D0, R(r0, x) R(r1, x))), "0,0 1,0 1,1");
	/* Two threads of one device have one TLB, but each an access of its own under way. */
	check_flat(VM("x = 1; y; f; D1 on D0;", THREAD(P0, "madvise(x, MADV_DONTNEED); ")
		   THREAD(D0, R(r0, x) R(r1, x)) THREAD(D1, "") "locations [D0:r0; D0:r1]"),
		   "0,0 0,1 1,0 1,1");
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "madvise(x, MADV_DONTNEED); ")
		   THREAD(D0, R(r0, x)) "locations [D0:r0; x]"), "1,1");
	check_flat(VM("x = 1 file; y; f;", THREAD(P0, "*x = 2; int r0 = *x; "
		   "madvise(x, MADV_DONTNEED); int r1 = *x; ")), "2,1");
	check_flat(VM("x = 1; y = 2 shared; f;", THREAD(P0, "int r0 = oom_reap(); ")
		   "filter (0:r0=0) locations [x; y]"), "0,0,2");
}

static void flat_lazy(void **state)
{
	(void)state;
	check_flat(VM("x = 1; y; f;", THREAD(P0, "int r0 = madvise(x, MADV_FREE); int r1 = *x; ")),
		   "0,1");
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "int r0 = madvise(x, MADV_FREE); ")),
		   "fault");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_FREE); madvise(x, MADV_PAGEOUT); "
		   "int r0 = *x; int r1 = *x; ")), "0,0 1,1");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_FREE); *x = 2; "
		   "madvise(x, MADV_PAGEOUT); int r0 = *x; ")), "2");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_PAGEOUT); int r0 = *x; ")), "1");
	check_flat(VM("x = 1 swapped; y; f;", THREAD(P0, "madvise(x, MADV_FREE); int r0 = *x; ")),
		   "0 1"); /* what is in swap goes at once */
	/* A store while MADV_FREE runs may not count. */
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_FREE); "
		   "madvise(x, MADV_PAGEOUT); ")
		   THREAD(D0, W(x, 2) W(f, 1)) "filter (f=1) locations [x]"), "0,1 2,1");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "madvise(x, MADV_FREE); " W(f, 1)
		   "if (*y == 1) madvise(x, MADV_PAGEOUT); ")
		   THREAD(D0, "if (*f == 1) { " W(x, 2) W(y, 1) "} ") "locations [x]"), "1 2");
}

static void flat_objects(void **state)
{
	(void)state;
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "int r0 = truncate(x); int r1 = *x; ")
		   "locations [0:r0; 0:r1; x]"), "0,fault,fault");
	check_flat(VM("x = 1 file; y; f;", THREAD(P0, "*x = 2; truncate(x); "
		   "int r1 = *x; ")), "fault");
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "fallocate(x, FALLOC_FL_PUNCH_HOLE); ")
		   THREAD(D0, R(r0, x) R(r1, x)) "locations [D0:r0; D0:r1; x]"),
		   "0,0,0 1,0,0 1,1,0");
	check_flat(VM("x = 1 file; y; f;", THREAD(P0, "*x = 2; fallocate(x, FALLOC_FL_PUNCH_HOLE); "
		   "int r1 = *x; ")), "2");
	check_flat(VM("x = 1 shared; y = 5; f;", THREAD(P0, "int r0 = madvise(x, MADV_REMOVE); "
		   "int r1 = madvise(y, MADV_REMOVE); ") "locations [0:r0; 0:r1; x; y]"),
		   "0,fault,0,5");
	check_flat(VM("x = 1 shared; y = 2 file; f = 3;", THREAD(P0, "fork(c); *x = 4; ")
		   "locations [x; c:x; c:y]"), "4,4,2");
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "fork(c); truncate(x); ")
		   "locations [x; c:x]"), "fault,fault");
	check_flat(VM("x = 1 shared; y; f;", THREAD(P0, "mremap(x, y); truncate(x); ")
		   "locations [x; y]"), "unmapped,fault"); /* the object it was declared with */
}

static void flat_unseen(void **state)
{
	(void)state;
	check_flat(VM("x = 1; y; f;", THREAD(P0, "int r0 = move_pages(x); numa_hint(x); "
		   "clear_refs(4); uffd_writeprotect(x, 1); page_idle(x); "
		   "madvise(x, MADV_COLLAPSE); split_huge_page(x); ") "locations [0:r0; x]"),
		   "0,1 fault,1");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "int r0 = pin_load(x); int r1 = pin(x); "
		   "int r2 = pin(x); int r3 = pin_load(x); *x = 2; int r4 = pin_load(x); "
		   "unpin(x); int r5 = pin_load(x); ")), "fault,0,fault,1,2,fault");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "pin(x); madvise(x, MADV_DONTNEED); "
		   "int r0 = pin_load(x); int r1 = *x; pin_store(x, 5); int r2 = *x; ")),
		   "1,0,0");
	check_flat(VM("x = 1; y; f;", THREAD(P0, "pin(x); fork(c); pin_store(x, 5); ")
		   "locations [x; c:x]"), "5,1");
	check_flat(VM("x = 1 readonly; y; f;", THREAD(P0, "int r0 = pin(x); ")), "fault");
	check_flat(VM("x pinned; y; f;", THREAD(P0, "int r0 = move_pages(x); ")), "fault");
	check_flat(VM("x; y; f;", THREAD(P0, "munmap(x); int r0 = numa_hint(x); ")), "fault");
}

/* Each test of the matrix is one, under its own name, and its name finds it again. */
static void the_matrix(void **state)
{
	struct litmus_matrix m = { 0 }, found;
	char name[LITMUS_NAME_MAX];
	unsigned tests = 0;

	(void)state;
	while (litmus_matrix_next(&m)) {
		struct litmus *t;
		size_t size;
		char *text;

		litmus_matrix_name(&m, name, sizeof(name));
		assert_int_equal(litmus_matrix_text(&m, &text, &size), 0);
		assert_int_equal(strlen(text), size);
		t = parse(text);
		assert_string_equal(t->name, name);
		assert_true(t->threads == 2 || t->threads == 3);
		litmus_destroy(t);
		free(text);
		tests++;
		if (tests % 100)
			continue;
		assert_true(litmus_matrix_find(name, &found));
		assert_memory_equal(&found, &m, sizeof(m));
	}
	assert_false(litmus_matrix_find("munmap", &found));
	assert_true(tests > litmus_matrix_rows() * litmus_matrix_rows());
}

static void flat_budget(void **state)
{
	struct litmus *t = parse(VM("x; y; f;", THREAD(P0, W(x, 1) W(y, 1)) THREAD(P1, W(x, 2))));
	struct litmus_outcomes set;

	(void)state;
	assert_int_equal(litmus_flat(t, 5, &set), -E2BIG);
	assert_int_equal(litmus_flat(t, 100, &set), 0);
	assert_int_equal(set.count, 2);
	litmus_outcomes_fini(&set);
	litmus_destroy(t);
}

/* --- the catalog ------------------------------------------------------- */

static char **catalog;
static int catalog_size;

static enum litmus_result flat_verdict(const struct litmus *t)
{
	struct litmus_outcomes set;
	size_t yes = 0, no = 0;

	assert_int_equal(litmus_flat(t, STATES_MAX, &set), 0);
	for (size_t i = 0; i < set.count; i++) {
		const int64_t *o = set.values + i * (size_t)set.size;

		if (litmus_filtered_in(t, o))
			*(litmus_holds(t, t->condition, o) ? &yes : &no) += 1;
	}
	litmus_outcomes_fini(&set);
	return !yes ? RESULT_NEVER : !no ? RESULT_ALWAYS : RESULT_SOMETIMES;
}

/* What flat memory cannot show is found with TLBs only if the test says so. */
static void check_file(const char *file)
{
	char *text = malloc(LITMUS_FILE_BYTES_MAX);
	FILE *in = fopen(file, "r");
	struct litmus *t;

	assert_non_null(text);
	assert_non_null(in);
	text[fread(text, 1, LITMUS_FILE_BYTES_MAX - 1, in)] = 0;
	fclose(in);
	t = parse(text);
	if (t->quantifier == QUANT_NONE)
		assert_string_not_equal(t->expected_finding, "");
	else if (!strcmp(t->expected_finding, "flat"))
		assert_int_equal(flat_verdict(t), RESULT_NEVER);
	else if (!*t->expected_finding || flat_verdict(t) != RESULT_NEVER)
		assert_int_equal(flat_verdict(t), t->expected);
	litmus_destroy(t);
	free(text);
}

static void the_catalog(void **state)
{
	(void)state;
	for (int i = 0; i < catalog_size; i++)
		check_file(catalog[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_in_the_frame),
		cmocka_unit_test(errors_in_the_initial_state),
		cmocka_unit_test(errors_in_threads),
		cmocka_unit_test(errors_in_statements),
		cmocka_unit_test(errors_in_conditions),
		cmocka_unit_test(errors_of_size),
		cmocka_unit_test(errors_are_shown_with_a_caret),
		cmocka_unit_test(the_frame),
		cmocka_unit_test(the_initial_state),
		cmocka_unit_test(threads_and_places),
		cmocka_unit_test(devices_and_lapses),
		cmocka_unit_test(accesses),
		cmocka_unit_test(branches),
		cmocka_unit_test(some_operations),
		cmocka_unit_test(more_operations),
		cmocka_unit_test(every_operation),
		cmocka_unit_test(versions),
		cmocka_unit_test(pages),
		cmocka_unit_test(expressions),
		cmocka_unit_test(conditions),
		cmocka_unit_test(names),
		cmocka_unit_test(sets),
		cmocka_unit_test(flat_classics),
		cmocka_unit_test(flat_control),
		cmocka_unit_test(flat_munmap),
		cmocka_unit_test(flat_mprotect),
		cmocka_unit_test(flat_fork),
		cmocka_unit_test(flat_contents),
		cmocka_unit_test(flat_moves),
		cmocka_unit_test(flat_drops),
		cmocka_unit_test(flat_lazy),
		cmocka_unit_test(flat_objects),
		cmocka_unit_test(flat_unseen),
		cmocka_unit_test(flat_budget),
		cmocka_unit_test(the_matrix),
		cmocka_unit_test(the_catalog),
	};

	catalog = argv + 1;
	catalog_size = argc - 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
