/* SPDX-License-Identifier: MIT */
/* poison.h - addresses that belong to nobody: using one is a crash. */
#ifndef MMUN_LINUX_POISON_H
#define MMUN_LINUX_POISON_H

#include <stddef.h>

/* In an entry that was deleted from a list. */
#define LIST_POISON1 ((void *)0x100)
#define LIST_POISON2 ((void *)0x122)

#endif
