// SPDX-License-Identifier: GPL-2.0-only
/* Draws DIRTY_PAGES, and bitmaps for it and for UNMAP. */
#include "differ.h"

#include <stdlib.h>

#define SMALL		(64ULL << 10)
#define STOCK_MAX	(1ULL << 28)	/* bytes of a bitmap, says stock */

static uint64_t gen_pgsize(struct rng *rng)
{
	static const uint64_t sizes[] = {
		0, 1, 2048, 8192, 3 * PAGE_4K, PAGE_2M, 1ULL << 30, 1ULL << 31,
		1ULL << 63, PAGE_4K + 1,
	};

	if (rng_below(rng, 100) < 88)
		return PAGE_4K;
	return sizes[rng_below(rng, sizeof(sizes) / sizeof(*sizes))];
}

static uint64_t gen_bytes(struct rng *rng, uint64_t right)
{
	switch (rng_below(rng, 40)) {
	case 0:
		return 0;
	case 1:
		return right - 8;
	case 2:
		return right - 1 - rng_below(rng, 7);
	case 3:
		return right / 2;
	case 4:
		return right + 1 + rng_below(rng, 16);
	case 5:
		return STOCK_MAX + 8 * rng_below(rng, 3);
	case 6:
		return rng_next(rng) << rng_below(rng, 12);
	default:
		return right;
	}
}

static enum buffer gen_buffer(struct rng *rng)
{
	static const enum buffer bad[] = {
		B_SHORT, B_SHORT, B_READONLY, B_NONE, B_NULL, B_KERNEL, B_BAR,
	};

	if (rng_below(rng, 100) < 90)
		return B_GOOD;
	return bad[rng_below(rng, sizeof(bad) / sizeof(*bad))];
}

void gen_bitmap(struct rng *rng, struct call *call, uint64_t size)
{
	struct vfio_bitmap *bitmap;
	uint64_t unit;

	call->odd = 0;
	call->buffer = gen_buffer(rng);
	bitmap = call_bitmap(call);
	bitmap->pgsize = gen_pgsize(rng);
	unit = bitmap->pgsize < PAGE_4K ? PAGE_4K : bitmap->pgsize;
	bitmap->size = gen_bytes(rng, bit_bytes(size / unit));
	/* Where it ends behind all user memory it is refused; else in our gap. */
	if (bitmap->size > BITS_GAP)
		bitmap->size |= 1ULL << 62;
	else if (bitmap->size > SMALL && call->buffer > B_READONLY)
		call->buffer = B_GOOD;
	call->real = bitmap->size;
	if (call->real > BITS_MAX)
		call->real = BITS_MAX;
	/* Stock writes words: each is in a short buffer as a whole, or not. */
	if (call->buffer == B_SHORT)
		call->real = call->real / 2 & ~7UL;
	else if (call->real <= BITS_MAX - 8 && rng_one_in(rng, 4))
		call->odd = (unsigned int)rng_below(rng, 8);
}

static uint32_t gen_flags(struct rng *rng)
{
	unsigned int n = (unsigned int)rng_below(rng, 100);

	if (n < 14)
		return DIRTY_START;
	if (n < 20)
		return DIRTY_STOP;
	if (n < 85)
		return DIRTY_GET;
	if (n < 89)
		return DIRTY_NOCLEAR;
	if (n < 93)
		return DIRTY_CLEAR;
	if (n < 98)
		return (uint32_t)rng_below(rng, 32);
	return 1u << rng_below(rng, 32);
}

/* A coarse bitmap that ours can serve: whole bits, the first at iova. */
static void gen_coarse(struct rng *rng, struct call *call)
{
	struct vfio_iommu_type1_dirty_bitmap_get *r = &call->arg.range;
	uint64_t pgsize = PAGE_4K << (1 + rng_below(rng, 9));
	uint64_t end = r->iova + r->size;

	r->iova &= ~(pgsize - 1);
	r->size = (end - r->iova + pgsize - 1) & ~(pgsize - 1);
	gen_bitmap(rng, call, r->size);
	r->bitmap.pgsize = pgsize;
}

void gen_dirty(struct rng *rng, struct call *call)
{
	uint32_t flags = gen_flags(rng);
	bool range = flags & (DIRTY_GET | DIRTY_NOCLEAR | DIRTY_CLEAR);
	uint64_t iova, size;

	call->cmd = VFIO_IOMMU_DIRTY_PAGES;
	gen_place(rng, call, sizeof(call->arg.dirty) +
		  (range ? sizeof(call->arg.range) : 0));
	call->arg.dirty.flags = flags;
	if (!range)
		return;
	gen_range(rng, &iova, &size);
	call->arg.range.iova = iova;
	call->arg.range.size = size;
	gen_bitmap(rng, call, size);
	if (rng_one_in(rng, 8))
		gen_coarse(rng, call);
}
