/* SPDX-License-Identifier: MIT */
/*
 * hints.c - knows what to use instead of names that Linux has and mmun does not, or that such a
 * name cannot be had. The compiler's messages are searched for names in quotes: what it says
 * around them differs from one compiler to the next.
 */
#include "checks/run/hints.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

/* A name that ends with "*" stands for all that begin so. The first row counts. */
static const struct { const char *name, *hint; } hints[] = {
	{ "kthread_use_mm", "use get_user_pages_remote() or pin_user_pages_remote()" },
	{ "kthread_*", "a kernel thread is one of the check's threads; if it may wait for more at "
		"the end, it calls explore_may_wait_forever()" },
	{ "kthread", "a kernel thread is one of the check's threads" },
	{ "wake_up_process", "let the thread wait with wait_event(), and use wake_up()" },
	{ "set_current_state", "use wait_event() and wake_up()" },
	{ "__set_current_state", "use wait_event() and wake_up()" },
	{ "schedule", "use wait_event() and wake_up()" },
	{ "schedule_timeout*", "time does not pass here: use wait_event() and wake_up()" },
	{ "prepare_to_wait*", "use wait_event()" },
	{ "finish_wait", "use wait_event()" },
	{ "add_wait_queue*", "use wait_event()" },
	{ "swait_*", "use wait_event()" },
	{ "waitqueue_active", "call wake_up() without asking" },
	{ "wq_has_sleeper", "call wake_up() without asking" },
	{ "signal_pending*", "use wait_event_interruptible()" },
	{ "wait_on_bit*", "use wait_event() with test_bit()" },
	{ "wake_up_bit", "use wait_event() with test_bit(), and wake_up()" },
	{ "msleep*", "time does not pass here: leave it out, since another thread can come in "
		"anyway" },
	{ "usleep_range", "time does not pass here: leave it out" },
	{ "fsleep", "time does not pass here: leave it out" },
	{ "udelay", "time does not pass here: leave it out" },
	{ "mdelay", "time does not pass here: leave it out" },
	{ "ndelay", "time does not pass here: leave it out" },
	{ "ktime_*", "time does not pass here: it cannot be had" },
	{ "get_cycles", "time does not pass here: it cannot be had" },
	{ "hrtimer_*", "use a timer_list or a delayed_work: when they run is not decided by time" },
	{ "tasklet_*", "use a work_struct, or a timer_list if it must not sleep" },
	{ "irq_work_*", "use a timer_list, whose function must not sleep" },
	{ "task_work_*", "use a work_struct" },
	{ "request_irq", "an interrupt's handler is one of the check's threads" },
	{ "request_threaded_irq", "an interrupt's handler is one of the check's threads" },
	{ "free_irq", "an interrupt's handler is one of the check's threads" },
	{ "copy_from_user", "there is no user memory: use memcpy(), or mmun_cpu_load()" },
	{ "copy_to_user", "there is no user memory: use memcpy(), or mmun_cpu_store()" },
	{ "__copy_*_user", "there is no user memory: use memcpy()" },
	{ "get_user", "there is no user memory: use READ_ONCE(), or mmun_cpu_load()" },
	{ "put_user", "there is no user memory: use WRITE_ONCE(), or mmun_cpu_store()" },
	{ "access_ok", "there is no user memory: it cannot be had" },
	{ "kmem_cache_*", "use kmalloc() and kfree()" },
	{ "kmem_cache", "use kmalloc() and kfree()" },
	{ "mempool_*", "use kmalloc() and kfree()" },
	{ "vmalloc", "use kvmalloc()" },
	{ "vzalloc", "use kvzalloc()" },
	{ "vfree", "use kvfree()" },
	{ "kmemdup", "use kmalloc() and memcpy()" },
	{ "kstrdup", "use kmalloc() and memcpy()" },
	{ "krealloc*", "use kmalloc(), memcpy() and kfree()" },
	{ "dma_alloc_coherent", "use kzalloc()" },
	{ "dma_map_*", "devices reach memory through mmun_ats here: it cannot be had" },
	{ "dma_unmap_*", "devices reach memory through mmun_ats here: it cannot be had" },
	{ "radix_tree_*", "use an xarray" },
	{ "idr_*", "use an xarray" },
	{ "ida_*", "use an xarray, or a counter under a lock" },
	{ "mas_*", "use an xarray or a list" },
	{ "mtree_*", "use an xarray or a list" },
	{ "rhashtable_*", "use hlist_head, with one list or a few" },
	{ "llist_*", "use xchg() and cmpxchg() on a pointer, or a list under a lock" },
	{ "kfifo_*", "use an array under a lock" },
	{ "klist_*", "use list_head" },
	{ "plist_*", "use list_head" },
	{ "rb_insert_augmented*", "use INTERVAL_TREE_DEFINE(), or compute it after rb_add()" },
	{ "rb_erase_augmented*", "use INTERVAL_TREE_DEFINE(), or compute it after rb_erase()" },
	{ "RB_DECLARE_CALLBACKS*", "use INTERVAL_TREE_DEFINE()" },
	{ "rb_replace_node_*", "use rb_replace_node() under the lock" },
	{ "latch_tree_*", "use rb_find() and rb_add() under a lock" },
	{ "interval_tree_span_*", "use interval_tree_iter_first() and interval_tree_iter_next()" },
	{ "sema_init", "use a mutex, or a completion" },
	{ "down", "use mutex_lock(), or wait_for_completion()" },
	{ "up", "use mutex_unlock(), or complete()" },
	{ "down_interruptible", "use mutex_lock()" },
	{ "semaphore", "use a mutex, or a completion" },
	{ "ww_mutex_*", "use mutexes, and take them in the order of their addresses" },
	{ "percpu_down_*", "use an rw_semaphore" },
	{ "percpu_up_*", "use an rw_semaphore" },
	{ "percpu_ref_*", "use a refcount_t" },
	{ "percpu_counter_*", "use an atomic_t" },
	{ "mm_cpumask", "use a cpumask of the check's own" },
	{ "smp_call_function_any", "use smp_call_function_single()" },
	{ "call_rcu_tasks*", "use call_srcu()" },
	{ "synchronize_rcu_tasks*", "use synchronize_srcu()" },
	{ "get_state_synchronize_*", "use call_rcu() or synchronize_rcu()" },
	{ "start_poll_synchronize_*", "use call_rcu() or synchronize_rcu()" },
	{ "poll_state_synchronize_*", "use call_rcu() or synchronize_rcu()" },
	{ "cond_synchronize_*", "use synchronize_rcu()" },
	{ "dma_fence_wait_any_timeout", "use dma_fence_add_callback() for each, and a completion" },
	{ "dma_fence_array*", "use dma_fence_add_callback() for each, and a count" },
	{ "dma_fence_chain*", "use dma_fence_add_callback() for each, and a count" },
	{ "dma_fence_unwrap*", "a fence stands for itself here" },
	{ "dma_fence_get_stub", "use a fence of your own that is signaled" },
	{ "dma_fence_set_deadline", "time does not pass here: leave it out" },
	{ "dma_resv_lock_slow*", "use dma_resv_lock(), and take several in one order" },
	{ "dma_resv_get_*", "use dma_resv_for_each_fence()" },
	{ "dma_resv_copy_fences", "use dma_resv_for_each_fence() and dma_resv_add_fence()" },
	{ "ww_acquire_*", "give dma_resv_lock() NULL, and take several in one order" },
	{ "migrate_vma_*", "there is no device memory here: it cannot be had" },
	{ "make_device_exclusive*", "use mmun_hmm_make_exclusive()" },
	{ "get_task_mm", "there are no tasks: use mmget_not_zero()" },
	{ "vm_operations_struct", "areas map memory, or objects of mmun_object_create(): it cannot "
		"be had" },
	{ "handle_mm_fault", "use mmun_mm_fault(), without mmap_lock" },
	{ "fixup_user_fault", "use mmun_mm_fault(), without mmap_lock" },
	{ "faultin_page", "use mmun_mm_fault(), without mmap_lock" },
	{ "vm_fault_t", "what maps an area's pages is the library's: it cannot be had" },
	{ "vm_fault", "what maps an area's pages is the library's: it cannot be had" },
	{ "remap_pfn_range", "use mmun_mmap_object()" },
	{ "vmf_insert_*", "use mmun_mmap_object(), or set_pte_at()" },
	{ "vm_insert_*", "use mmun_mmap_object(), or set_pte_at()" },
	{ "zap_vma_ptes", "use mmun_madvise(), or clear the entries" },
	{ "zap_page_range_single", "use mmun_madvise(), or clear the entries" },
	{ "unmap_mapping_range", "use mmun_object_punch()" },
	{ "vm_mmap", "use mmun_mmap()" },
	{ "do_mmap", "use mmun_mmap()" },
	{ "vm_munmap", "use mmun_munmap()" },
	{ "do_munmap", "use mmun_munmap()" },
	{ "do_madvise", "use mmun_madvise()" },
	{ "handle_userfault", "nobody is waited for here: of userfaultfd there is "
		"mmun_uffd_writeprotect() and mmun_uffd_move()" },
	{ "userfaultfd_*", "of userfaultfd there is mmun_uffd_writeprotect() and "
		"mmun_uffd_move()" },
	{ "UFFDIO_*", "of userfaultfd there is mmun_uffd_writeprotect() and mmun_uffd_move()" },
	{ "PROT_EXEC", "whether code may be run is not known here: leave it out" },
	{ "VM_EXEC", "whether code may be run is not known here: leave it out" },
	{ "pte_exec", "whether code may be run is not known here: it cannot be had" },
	{ "pte_mkexec", "whether code may be run is not known here: leave it out" },
	{ "pte_offset_map_nolock", "use pte_offset_map()" },
	{ "pte_offset_map_ro_nolock", "use pte_offset_map()" },
	{ "pte_offset_map_rw_nolock", "use pte_offset_map()" },
	{ "flush_cache_*", "caches are coherent here: leave it out" },
	{ "flush_dcache_*", "caches are coherent here: leave it out" },
	{ "update_mmu_cache*", "leave it out" },
	{ "arch_*_lazy_mmu_mode", "leave it out" },
	{ "lru_add_drain*", "there are no lists of pages in use: leave it out" },
	{ "folio_isolate_lru", "there are no lists of pages in use: leave it out" },
	{ "folio_putback_lru", "there are no lists of pages in use: leave it out" },
	{ "swp_type", "use is_migration_entry() and its like" },
	{ "swp_entry", "use make_writable_migration_entry() and its like" },
	{ "make_*_device_private_entry", "there is no device memory here: it cannot be had" },
	{ "make_*_device_exclusive_entry", "use mmun_make_exclusive()" },
	{ "swap_free", "what is in swap is the library's: use mmun_madvise()" },
	{ "free_swap_and_cache", "what is in swap is the library's: use mmun_madvise()" },
	{ "swap_duplicate", "what is in swap is the library's: use mmun_fork()" },
	{ "lock_vma_under_rcu", "use vma_of() and vma_start_read()" },
	{ "find_vma*", "use vma_of(), with mmap_lock held" },
	{ "vma_lookup", "use vma_of(), with mmap_lock held" },
	{ "try_to_migrate", "use rmap_walk(), with page_vma_mapped_walk()" },
	{ "try_to_unmap", "use rmap_walk(), with page_vma_mapped_walk()" },
	{ "remove_migration_pte*", "use rmap_walk(), with page_vma_mapped_walk()" },
	{ "folio_referenced", "use rmap_walk(), or mmun_page_young()" },
	{ "folio_mkclean", "use mmun_object_clean()" },
	{ "printk", "use pr_info()" },
	{ "dev_*", "use pr_info()" },
	{ "trace_*", "use pr_info()" },
	{ "get_random_*", "a check is deterministic: let two threads race for it" },
	{ "prandom_*", "a check is deterministic: let two threads race for it" },
	{ "module_init", "a check has setup and threads instead" },
	{ "module_exit", "a check has setup and threads instead" },
	{ "MODULE_LICENSE", "leave it out" },
	{ "EXPORT_SYMBOL*", "leave it out" },
	{ "__init", "leave it out" },
	{ "__exit", "leave it out" },
};

