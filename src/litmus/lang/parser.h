/* SPDX-License-Identifier: MIT */
/*
 * parser.h - what the files of the parser share: the token at hand, the test under
 * construction, and the way out on the first error.
 *
 * parse.c owns the frame and calls the others. lex.c cuts tokens, scope.c knows the names that
 * were declared, init.c reads the initial state, code.c the threads, and cond.c what is asked
 * at the end.
 *
 * Invariant: p->lex.tok is the next token that nobody has consumed. Every error leaves through
 * parse_fail(), so no function returns a failure.
 */
#ifndef MMUN_LITMUS_PARSER_H
#define MMUN_LITMUS_PARSER_H

#include <setjmp.h>

#include "base/nearest.h"
#include "base/utf8.h"
#include "litmus/lang/litmus.h"

enum token_kind { TOK_END, TOK_NAME, TOK_NUMBER, TOK_MARK };

struct token {
	enum token_kind kind;
	struct litmus_pos pos;
	size_t start, end;   /* offsets into the text */
	int64_t value;       /* TOK_NUMBER */
	char name[LITMUS_NAME_MAX]; /* TOK_NAME */
};

struct lexer {               /* a copy of it is a place to come back to */
	struct token tok;
	size_t offset;       /* behind tok */
	size_t line_start;
	int line;
	size_t last_end;     /* end of the token consumed last */
};

/* What the initial state says of a thread before the thread is known. */
struct promise {
	char thread[8];
	struct litmus_pos pos;
	uint32_t caches;
	char on[8];          /* "": a device of its own */
	struct litmus_pos on_pos;
	enum litmus_device kind;
	struct litmus_pos kind_pos;
};

struct parser {
	const char *text;
	size_t size;
	struct lexer lex;
	bool in_code;        /* "(*" is no comment there */
	bool want_comment;   /* the next comment is the test's description */
	size_t comment_start, comment_end;
	struct litmus *test;
	struct promise promise[LITMUS_THREADS_MAX];
	int promises;

	struct litmus_thread *thread; /* code.c: the one being read */
	uint32_t params;     /* bit v: variable v is its parameter */
	int depth;
	int lazy;            /* > 0: right of && or || */
	int block, blocks;   /* the block being read, blocks seen */
	int reg_block[LITMUS_REGS_MAX]; /* where each register was declared */

	struct litmus_error *error;
	bool no_memory;
	jmp_buf out;
};

/* --- lex.c --------------------------------------------------------------- */

_Noreturn void parse_fail(struct parser *p, struct litmus_pos pos, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
_Noreturn void parse_no_memory(struct parser *p);

void lex_start(struct parser *p);
void lex_next(struct parser *p);
/* The rest of a word up to white space becomes one name: for the test's own. */
void lex_test_name(struct parser *p);
struct litmus_pos lex_pos_at(const struct parser *p, size_t offset);

bool at(const struct parser *p, const char *text);
bool at_next(struct parser *p, const char *text); /* the token after this one */
bool accept(struct parser *p, const char *text);
/* "expected ';' after the statement, found 'foo'": @where is "after the statement" */
void expect(struct parser *p, const char *text, const char *where);
/* "expected a variable, found 'foo'" */
_Noreturn void parse_fail_expected(struct parser *p, const char *what);
int64_t parse_integer(struct parser *p, const char *what);
/* A name that is neither a word of the language nor that of a thread. */
void parse_new_name(struct parser *p, const char *what, char *ret_name);
void depth_enter(struct parser *p);
void depth_leave(struct parser *p);

/* P or D and a number of at most two digits. */
bool is_thread_name(const char *name);
/* int, long, u64; refuses the names of other types. */
bool at_type(struct parser *p);

/* The text [start, end) with white space folded and comments left out. */
void fold_text(const struct parser *p, size_t start, size_t end, char *buf, size_t size);

/* Names that differ in more than two letters are not meant. */
enum { NEAREST_DISTANCE = 3 };

/* "a, b or c": into @buf, which is returned. */
const char *join_words(const char *const *words, char *buf, size_t size);
/* "expected WHAT, found 'foo'", and which of @words, up to NULL, was meant. */
_Noreturn void parse_fail_word(struct parser *p, const char *what, const char *const *words);

/* --- scope.c ------------------------------------------------------------- */

/* -1: there is none of this name. */
int find_var(const struct litmus *test, const char *name);

/* The token is a variable that is declared: its number. @what: what was expected. */
int parse_known_var(struct parser *p, const char *what);
int find_thread(const struct litmus *test, const char *name);
/* With a page of its own; refuses a second one of the name. */
int add_var(struct parser *p, const char *name, struct litmus_pos pos);

/* --- the parts ----------------------------------------------------------- */

void parse_init(struct parser *p);           /* init.c: { ... } */
void keep_promises(struct parser *p);        /* init.c: once the threads are known */
void parse_thread(struct parser *p);         /* code.c: P0(...) { ... } */
void parse_questions(struct parser *p);      /* cond.c: filter, locations, exists */

#endif
