// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings come and go. Each slot is a mapping of its own here. The device
 * stays out of a slot while it is unmapped: with the gather reader, DMA that
 * races with the unmap is undefined. Not so with --race-unmap: the device writes
 * on until the IOMMU refuses, and what has landed must have been reported.
 */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <sched.h>
#include <string.h>

/* The answer of UNMAP is a report like any other, of quiet pages. */
static void unmap_reporting(struct asker *a, uint64_t first, uint64_t nr)
{
	struct world *w = a->w;
	unsigned char *map = a->clear + rng_below(&a->rng, 8);
	int ret;

	a->fill = 0xff;
	memset(map, a->fill, bit_bytes(nr));
	ledger_before(a, first, nr);
	ret = w->target->ops->unmap_dirty(w->target, page_iova(first),
					  nr * PAGE_4K, PAGE_4K, map,
					  bit_bytes(nr));
	ledger_after(a, first, nr);
	if (ret)
		tap_bail("UNMAP with bitmap: %s", strerror(-ret));
	ledger_reported(a, first, nr, 1, map, true);
	copy_pages(a, first, nr, 1, map);
}

/* Whatever lands after that copy is lost, and is a loss of the UNMAP's too. */
static void unmap_racing(struct asker *a, int slot)
{
	struct world *w = a->w;
	uint64_t first = (uint64_t)slot * w->slot_pages;

	device_race_slot(w, slot);
	unmap_reporting(a, first, w->slot_pages);
	device_end_race(w, slot);
	w->mapped[slot] = false;
	compare_mirror(w, first, w->slot_pages);
	w->races++;
}

static void unmap_slot(struct asker *a, int slot)
{
	struct world *w = a->w;
	uint64_t first = (uint64_t)slot * w->slot_pages;
	int ret;

	if (w->race) {
		unmap_racing(a, slot);
		return;
	}
	device_close_slot(w, slot);
	if (rng_one_in(&a->rng, 2)) {
		unmap_reporting(a, first, w->slot_pages);
	} else {
		asker_get(a, first, w->slot_pages);
		ret = w->target->ops->unmap(w->target, page_iova(first),
					    w->slot_pages * PAGE_4K);
		if (ret)
			tap_bail("UNMAP: %s", strerror(-ret));
	}
	w->mapped[slot] = false;
}

static void map_slot(struct asker *a, int slot)
{
	struct world *w = a->w;
	uint64_t first = (uint64_t)slot * w->slot_pages;
	int ret;

	ret = w->target->ops->map(w->target, w->mem + first * PAGE_4K,
				  page_iova(first), w->slot_pages * PAGE_4K);
	if (ret)
		tap_bail("MAP: %s", strerror(-ret));
	w->mapped[slot] = true;
	/* the device is still out: nothing is in flight, nothing is dirty */
	ledger_fresh(w, first, w->slot_pages);
	device_open_slot(w, slot);
}

void churn_some(struct asker *a)
{
	int slot, times = (int)rng_below(&a->rng, 4);

	while (times--) {
		slot = (int)rng_below(&a->rng, NR_SLOTS);
		if (a->w->mapped[slot])
			unmap_slot(a, slot);
		else
			map_slot(a, slot);
	}
}

void *churn_thread(void *asker)
{
	struct asker *a = asker;

	while (!atomic_load(&a->w->done)) {
		churn_some(a);
		sched_yield();
	}
	return NULL;
}
