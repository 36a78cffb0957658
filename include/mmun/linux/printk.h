/* SPDX-License-Identifier: MIT */
/* printk.h - messages: each is a row of the picture. */
#ifndef MMUN_LINUX_PRINTK_H
#define MMUN_LINUX_PRINTK_H

#include "mmun/linux/word.h"

#define pr_info(...) kernel_note_(KERNEL_SITE_, __VA_ARGS__)
#define pr_warn pr_info
#define pr_err pr_info
#define pr_debug pr_info

#endif
