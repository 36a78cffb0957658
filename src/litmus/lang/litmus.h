/* SPDX-License-Identifier: MIT */
/*
 * litmus.h - a litmus test as data: what a text in the language of mmun-litmus(5) becomes,
 * and what can be said of it without running it.
 *
 *   text --litmus_parse()--> struct litmus --litmus_flat()--> outcomes that flat memory
 *                                 |                           has (flat/flat.h)
 *                                 +--litmus_check()--> outcomes that the real vm code
 *                                                      has, findings (run/check.h)
 *
 * A test is constant once parsed and owns all its memory. Nothing here prints.
 */
#ifndef MMUN_LITMUS_H
#define MMUN_LITMUS_H

#include <stdio.h>

#include "base/base.h"
#include "operations/operations.h"
#include "operations/updates.h"

enum {
	LITMUS_THREADS_MAX = 8,
	LITMUS_VARS_MAX = 12,
	LITMUS_REGS_MAX = 16,     /* per thread, temporaries included */
	LITMUS_INSNS_MAX = 64,    /* per thread */
	LITMUS_CHILDREN_MAX = 2,
	LITMUS_WORDS_MAX = 4,     /* variables on one page */
	LITMUS_SLOTS_MAX = 4,     /* pages in one leaf page table */
	LITMUS_EXPRS_MAX = 1024,  /* per test */
	LITMUS_CONDS_MAX = 256,
	LITMUS_DEPTH_MAX = 32,    /* nested blocks and parentheses */
	LITMUS_NAME_MAX = 64,
	LITMUS_FILE_BYTES_MAX = 256 << 10,
	LITMUS_OUTCOME_MAX = LITMUS_THREADS_MAX * LITMUS_REGS_MAX +
			     (1 + LITMUS_CHILDREN_MAX) * LITMUS_VARS_MAX,
};

/* Values that are no numbers. */
#define LITMUS_FAULT    (INT64_MIN + 1) /* the access or the call failed, or the final value
                                           is past the end of its object; prints "fault" */
#define LITMUS_UNMAPPED (INT64_MIN + 2) /* final value of what is not mapped; "unmapped" */

struct litmus_pos { int line, column; }; /* from 1 */

struct litmus_error {
	struct litmus_pos pos;
	char text[320];   /* what was expected, one line, no full stop */
};

/* --- the test ------------------------------------------------------------ */

enum litmus_result { RESULT_NONE, RESULT_NEVER, RESULT_SOMETIMES, RESULT_ALWAYS };

enum litmus_backing {
	BACKING_PRIVATE, /* own anonymous page, present, writable, exclusive */
	BACKING_COW,     /* shared with a forked child that does nothing */
	BACKING_ZERO,    /* read fault done: maps the zero page */
	BACKING_NONE,    /* area exists, nothing populated; value 0 */
	BACKING_SWAPPED, /* own anonymous page, paged out */
	BACKING_SHARED,  /* page of an object of its own, mapped MAP_SHARED, present */
	BACKING_FILE,    /* the same, mapped MAP_PRIVATE and read-only until written */
};

/* How much is mapped around the variable's page. */
enum litmus_span {
	SPAN_PAGE,       /* nothing but what is "beside" it */
	SPAN_HUGE,       /* all of a huge page, by one entry */
	SPAN_SPLIT,      /* as much, by entries of small pages */
};

struct litmus_var {
	char name[LITMUS_NAME_MAX];
	int64_t init;
	enum litmus_backing backing; /* of the page: equal for all variables on it */
	enum litmus_span span;       /* of its table: equal for all variables in it */
	bool readonly;    /* area is PROT_READ (the value is written before) */
	bool pinned;      /* the page is pinned for writing all the time */
	int page;         /* number of the page it lives on, from 0 */
	int word;         /* which word of that page, from 0 */
	int table;        /* number of the leaf page table of that page; by default
	                     each page has its own, "beside" puts it in another's */
	int slot;         /* its entry in that leaf table, from 0 */
	struct litmus_pos pos;
};

enum litmus_prot { LITMUS_PROT_NONE = 0, LITMUS_PROT_READ = 1, LITMUS_PROT_WRITE = 2 };

enum litmus_expr_kind {
	EXPR_INT, EXPR_REG, EXPR_FAULT,
	EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LE, EXPR_GT, EXPR_GE,
	EXPR_ADD, EXPR_SUB, EXPR_MUL, EXPR_AND, EXPR_OR, EXPR_XOR,
	EXPR_LAND, EXPR_LOR, EXPR_NOT, EXPR_NEG,
};

