// SPDX-License-Identifier: GPL-2.0-only
/* MAP and UNMAP steps: what of the slots, and who has to stay out meanwhile. */
#include "history.h"

#include <errno.h>
#include <string.h>

static bool overlaps(const struct slot *s, uint32_t first, uint32_t n)
{
	int i;

	for (i = 0; i < s->nr_maps; i++)
		if (first < s->maps[i].first + s->maps[i].n &&
		    s->maps[i].first < first + n)
			return true;
	return false;
}

static void map_locked(struct actor *a, struct slot *s)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	uint32_t page = (uint32_t)(arg[1] % s->n), i;
	struct map map = {
		.first = s->first + page,
		.n = arg[2] ? 1 + (uint32_t)((arg[2] - 1) % (s->n - page)) :
			      s->n - page,
		.ro = arg[3] % 2,
	};
	uint64_t iova = page_iova(w, map.first), size = map.n * PAGE_4K;
	bool fits;
	int ret;

	if (s->nr_maps == MAX_PER_SLOT || overlaps(s, map.first, map.n))
		return;
	fits = stage->fits(iova, size);
	ret = stage->map(page_mem(w, map.first), iova, size,
			 map.ro ? VFIO_DMA_MAP_FLAG_READ : MAP_RW);
	if (!ret) {
		for (i = 0; i < map.n; i++)
			w->pages[map.first + i].may = 0;
		s->maps[s->nr_maps++] = map;
		atomic_fetch_add(&counts.maps, 1);
	} else if (w->armed_dev >= 0) {
		atomic_fetch_add(&counts.errors, 1);
	} else if (ret != -EINVAL || (w->exact && fits)) {
		world_fail(a, "MAP: %s", strerror(-ret));
	}
	if (!ret && !fits && w->exact)
		world_fail(a, "MAP outside of the valid ranges");
}

static void lock_slots(struct world *w, int lo, int hi)
{
	int i;

	for (i = lo; i <= hi; i++)
		pthread_rwlock_wrlock(&w->slots[i].lock);
}

static void unlock_slots(struct world *w, int lo, int hi)
{
	int i;

	for (i = hi; i >= lo; i--)
		pthread_rwlock_unlock(&w->slots[i].lock);
}

static void unmap_one(struct actor *a, int slot)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	const struct slot *s = &w->slots[slot];
	const struct map *map;

	if (!s->nr_maps)
		return;
	map = &s->maps[arg[1] % (uint64_t)s->nr_maps];
	log_unmap(a, slot, slot, page_iova(w, map->first), map->n * PAGE_4K, 0,
		  arg[2] % 2 ? arg[3] + 1 : 0);
}

static void unmap_run(struct actor *a, int lo, int hi)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	uint64_t iova = w->slots[lo].window;

	log_unmap(a, lo, hi, iova, w->slots[hi].window + SLOT_STRIDE - iova, 0,
		  arg[2] % 2 ? arg[3] + 1 : 0);
}

void map_step(struct actor *a)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	int lo = (int)(arg[0] % NR_SLOTS), hi = lo;

	if (a->step->kind == STEP_UNMAP_RUN) {
		hi = (int)(arg[1] % NR_SLOTS);
		if (hi < lo) {
			lo = hi;
			hi = (int)(arg[0] % NR_SLOTS);
		}
	} else if (a->step->kind == STEP_UNMAP_ALL) {
		lo = 0;
		hi = NR_SLOTS - 1;
	}
	lock_slots(w, lo, hi);
	if (a->step->kind == STEP_MAP)
		map_locked(a, &w->slots[lo]);
	else if (a->step->kind == STEP_UNMAP)
		unmap_one(a, lo);
	else if (a->step->kind == STEP_UNMAP_RUN)
		unmap_run(a, lo, hi);
	else
		log_unmap(a, lo, hi, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			  arg[0] % 2 ? arg[1] + 1 : 0);
	unlock_slots(w, lo, hi);
	if (w->exact)
		policy_look(w);
}
