/* SPDX-License-Identifier: MIT */
/* mmap_lock.h - the locks of an address space and of its areas. */
#ifndef MMUN_LINUX_MMAP_LOCK_H
#define MMUN_LINUX_MMAP_LOCK_H

#include "mmun/linux/mm_types.h"
#include "mmun/linux/mm_word.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Take and drop mmap_lock, for reading or for writing. Context: the locks may sleep. */
#define KERNEL_MMAP_LOCK_(name, op) \
	KERNEL_INLINE_ void kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm) \
	{ \
		kernel_mmap_lock_(mm, op, &at->site); \
	} \
	KERNEL_PASSED_VOID_(name, (struct mm_struct *mm), (mm))

KERNEL_MMAP_LOCK_(mmap_read_lock, KERNEL_READ_LOCK_)
KERNEL_MMAP_LOCK_(mmap_read_unlock, KERNEL_READ_UNLOCK_)
KERNEL_MMAP_LOCK_(mmap_write_lock, KERNEL_WRITE_LOCK_)
/* Also drops the locks of all areas that vma_start_write() has locked. */
KERNEL_MMAP_LOCK_(mmap_write_unlock, KERNEL_WRITE_UNLOCK_)
/* Keeps mmap_lock, for reading, and drops the locks of areas likewise. */
KERNEL_MMAP_LOCK_(mmap_write_downgrade, KERNEL_DOWNGRADE_)

/* Try to take it, in any context. A reader fails while a writer waits, too. */
#define KERNEL_MMAP_TRYLOCK_(name, op) \
	KERNEL_INLINE_ bool kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm) \
	{ \
		return kernel_mmap_trylock_(mm, op, &at->site); \
	} \
	KERNEL_PASSED_(bool, name, (struct mm_struct *mm), (mm))

KERNEL_MMAP_TRYLOCK_(mmap_read_trylock, KERNEL_READ_LOCK_)
KERNEL_MMAP_TRYLOCK_(mmap_write_trylock, KERNEL_WRITE_LOCK_)

/* 0, or -EINTR if a signal came where the thread would sleep: the search tries both. */
#define KERNEL_MMAP_KILLABLE_(name, op) \
	KERNEL_INLINE_ int kernel_##name##_(const struct kernel_at_ *at, struct mm_struct *mm) \
	{ \
		return kernel_mmap_killable_(mm, op, at); \
	} \
	KERNEL_PASSED_(int, name, (struct mm_struct *mm), (mm))

KERNEL_MMAP_KILLABLE_(mmap_read_lock_killable, KERNEL_READ_LOCK_)
KERNEL_MMAP_KILLABLE_(mmap_write_lock_killable, KERNEL_WRITE_LOCK_)

/* A finding of the oracle "lock-order" if the thread does not hold it, or not for writing. */
KERNEL_INLINE_ void kernel_mmap_assert_locked_(const struct kernel_at_ *at,
					       const struct mm_struct *mm)
{
	kernel_mmap_assert_((struct mm_struct *)(uintptr_t)mm, false, &at->site);
}

KERNEL_INLINE_ void kernel_mmap_assert_write_locked_(const struct kernel_at_ *at,
						     const struct mm_struct *mm)
{
	kernel_mmap_assert_((struct mm_struct *)(uintptr_t)mm, true, &at->site);
}

KERNEL_PASSED_VOID_(mmap_assert_locked, (const struct mm_struct *mm), (mm))
KERNEL_PASSED_VOID_(mmap_assert_write_locked, (const struct mm_struct *mm), (mm))

#define mmap_read_lock(mm) KERNEL_1_(mmap_read_lock, #mm, mm)
#define mmap_read_unlock(mm) KERNEL_1_(mmap_read_unlock, #mm, mm)
#define mmap_write_lock(mm) KERNEL_1_(mmap_write_lock, #mm, mm)
#define mmap_write_unlock(mm) KERNEL_1_(mmap_write_unlock, #mm, mm)
#define mmap_write_downgrade(mm) KERNEL_1_(mmap_write_downgrade, #mm, mm)
#define mmap_read_trylock(mm) KERNEL_1_(mmap_read_trylock, #mm, mm)
#define mmap_write_trylock(mm) KERNEL_1_(mmap_write_trylock, #mm, mm)
#define mmap_read_lock_killable(mm) KERNEL_1_(mmap_read_lock_killable, #mm, mm)
#define mmap_write_lock_killable(mm) KERNEL_1_(mmap_write_lock_killable, #mm, mm)
#define mmap_assert_locked(mm) KERNEL_1_(mmap_assert_locked, #mm, mm)
#define mmap_assert_write_locked(mm) KERNEL_1_(mmap_assert_write_locked, #mm, mm)

/*
 * Takes the lock of an area for reading, and returns true. It waits for a writer, where Linux's
 * returns false and has its caller take mmap_lock. Context: may sleep; without mmap_lock.
 */
KERNEL_INLINE_ bool kernel_vma_start_read_(const struct kernel_at_ *at,
					   struct vm_area_struct *vma)
{
	kernel_vma_lock_(vma->vm_mm, vma->vm_start, KERNEL_READ_LOCK_, &at->site);
	return true;
}

/* Drops the lock of an area that vma_start_read() has taken. */
KERNEL_INLINE_ void kernel_vma_end_read_(const struct kernel_at_ *at, struct vm_area_struct *vma)
{
	kernel_vma_lock_(vma->vm_mm, vma->vm_start, KERNEL_READ_UNLOCK_, &at->site);
}

/*
 * Locks an area for writing until mmap_write_unlock(), and waits for its readers.
 * Context: with mmap_lock held for writing; may sleep.
 */
KERNEL_INLINE_ void kernel_vma_start_write_(const struct kernel_at_ *at,
					    struct vm_area_struct *vma)
{
	kernel_vma_lock_(vma->vm_mm, vma->vm_start, KERNEL_WRITE_LOCK_, &at->site);
}

/* Is the area locked, at all or for writing? As mmap_assert_locked(). */
KERNEL_INLINE_ void kernel_vma_assert_locked_(const struct kernel_at_ *at,
					      struct vm_area_struct *vma)
{
	kernel_vma_assert_(vma, false, &at->site);
}

KERNEL_INLINE_ void kernel_vma_assert_write_locked_(const struct kernel_at_ *at,
						    struct vm_area_struct *vma)
{
	kernel_vma_assert_(vma, true, &at->site);
}

KERNEL_PASSED_VOID_(vma_assert_locked, (struct vm_area_struct *vma), (vma))
KERNEL_PASSED_VOID_(vma_assert_write_locked, (struct vm_area_struct *vma), (vma))
KERNEL_PASSED_(bool, vma_start_read, (struct vm_area_struct *vma), (vma))
KERNEL_PASSED_VOID_(vma_end_read, (struct vm_area_struct *vma), (vma))
KERNEL_PASSED_VOID_(vma_start_write, (struct vm_area_struct *vma), (vma))

#define vma_assert_locked(vma) KERNEL_1_(vma_assert_locked, #vma, vma)
#define vma_assert_write_locked(vma) KERNEL_1_(vma_assert_write_locked, #vma, vma)
#define vma_start_read(vma) KERNEL_1_(vma_start_read, #vma, vma)
#define vma_end_read(vma) KERNEL_1_(vma_end_read, #vma, vma)
#define vma_start_write(vma) KERNEL_1_(vma_start_write, #vma, vma)

#ifdef __cplusplus
}
#endif

#endif
