/* SPDX-License-Identifier: MIT */
/* word.h - what Linux's names in these headers are made of. */
#ifndef MMUN_LINUX_WORD_H
#define MMUN_LINUX_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmun/explore.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MMUN_SYNC_SITE
#define MMUN_SYNC_SITE
struct sync_site { const char *file, *function; int line; };
#endif

/* Used by the macros below: where they stand, and what they do. */
#define KERNEL_SITE_ __extension__({ \
	static const struct sync_site site_ = { __FILE__, __func__, __LINE__ }; \
	&site_; })

enum kernel_access_kind { KERNEL_READ_, KERNEL_WRITE_, KERNEL_UPDATE_ };

void kernel_access_(enum kernel_access_kind kind, const volatile void *word, size_t size,
		    const struct sync_site *site);
/* For the picture: @text, and "= @value" if it has one. */
void kernel_say_(const struct sync_site *site, const char *text, int64_t value);
void kernel_note_(const struct sync_site *site, const char *fmt, ...)
	EXPLORE_PRINTF_LIKE(2, 3);

/* Does the step that this is the condition of happen? Yes, unless it is being left out to see
 * whether it is needed: "mmun when --superfluous". what: the step in a few words, lasts. */
#define explore_optional(what) explore_optional_((what), KERNEL_SITE_)
bool explore_optional_(const char *what, const struct sync_site *site);

/* --- words: 1, 2, 4 or 8 bytes -------------------------------------------- */

#define KERNEL_READ_AS_(name, x) __extension__({ \
	__typeof__(x) *at_ = &(x); \
	kernel_access_(KERNEL_READ_, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*at_) got_ = *(volatile __typeof__(*at_) *)at_; \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)got_); \
	got_; })
#define KERNEL_WRITE_AS_(name, x, v) __extension__({ \
	__typeof__(x) *to_ = &(x), new_ = (v); \
	kernel_access_(KERNEL_WRITE_, to_, sizeof(*to_), KERNEL_SITE_); \
	*(volatile __typeof__(*to_) *)to_ = new_; \
	kernel_say_(KERNEL_SITE_, (name), (int64_t)(intptr_t)new_); })
/* @update of *at_ from old_; the value is @result. */
#define KERNEL_UPDATE_AS_(name, kind, p, update, result) __extension__({ \
	volatile __typeof__(*(p)) *at_ = (p); \
	kernel_access_(kind, at_, sizeof(*at_), KERNEL_SITE_); \
	__typeof__(*(p)) old_ = *at_; \
	update; \
	kernel_say_(KERNEL_SITE_, name, (int64_t)(intptr_t)(result)); \
	(result); })

void kernel_lock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);
bool kernel_trylock_(uint32_t *owner, const char *name, const struct sync_site *site);
void kernel_unlock_(uint32_t *owner, bool spins, const char *name, const struct sync_site *site);

#ifdef __cplusplus
}
#endif

#endif
