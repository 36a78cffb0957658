/* SPDX-License-Identifier: MIT */
/*
 * utf8.c - UTF-8 as RFC 3629 has it: no longer form than is needed, no surrogates, nothing
 * above U+10FFFF.
 */
#include "base/utf8.h"

#include <stdint.h>

size_t utf8_length(const char *text, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		   s[0] < 0xf8 ? 4 : 0;
	uint32_t c;

	if (n < 2 || n > left)
		return n > left ? 0 : n;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}
