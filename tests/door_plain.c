/* SPDX-License-Identifier: MIT */
/*
 * door_plain.c - door_native.c written by hand in C11: what the door may cost.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock { _Atomic(uint32_t) v; uint32_t rank; };
struct slot {
	_Atomic(uint64_t) epoch;
	uint32_t nesting;
};
struct door { _Atomic(uint64_t) count, entry, word; _Atomic(void *) array; struct lock lock; };

void sync_spin_slow(struct lock *l);
struct slot *sync_slot_register(void);
extern _Thread_local struct slot *sync_slot_mine;
extern _Atomic(uint64_t) sync_epoch;

void door_get(struct door *d);
bool door_put(struct door *d);
bool door_update(struct door *d, uint64_t entry);
void door_publish(struct door *d, void *array, uint64_t entry);
uint64_t door_locked(struct door *d, uint64_t entry);
uint64_t door_section(struct door *d);

void door_get(struct door *d)
{
	atomic_fetch_add_explicit(&d->count, 1, memory_order_relaxed);
}

bool door_put(struct door *d)
{
	return atomic_fetch_sub_explicit(&d->count, 1, memory_order_acq_rel) == 1;
}

bool door_update(struct door *d, uint64_t entry)
{
	uint64_t old = atomic_load_explicit(&d->entry, memory_order_relaxed);

	while (!atomic_compare_exchange_strong_explicit(&d->entry, &old, old | entry,
			memory_order_acq_rel, memory_order_acquire))
		if (old & entry)
			return false;
	return true;
}

void door_publish(struct door *d, void *array, uint64_t entry)
{
	atomic_store_explicit(&d->word, entry, memory_order_relaxed);
	atomic_store_explicit(&d->array, array, memory_order_release);
	atomic_store_explicit(&d->entry,
		atomic_exchange_explicit(&d->word, 0, memory_order_acq_rel),
		memory_order_release);
}

uint64_t door_locked(struct door *d, uint64_t entry)
{
	uint64_t old;

	if (atomic_exchange_explicit(&d->lock.v, 1, memory_order_acquire))
		sync_spin_slow(&d->lock);
	old = atomic_load_explicit(&d->entry, memory_order_relaxed);
	atomic_store_explicit(&d->entry, entry, memory_order_release);
	atomic_store_explicit(&d->lock.v, 0, memory_order_release);
	return old;
}

uint64_t door_section(struct door *d)
{
	struct slot *s = sync_slot_mine;
	_Atomic(uint64_t) *array;
	uint64_t value;

	if (__builtin_expect(!s, 0))
		s = sync_slot_register();
	if (s->nesting++ == 0)
		atomic_exchange_explicit(&s->epoch,
			atomic_load_explicit(&sync_epoch, memory_order_relaxed),
			memory_order_seq_cst);
	array = atomic_load_explicit(&d->array, memory_order_acquire);
	value = atomic_load_explicit(&array[1], memory_order_acquire);
	s = sync_slot_mine;
	if (--s->nesting == 0)
		atomic_store_explicit(&s->epoch, 0, memory_order_release);
	return value;
}
