// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers of type 1, whose UNMAP takes ranges that cut through mappings:
 * one whose first byte is in the range goes, whole, any other stays.
 * Usage: v1 [--type stock]. Without it the module must have claim=all.
 */
#define _GNU_SOURCE
#include "balance.h"
#include "counters.h"
#include "tap.h"
#include "v1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct slot {
	uint64_t iova, pages;
} slots[] = {
	/* three without a gap, one behind a gap, one far away */
	{ IOVA, 16 },
	{ IOVA + 16 * PAGE_4K, 8 },
	{ IOVA + 24 * PAGE_4K, 32 },
	{ IOVA + 64 * PAGE_4K, 16 },
	{ FAR, 4 },
};

static char *memory_of(struct world *w, int slot)
{
	return w->memory + (uint64_t)slot * 64 * PAGE_4K;
}

static int map_slot(struct world *w, int slot)
{
	return vfio_map(w->rig.container, memory_of(w, slot), slots[slot].iova,
			slots[slot].pages * PAGE_4K, MAP_RW);
}

void map_all(struct world *w)
{
	int i, ret;

	for (i = 0; i < SLOTS; i++) {
		ret = map_slot(w, i);
		if (ret)
			tap_bail("MAP of slot %d: %s", i, strerror(-ret));
	}
}

/* 'm'apped or '-': asked of the device, of the count and of MAP. */
bool mapped_are(struct world *w, const char *want)
{
	long avail = vfio_dma_avail(w->rig.container), left = 0;
	bool good = true, got;
	uint64_t last;
	int i;

	for (i = 0; i < SLOTS; i++) {
		last = (slots[i].pages - 1) * PAGE_4K;
		got = rig_reaches(&w->rig, slots[i].iova, memory_of(w, i)) &&
		      rig_reaches(&w->rig, slots[i].iova + last,
				  memory_of(w, i) + last);
		left += want[i] == 'm';
		if (got == (want[i] == 'm') &&
		    (got || (rig_refused(&w->rig, slots[i].iova) &&
			     rig_refused(&w->rig, slots[i].iova + last))))
			continue;
		tap_diag("slot %d: mapped %d, '%c' is wanted", i, got, want[i]);
		good = false;
	}
	if (avail == w->avail - left)
		return good;
	tap_diag("%ld mappings, want %ld", w->avail - avail, left);
	return false;
}

/* Whatever is mapped goes, and all are mapped anew. */
static void reset(struct world *w)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		vfio_unmap(w->rig.container, slots[i].iova, PAGE_4K, 0, NULL);
	map_all(w);
}

void unmap_gives(struct world *w, uint64_t iova, uint64_t size, uint64_t pages,
		 const char *left, const char *what)
{
	uint64_t n = 1;
	int ret = vfio_unmap(w->rig.container, iova, size, 0, &n);

	tap_ret(ret, 0, "UNMAP %s", what);
	tap_ok(n == pages * PAGE_4K, "it says %lu pages: %#lx", pages, n);
	tap_ok(mapped_are(w, left), "left is %s", left);
	reset(w);
}

static void run(void (*test)(struct world *), struct world *w, const char *name)
{
	struct balance before;

	balance_take(&before, w->rig.container);
	map_all(w);
	test(w);
	vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	balance_same(&before, name);
}

int main(int argc, char **argv)
{
	struct counters before;
	struct world w = { 0 };

	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1_IOMMU, VFIO_TYPE1_IOMMU);
	w.memory = mem_alloc(SLOTS * 64 * PAGE_4K, LEAF_4K);
	counters_read(&before);
	test_before(&w);
	backend_open(&w.rig, 0);
	w.avail = vfio_dma_avail(w.rig.container);
	run(test_info, &w, "what it says of itself");
	run(test_unmap, &w, "UNMAP");
	run(test_many, &w, "UNMAP of many");
	run(test_refused, &w, "what is refused");
	run(test_vaddr, &w, "UPDATE_VADDR");
	map_all(&w);
	rig_close(&w.rig);
	counters_back(&before, "closed with mappings");
	return tap_done();
}