bool hint_is_for(const char *row, const char *name)
{
	const char *star = strchr(row, '*');

	if (!star)
		return !strcmp(row, name);
	return !strncmp(row, name, (size_t)(star - row)) &&
	       (!star[1] || (strlen(name) > strlen(row) &&
			     !strcmp(name + strlen(name) - strlen(star + 1), star + 1)));
}

static size_t row_of(const char *name)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(hints) && !hint_is_for(hints[n].name, name))
		n++;
	return n;
}

/* A name in quotes from @at on; behind it, NULL: there is none. */
static const char *next_name(const char *at, char *name, size_t size)
{
	for (; (at = strchr(at, '\'')); at++) {
		const char *from = at + 1;
		size_t n;

		if (!strncmp(from, "struct ", 7))
			from += 7;
		n = strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (!n || n >= size || isdigit((unsigned char)*from))
			continue;
		memcpy(name, from, n);
		name[n] = '\0';
		return from + n;
	}
	return NULL;
}

/*
 * A name that is mmun's and the check's own: the compiler says so in an error, and in a note which
 * has the place in mmun's headers. @name: the first one of the latest error; the note may have
 * that of a macro.
 */
static void say_clash(const char *note, char *name, size_t size)
{
	const char *macro = strstr(note, "macro ");

	if (!strstr(note, "note:") || !strstr(note, "mmun/linux/") ||
	    !(strstr(note, "previous ") || strstr(note, "defined here")))
		return;
	if (macro && (macro[6] == '"' || macro[6] == '\''))
		snprintf(name, size, "%.*s", (int)strcspn(macro + 7, "\"'"), macro + 7);
	if (*name)
		dprintf(STDERR_FILENO, "mmun: %s is a name of mmun, as in Linux: if the check has "
			"one of its own, give that another name\n", name);
	*name = '\0';
}

void hints_give(const char *said)
{
	bool given[ARRAY_SIZE(hints)] = { false };
	FILE *in = fopen(said, "r");
	char line[1024], name[64], first[64] = "";

	while (in && fgets(line, sizeof(line), in)) {
		const char *at = line;

		say_clash(line, first, sizeof(first));
		if (!strstr(line, "error:") && !strstr(line, "warning:"))
			continue;
		if (!next_name(line, first, sizeof(first)))
			*first = '\0';
		while ((at = next_name(at, name, sizeof(name)))) {
			size_t n = row_of(name);

			if (n == ARRAY_SIZE(hints) || given[n])
				continue;
			given[n] = true;
			dprintf(STDERR_FILENO, "mmun: %s is not there: %s\n", name, hints[n].hint);
		}
	}
	if (in)
		fclose(in);
}
