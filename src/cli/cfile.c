/* SPDX-License-Identifier: MIT */
/*
 * cfile.c - runs checks in C for the commands, with the headers that are installed with the
 * tool. Everything else is done by src/checks/run.
 */
#include <limits.h>

#include "cli/cli.h"

static struct cfile_how fill(const struct cfile_how *how, char *headers, size_t size)
{
	struct cfile_how h = *how;

	h.headers = cli_directory("MMUN_INCLUDE", "../include", "../include", headers, size) ?
		    headers : NULL;
	h.aside = stderr;
	h.complain = args_complain;
	return h;
}

int cli_cfile_check(const char *path, const struct cfile_how *how, struct report *report)
{
	char headers[PATH_MAX];
	const struct cfile_how h = fill(how, headers, sizeof(headers));

	return cfile_check(path, &h, report);
}

int cli_cfile_replay(const char *path, const char *string, struct report *report)
{
	char headers[PATH_MAX];
	const struct cfile_how h = fill(&(struct cfile_how){ .coverage = false }, headers,
					sizeof(headers));

	return cfile_replay(path, string, &h, report);
}
