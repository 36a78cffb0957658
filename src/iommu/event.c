/* SPDX-License-Identifier: MIT */
/*
 * event.c - the queue in which an IOMMU leaves records of what it has refused. Invariant: the
 * records are in the order in which they were written; after one was lost, none is written
 * until that was acknowledged. device.c writes, users read.
 */
#include <errno.h>

#include "iommu/inside.h"

int events_init(struct events *q, uint32_t capacity)
{
	spin_init(&q->lock, RANK_EVENTS);
	q->capacity = capacity;
	q->record = sync_alloc(capacity * sizeof(*q->record));
	return q->record ? 0 : -ENOMEM;
}

void events_fini(struct events *q)
{
	sync_free(q->record);
}

void events_write(struct events *q, struct mmun_iommu_event event)
{
	spin_lock(&q->lock);
	if (q->count == q->capacity)
		q->overflow = true;
	if (!q->overflow)
		q->record[(q->first + q->count++) % q->capacity] = event;
	spin_unlock(&q->lock);
}

int mmun_iommu_event_read(struct mmun_iommu *iommu, struct mmun_iommu_event *ret_event)
{
	struct events *q;
	bool any;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!iommu || !ret_event)
		return -EINVAL;
	q = &iommu->events;
	spin_lock(&q->lock);
	any = q->count != 0;
	if (any) {
		*ret_event = q->record[q->first];
		q->first = (q->first + 1) % q->capacity;
		q->count--;
	}
	spin_unlock(&q->lock);
	return any ? 0 : -EAGAIN;
}

int mmun_iommu_event_overflow(struct mmun_iommu *iommu)
{
	struct events *q;
	bool overflow;

	sync_user_calls(SYNC_CALLED_LOCKED);
	if (!iommu)
		return -EINVAL;
	q = &iommu->events;
	spin_lock(&q->lock);
	overflow = q->overflow;
	q->overflow = false;
	spin_unlock(&q->lock);
	return overflow;
}