struct litmus_expr {     /* over registers of one thread: no memory access */
	enum litmus_expr_kind kind;
	int64_t value;   /* EXPR_INT: the number, EXPR_REG: the register */
	int left, right; /* indices into litmus.exprs, -1: none */
};

/* A thread's body is a list of instructions; if and else are jumps. */
enum litmus_insn_kind {
	INSN_LOAD,       /* reg = *var                                   */
	INSN_STORE,      /* *var = expr; reg (if >= 0) = 0 or FAULT      */
	INSN_SET,        /* reg = expr                                   */
	INSN_JUMP_UNLESS,/* if (!expr) goto target                       */
	INSN_JUMP,       /* goto target                                  */
	INSN_OP,         /* reg (if >= 0) = op(...): 0 or FAULT; pin_load: the value */
	INSN_FENCE,      /* smp_mb() and friends                         */
};

enum litmus_order { ORDER_PLAIN, ORDER_ONCE, ORDER_ACQ_REL };

struct litmus_insn {
	enum litmus_insn_kind kind;
	enum litmus_order order;
	enum op op;       /* of operations/operations.h; on a variable: on its page, or on all of
	                     the huge page if it was declared huge or split */
	int reg;          /* -1: none */
	int var, var2;    /* -1: none */
	int expr;         /* -1: none */
	int prot;         /* litmus_prot bits */
	int child;        /* OP_FORK: which child, from 0 */
	int target;       /* index of an instruction; may be one past the last */
	struct litmus_pos pos;
	char text[64];    /* as written, spaces folded, for pictures */
};

/* What a device finds pages by. */
enum litmus_device {
	DEVICE_TLB,      /* a TLB over the page tables of the processors */
	DEVICE_CACHES_PERMISSIONS, /* "caches permissions": a TLB that keeps those that it saw */
	DEVICE_MIRROR,   /* "mirrors": its own page table, by an interval notifier */
	DEVICE_SHADOW,   /* "shadows": the same, by starts and ends that it counts */
};

struct litmus_thread {
	char name[8];     /* P0, D1 ... in the order of the file */
	bool device;      /* D: its accesses go through a device TLB */
	enum litmus_device kind; /* of a device; equal for all threads of one */
	int unit;         /* number of the CPU or device it runs on, 0..units-1; devices
	                     may be shared ("D1 on D0"), CPUs are not */
	int insns, regs;
	struct litmus_insn insn[LITMUS_INSNS_MAX];
	char reg_name[LITMUS_REGS_MAX][LITMUS_NAME_MAX]; /* "": a temporary, not shown */
	uint32_t caches;  /* bit v: variable v's translation is in its TLB at the start;
	                     equal for all threads of a device */
	struct litmus_pos pos;
};

/* Of a device: else it has a page table. */
static inline bool litmus_has_tlb(const struct litmus_thread *thread)
{
	return thread->kind == DEVICE_TLB || thread->kind == DEVICE_CACHES_PERMISSIONS;
}

/* Of which updates a test says where they flush: "notify UPDATE = POINT[, POINT];". */
enum litmus_row {
#define X(e, ...) ROW_##e,
	UPDATES(X)
#undef X
	ROW_COUNT,
};

/* Where: bits of enum flush_point, or this one. */
enum { PLACE_NEVER = 0, PLACE_DEFAULT = 1 << 6 }; /* the second: as the semantics say */

/* What the test makes an update do wrong: "UPDATE forgets WORD[, WORD];". */
enum litmus_forget {
#define X(op, what, text) FORGETS_##op##_##what,
	MUTATIONS(X)
#undef X
	FORGETS_COUNT,
};

enum litmus_cond_kind {
	COND_TRUE, COND_REG, COND_VAR, COND_CHILD_VAR, COND_AND, COND_OR, COND_NOT,
};

struct litmus_cond {
	enum litmus_cond_kind kind;
	int thread, reg;  /* COND_REG */
	int var, child;   /* COND_VAR, COND_CHILD_VAR */
	bool equal;       /* = or != */
	int64_t value;
	int left, right;  /* indices into litmus.conds */
};

enum litmus_quantifier { QUANT_NONE, QUANT_EXISTS, QUANT_NOT_EXISTS, QUANT_FORALL };

