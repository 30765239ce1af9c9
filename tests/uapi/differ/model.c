// SPDX-License-Identifier: GPL-2.0-only
/* The mappings that both sides must have, from the answers they gave. */
#include "differ.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct model model;

void model_reset(void)
{
	while (model.nr)
		free(model.m[--model.nr].written);
	model.tracking = false;
}

static uint64_t last_of(const struct mapping *m)
{
	return m->iova + m->size - 1;
}

struct mapping *model_overlap(uint64_t iova, uint64_t last)
{
	int i;

	for (i = 0; i < model.nr; i++)
		if (model.m[i].iova <= last && last_of(&model.m[i]) >= iova)
			return &model.m[i];
	return NULL;
}

int model_count(uint64_t iova, uint64_t size)
{
	int i, count = 0;

	for (i = 0; i < model.nr; i++)
		count += model.m[i].iova - iova < size;
	return count;
}

static void add(const struct call *call)
{
	struct mapping *m;

	if (model.nr == model.room) {
		model.room = model.room * 2 + 16;
		model.m = realloc(model.m, sizeof(*m) * (size_t)model.room);
		if (!model.m)
			tap_bail("no memory");
	}
	m = &model.m[model.nr++];
	*m = (struct mapping){
		.iova = call->arg.map.iova,
		.size = call->arg.map.size,
		.vaddr = call->vaddr,
		.pinned = call->vaddr,
	};
	m->written = calloc(1, bit_bytes(m->size / PAGE_4K));
	if (!m->written)
		tap_bail("no memory");
}

static void map(const struct call *call)
{
	struct mapping *m;

	if (!(call->arg.map.flags & VFIO_DMA_MAP_FLAG_VADDR)) {
		add(call);
		return;
	}
	m = model_overlap(call->arg.map.iova, call->arg.map.iova);
	if (!m)
		tap_bail("call %lu: VADDR of no mapping", report_number);
	m->vaddr = call->vaddr;
	m->vaddr_invalid = false;
}

/*
 * Whether an UNMAP is about this mapping. Type 1 takes what begins in the
 * range, and nothing at all where something begins before it and reaches in.
 */
static bool concerned(const struct call *call, const struct mapping *m)
{
	uint64_t iova = call->arg.unmap.iova, size = call->arg.unmap.size;
	const struct mapping *cut;

	if (call->arg.unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return true;
	cut = model_overlap(iova, iova);
	if (cut && cut->iova != iova)
		return false;
	return m->iova >= iova && m->iova - iova < size;
}

uint64_t model_unmaps(const struct call *call)
{
	uint64_t bytes = 0;
	int i;

	for (i = 0; i < model.nr; i++)
		if (concerned(call, &model.m[i]))
			bytes += model.m[i].size;
	return bytes;
}

static void unmap(const struct call *call)
{
	bool *gone = calloc((size_t)model.nr + 1, sizeof(*gone));
	int i, kept = 0;

	if (!gone)
		tap_bail("no memory");
	for (i = 0; i < model.nr; i++)
		gone[i] = concerned(call, &model.m[i]);
	for (i = 0; i < model.nr; i++) {
		if (!gone[i]) {
			model.m[kept++] = model.m[i];
		} else if (call->arg.unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR) {
			model.m[i].vaddr_invalid = true;
			model.m[kept++] = model.m[i];
		} else {
			free(model.m[i].written);
		}
	}
	model.nr = kept;
	free(gone);
}

static void clean(uint64_t iova, uint64_t size, uint64_t pgsize,
		  const uint8_t *only)
{
	uint64_t page, at;
	int i;

	for (i = 0; i < model.nr; i++) {
		struct mapping *m = &model.m[i];

		for (page = 0; page < m->size / PAGE_4K; page++) {
			at = m->iova + page * PAGE_4K;
			if (at < iova || at - iova >= size)
				continue;
			if (!only || bit_get(only, (at - iova) / pgsize))
				bit_put(m->written, page, false);
		}
	}
}

static void dirty(const struct call *call, const uint8_t *fill)
{
	const struct vfio_iommu_type1_dirty_bitmap_get *r = &call->arg.range;

	switch (call->arg.dirty.flags) {
	case DIRTY_START:
		if (!model.tracking)
			clean(0, UINT64_MAX, PAGE_4K, NULL);
		model.tracking = true;
		break;
	case DIRTY_STOP:
		model.tracking = false;
		break;
	case DIRTY_GET:
		clean(r->iova, r->size, PAGE_4K, NULL);
		break;
	case DIRTY_CLEAR:
		clean(r->iova, r->size, r->bitmap.pgsize, fill);
		break;
	}
}

void model_apply(const struct call *call, int ret, const uint8_t *fill)
{
	/* An UNMAP that cannot say what it did has done it. */
	bool did = call->op == OP_UNMAP && ret == -EFAULT &&
		   call->place == P_READONLY && call->buffer == B_NO;

	if (ret && !did)
		return;
	if (call->op == OP_MAP)
		map(call);
	else if (call->op == OP_UNMAP)
		unmap(call);
	else if (call->op == OP_DIRTY)
		dirty(call, fill);
}

void model_wrote(uint64_t iova)
{
	struct mapping *m = model_overlap(iova, iova);

	if (m && model.tracking)
		bit_put(m->written, (iova - m->iova) / PAGE_4K, true);
}
