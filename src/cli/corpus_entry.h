/* SPDX-License-Identifier: MIT */
/*
 * corpus_entry.h - what the file of a corpus entry says of itself, in its second comment. The
 * first comment has the license.
 *
 *	31: an interval notifier's remove reads the sequence number without its lock
 *
 *	Linux: 319561669a59d8e9206ab311ae5433ef92fd79d1
 *	Class: L
 *
 *	What happened ...
 *
 * The origin may also be "FreeBSD: " and a revision.
 */
#ifndef MMUN_CORPUS_ENTRY_H
#define MMUN_CORPUS_ENTRY_H

#include <stdbool.h>

/* Allocated strings. Those that the file does not say are "", but id and title NULL. */
struct corpus_entry { char *path, *id, *title, *origin, *class, *prose; };

/* Fills all but the path. False: it is no entry, for want of its number and title, or of
 * its class. Either way corpus_entry_fini() is called afterwards. */
bool corpus_entry_parse(struct corpus_entry *e, const char *text);
void corpus_entry_fini(struct corpus_entry *e);

#endif
