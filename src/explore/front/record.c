/* SPDX-License-Identifier: MIT */
/*
 * record.c - makes one flat buffer of an exploration between two executions, and reads it: what is
 * left to be run, what has come of it so far, and what is remembered of earlier executions. The
 * record begins with an identity and a sum over the rest, so that a record is refused if it was
 * damaged or is of another check, of other options or of another version.
 *
 * Each room writes and reads its own part, and checks what it reads. A record that was made by
 * somebody who knows the sum can mislead the search, and can do no other harm.
 */
#include "explore/front/record.h"
#include "explore/door/door.h"
#include "explore/find/find.h"
#include "explore/search/search.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = { 'm', 'm', 'u', 'n', 'r', 'e', 'c', '1' };

uint64_t record_sum(const void *bytes, size_t size)
{
	const char *p = bytes;
	uint64_t h = size;

	for (; size >= sizeof(uint64_t); p += sizeof(uint64_t), size -= sizeof(uint64_t)) {
		uint64_t n;

		memcpy(&n, p, sizeof(n));
		h = hash_mix(h, n);
	}
	for (; size; p++, size--)
		h = hash_mix(h, (uint8_t)*p);
	return h;
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	return hash_mix(h, text ? record_sum(text, strlen(text)) : 0);
}

/* Of the check, of the options that decide which executions there are, of the model and of the
 * size of the world. */
static uint64_t identity(void)
{
	const uint64_t number[] = {
		x.check->threads, x.check->state_size, x.check->data ? x.check->data_size : 0,
		x.opt.algorithm, x.opt.plans_max, x.steps_max, x.opt.leave_out,
		x.opt.failing_allocations, x.plain != NULL, x.snapshot_used,
		SYNC_PAGE_SHIFT, SYNC_TABLE_SHIFT, SYNC_CPU_TLB_SHIFT, sizeof(x),
	};
	uint64_t h = mix_text(mix_text(0, x.check->name), x.model->name);

	for (size_t n = 0; n < ARRAY_SIZE(number); n++)
		h = hash_mix(h, number[n]);
	return h;
}

static void put_result(struct flat *f)
{
	const struct explore_result *r = x.result;

	flat_put_number(f, r->executions);
	flat_put_number(f, r->abandoned);
	flat_put_number(f, r->steps);
	flat_put_number(f, r->memory);
	flat_put_number(f, (uint64_t)(r->seconds * 1e9));
	flat_put_number(f, x.cut_short);
	flat_put_number(f, x.assumes);
	finding_save(f);
}

static bool get_result(struct flat_reader *r)
{
	struct explore_result *ret = x.result;

	ret->executions = flat_get_number(r, UINT64_MAX);
	ret->abandoned = flat_get_number(r, UINT64_MAX);
	ret->steps = flat_get_number(r, UINT64_MAX);
	ret->memory = (size_t)flat_get_number(r, SIZE_MAX);
	ret->seconds = (double)flat_get_number(r, UINT64_MAX) / 1e9;
	x.cut_short = flat_get_number(r, true);
	x.assumes = (uint8_t)flat_get_number(r, UINT8_MAX);
	return finding_load(r);
}

int record_save(struct explore_record *ret)
{
	struct record_begin head = { .identity = identity() };
	struct flat f = { 0 };
	bool found;

	memcpy(head.magic, magic, sizeof(magic));
	flat_put(&f, &head, sizeof(head));
	put_result(&f);
	origin_save(&f);
	plain_save(&f);
	found = search_save(&f);
	if (f.failed || !found) {
		free(f.bytes);
		return f.failed ? -ENOMEM : -ENOTSUP;
	}
	head.size = f.size;
	head.sum = record_sum(f.bytes + sizeof(head), f.size - sizeof(head));
	memcpy(f.bytes, &head, sizeof(head));
	*ret = (struct explore_record){ f.bytes, f.size };
	return 0;
}

const char *record_load(const struct explore_record *record)
{
	struct flat_reader r = { record->bytes, (const char *)record->bytes + record->size, false };
	struct record_begin head;

	flat_get(&r, &head, sizeof(head));
	if (r.wrong || memcmp(head.magic, magic, sizeof(magic)) != 0)
		return "what it was to go on with is no record of an exploration";
	if (head.size != record->size || head.sum != record_sum(r.at, (size_t)(r.end - r.at)))
		return "the record to go on with is damaged";
	if (head.identity != identity())
		return "the record to go on with is of another check, of other options or of "
		       "another version";
	if (!get_result(&r) || !origin_load(&r) || !plain_load(&r) || !search_load(&r) ||
	    r.at != r.end)
		return x.out_of_memory ? "out of memory" : "the record to go on with is damaged";
	return NULL;
}
