/* SPDX-License-Identifier: MIT */
/* poison.h - addresses at which no memory is: an access to one is a crash. */
#ifndef MMUN_LINUX_POISON_H
#define MMUN_LINUX_POISON_H

#include <stddef.h>

/* The pointers of an entry that was deleted from a list. */
#define LIST_POISON1 ((void *)0x100)
#define LIST_POISON2 ((void *)0x122)

#endif
