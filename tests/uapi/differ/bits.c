// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two bitmaps of the same range. Stock says of every mapped page that it is
 * dirty. Ours may say so of fewer, but must of all that the device wrote, and
 * must leave the bits alone that are of no mapping; stock overwrites those that
 * share a word with a mapping's.
 */
#include "differ.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t covered[BITS_MAX];

struct range {
	uint64_t iova, size, pgsize, bytes;
};

static const char *page_differs(const struct range *r, uint64_t at,
				bool written, const struct answer *a)
{
	static char text[96];
	uint64_t bit = (at - r->iova) / r->pgsize;
	const char *what = NULL;
	bool ours;

	if (bit / 8 >= r->bytes)
		return "ours has written behind the bitmap's end";
	ours = bit_get(a[OURS].bits, bit);
	report_page(ours, written);
	bit_put(covered, bit, true);
	if (written && !ours)
		what = "LOST: ours says clean, the device wrote it";
	else if (!a[STOCK].ret && ours && !bit_get(a[STOCK].bits, bit))
		what = "ours says dirty, stock does not";
	if (!what)
		return NULL;
	snprintf(text, sizeof(text), "page %#lx: %s", at, what);
	return text;
}

static const char *mapping_differs(const struct range *r,
				   const struct mapping *m,
				   const struct answer *a)
{
	const char *what;
	uint64_t page, at;

	for (page = 0; page < m->size / PAGE_4K; page++) {
		at = m->iova + page * PAGE_4K;
		if (at < r->iova || at - r->iova >= r->size)
			continue;
		what = page_differs(r, at, bit_get(m->written, page), a);
		if (what)
			return what;
	}
	return NULL;
}

static const char *outside(const struct call *call, const struct answer *a,
			   const uint8_t *fill)
{
	size_t i;

	for (i = 0; i < call->real; i++)
		if ((a[OURS].bits[i] ^ fill[i]) & ~covered[i])
			return "ours wrote bits of no mapping";
	for (i = 0; i < call->real; i++)
		if ((a[STOCK].bits[i] ^ fill[i]) & ~covered[i]) {
			meant_use("bits-outside");
			break;
		}
	return NULL;
}

const char *bits_differ(const struct call *call, const struct answer *a,
			const uint8_t *fill)
{
	struct range r = {
		.pgsize = call_bitmap_const(call)->pgsize,
		.bytes = call->real,
	};
	const char *what = NULL;
	int i;

	if (!call_range(call, &r.iova, &r.size))
		return NULL;
	if (call->op == OP_UNMAP &&
	    call->arg.unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		r.size = UINT64_MAX;
	memset(covered, 0, call->real);
	for (i = 0; i < model.nr && !what; i++)
		what = mapping_differs(&r, &model.m[i], a);
	return what ? what : outside(call, a, fill);
}
