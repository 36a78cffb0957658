/* SPDX-License-Identifier: MIT */
/*
 * door_native.c - what the core does all the time, through the door. The object
 * code must be that of door_plain.c: door_costs.sh compares.
 */
#include "sync/sync.h"

struct door { atomic_u64 count, entry, word; atomic_ptr array; spin_t lock; };

void door_get(struct door *d);
bool door_put(struct door *d);
bool door_update(struct door *d, uint64_t entry);
void door_publish(struct door *d, void *array, uint64_t entry);
uint64_t door_locked(struct door *d, uint64_t entry);
uint64_t door_section(struct door *d);

void door_get(struct door *d)
{
	add_relaxed(&d->count, 1);
}

bool door_put(struct door *d)
{
	return add_acq_rel(&d->count, (uint64_t)-1) == 1;
}

bool door_update(struct door *d, uint64_t entry)
{
	uint64_t old = load_relaxed(&d->entry);

	while (!cmpxchg_acq_rel(&d->entry, &old, old | entry))
		if (old & entry)
			return false;
	return true;
}

void door_publish(struct door *d, void *array, uint64_t entry)
{
	store_relaxed(&d->word, entry);
	store_ptr_release(&d->array, array);
	store_release(&d->entry, xchg_acq_rel(&d->word, 0));
}

uint64_t door_locked(struct door *d, uint64_t entry)
{
	uint64_t old;

	spin_lock(&d->lock);
	sync_assert_held(&d->lock);
	old = load_relaxed(&d->entry);
	store_release(&d->entry, entry);
	sync_event(ENTRY_CLEAR, entry);
	spin_unlock(&d->lock);
	return old;
}

uint64_t door_section(struct door *d)
{
	const atomic_u64 *array;
	uint64_t value;

	rcu_read_lock();
	array = load_ptr_acquire(&d->array);
	value = load_acquire(&array[1]);
	rcu_read_unlock();
	return value;
}
