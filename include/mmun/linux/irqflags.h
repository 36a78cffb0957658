/* SPDX-License-Identifier: MIT */
/* irqflags.h - interrupts of this processor, off and on. What comes as an interrupt are the calls
 * of smp.h, and nothing else. While they are off the thread must not sleep. */
#ifndef MMUN_LINUX_IRQFLAGS_H
#define MMUN_LINUX_IRQFLAGS_H

#include "mmun/linux/word.h"

#ifdef __cplusplus
extern "C" {
#endif

KERNEL_PROCEDURE_0_(local_irq_disable)
KERNEL_PROCEDURE_0_(local_irq_enable)
KERNEL_FUNCTION_0_(bool, irqs_disabled)
/* Whether the thread is such a call. */
KERNEL_FUNCTION_0_(bool, in_hardirq)

/* Whether they were off before; and as they were. */
unsigned long kernel_irq_save_(const struct kernel_at_ *at);
void kernel_irq_restore_(const struct kernel_at_ *at, unsigned long flags);

#define local_irq_disable() KERNEL_0_(local_irq_disable, "interrupts")
#define local_irq_enable() KERNEL_0_(local_irq_enable, "interrupts")
#define irqs_disabled() KERNEL_0_(irqs_disabled, "irqs_disabled()")
#define in_hardirq() KERNEL_0_(in_hardirq, "in_hardirq()")
#define in_irq in_hardirq
#define in_interrupt in_hardirq
#define in_task() (!in_hardirq())
#define local_irq_save(flags) __extension__({ \
	unsigned long *kernel_flags_ = &(flags); \
	*kernel_flags_ = kernel_irq_save_(KERNEL_AT_("interrupts")); })
#define local_irq_restore(flags) kernel_irq_restore_(KERNEL_AT_("interrupts"), (flags))
#define irqs_disabled_flags(flags) ((flags) != 0)
#define lockdep_assert_irqs_disabled() \
	kernel_assert_irqs_(KERNEL_AT_("lockdep_assert_irqs_disabled()"), true)
#define lockdep_assert_irqs_enabled() \
	kernel_assert_irqs_(KERNEL_AT_("lockdep_assert_irqs_enabled()"), false)

void kernel_assert_irqs_(const struct kernel_at_ *at, bool disabled);

/* Callbacks of soft interrupts are threads of their own here: they come in anyway. */
KERNEL_PROCEDURE_0_(local_bh_disable)
KERNEL_PROCEDURE_0_(local_bh_enable)
#define local_bh_disable() KERNEL_0_(local_bh_disable, "bottom halves")
#define local_bh_enable() KERNEL_0_(local_bh_enable, "bottom halves")

#ifdef __cplusplus
}
#endif

#endif
