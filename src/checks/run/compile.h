/* SPDX-License-Identifier: MIT */
/*
 * compile.h - compiles FILE.c to a shared object in a temporary directory. The directory is
 * removed by compile_close(), and also if the process is interrupted or killed.
 */
#ifndef MMUN_COMPILE_H
#define MMUN_COMPILE_H

#include "base/base.h"
#include "jobs/jobs.h"

struct compiled {
	const char *path;        /* of the source, as the user named it */
	char dir[64], unlinked[80], object[80];
	char said[80];           /* what the compiler says of the code that it has made */
	bool by_clang;
	char error[160];         /* why there is no object; "": there is one */
	int line;                /* ... and where; 0: nowhere */
	struct jobs_watcher watcher; /* it removes the directory if this process is killed */
};

/* @headers: the directory of mmun's own, NULL: it is not installed. @coverage: so that
 * coverage_open() can be asked of it. False: .error says why; and the compiler has, on
 * standard error. Close in any case. One at a time in a process. */
bool compile_open(struct compiled *c, const char *path, const char *headers, bool coverage);
void compile_close(struct compiled *c);

/* Functions of the C library in whose places others are called, which tell what they access. A
 * NULL follows. */
extern const char *const compile_wrapped[];

/* In a child: an interrupt does not take the files away, which are the parent's. */
void compile_forget(void);

#endif