struct litmus {
	char name[LITMUS_NAME_MAX];
	bool vm;                   /* "VM name", else "C name" */
	enum litmus_result expected; /* the "Result:" line of the first comment */
	char expected_finding[32];   /* its "Finding:" line, the oracle that must fire; "" */
	char *prose;               /* the rest of that comment, or "" */
	char *source;              /* the whole text, for error messages */
	bool classic;              /* "semantics classic;": before Linux 6.6 */
	int vars, threads, children, pages, tables, units;
	struct litmus_var var[LITMUS_VARS_MAX];
	struct litmus_thread thread[LITMUS_THREADS_MAX];
	char child_name[LITMUS_CHILDREN_MAX][LITMUS_NAME_MAX];
	unsigned place[ROW_COUNT]; /* enum flush_point bits, or PLACE_DEFAULT */
	unsigned forgets;          /* bit n: enum litmus_forget n */
	struct litmus_expr *expr;
	int exprs;
	struct litmus_cond *cond;
	int conds;
	enum litmus_quantifier quantifier;
	int condition, filter;     /* roots in cond, -1: none */
	char *condition_text;      /* as written, spaces folded: "exists (...)" */
	/* What is shown of an outcome: indices into an outcome vector. */
	int shown[LITMUS_OUTCOME_MAX];
	int shown_count;
};

/*
 * Parse @text (@size bytes, need not end in 0). Returns 0 and *ret_test, or
 * -EINVAL with *error filled, or -ENOMEM. Free with litmus_destroy().
 */
int litmus_parse(const char *text, size_t size, struct litmus **ret_test,
		 struct litmus_error *error);
void litmus_destroy(struct litmus *test);

/* The error as herd and gcc show it: file:line:col: error: text, line, caret. */
void litmus_error_print(FILE *out, const char *file, const char *text, size_t size,
			const struct litmus_error *error);

/* --- operations: ops.c --------------------------------------------------- */

extern const char *const litmus_row_names[ROW_COUNT + 1];

/* Bit p: page p is one on which the operation has an effect that a program can see. */
unsigned litmus_pages_about(const struct litmus *test, const struct litmus_insn *insn);

/* Bit p: page p is one that an operation on this variable is about. */
unsigned litmus_pages_of(const struct litmus *test, int var);
bool litmus_has_object(const struct litmus *test, int page);

/* The page that @page of its first variable changes places with; -1: none is like it. */
int litmus_partner(const struct litmus *test, const struct litmus_insn *insn, int page);

/*
 * Pages whose contents the operation may exchange for others (drop, move), or change
 * unseen: bit p for page p.
 */
unsigned litmus_pages_exchanged(const struct litmus *test, const struct litmus_insn *insn);

/* litmus_prot bits that the operation takes from its page; that it may give, for one that
 * moves to the page it moves to, which takes its rights along. */
int litmus_rights_taken(const struct litmus_insn *insn);
int litmus_rights_given(const struct litmus_insn *insn);

/* --- outcomes ------------------------------------------------------------ */

/*
 * An outcome is a vector: thread 0's registers, thread 1's, ..., then the final
 * value of each variable, then each child's.
 */
int litmus_outcome_size(const struct litmus *test);
int litmus_reg_index(const struct litmus *test, int thread, int reg);
int litmus_var_index(const struct litmus *test, int var);
int litmus_child_index(const struct litmus *test, int child, int var);

/* The thread that has the register of this index; -1: the index is a variable's. */
int litmus_index_thread(const struct litmus *test, int index);
/* "0:r0", "x", "c:x": herd's name of an index. Returns buf. */
const char *litmus_index_name(const struct litmus *test, int index, char *buf, size_t size);
const char *litmus_value_name(int64_t value, char *buf, size_t size);

/* Does @outcome satisfy the proposition under exists/~exists/forall? The filter? */
bool litmus_holds(const struct litmus *test, int cond, const int64_t *outcome);
bool litmus_filtered_in(const struct litmus *test, const int64_t *outcome);

/*
 * C's arithmetic, wrapping at 64 bits, but that a fault is infectious: a sum with
 * a fault is a fault, an order with a fault is false, and a fault counts as true.
 */
int64_t litmus_eval(const struct litmus *test, int expr, const int64_t *regs);

struct litmus_outcomes {   /* a set with counts; zero-initialize, then outcomes_fini */
	int size;          /* values per outcome */
	size_t count, capacity;
	int64_t *values;   /* count * size */
	uint64_t *times;   /* how often each was seen */
	uint32_t *table;   /* open hash: index + 1 */
};

int litmus_outcomes_init(struct litmus_outcomes *set, int size);
void litmus_outcomes_fini(struct litmus_outcomes *set);
int litmus_outcomes_add(struct litmus_outcomes *set, const int64_t *outcome, uint64_t times);
bool litmus_outcomes_has(const struct litmus_outcomes *set, const int64_t *outcome);

#endif
