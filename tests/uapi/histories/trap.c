// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write in the middle of a call about the log: right before the IOMMU reads a
 * leaf, or right before an invalidation takes effect, where no thread could hit.
 * What the call cleans is copied when it has returned, and the write with it;
 * or it is reported by a later one.
 */
#include "history.h"

#include <string.h>

struct trap {
	int dev;
	uint32_t page, at;
	uint64_t value;
};

static bool set(struct actor *a, struct trap *t)
{
	const struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	const struct slot *s = &w->slots[arg[1] % NR_SLOTS];
	/* a call has many reads and few invalidations */
	uint32_t on = arg[3] % 2 ? SIM_TRAP_SYNC : SIM_OP_READ;
	uint32_t nth = 1 + (uint32_t)(arg[4] % (arg[3] % 2 ? 2 : 256));
	const struct map *map;

	if (!s->nr_maps)
		return false;
	map = &s->maps[arg[2] % (uint64_t)s->nr_maps];
	t->dev = (int)(arg[0] % (uint64_t)stage->nr_devs);
	t->page = map->first + (uint32_t)(arg[2] % map->n);
	t->at = 8 * (uint32_t)(arg[6] % 512);
	t->value = atomic_fetch_add(&a->w->value, 1);
	if (!w->exact || !w->devs[t->dev].in || !stage->devs[t->dev].dma ||
	    map->ro ||
	    (w->devs[t->dev].promoted && !w->devs[t->dev].pins[t->page]))
		return false;
	return !stage->trap(t->dev, stage->devs[t->dev].iommu, on, nth,
			    page_iova(w, t->page) + t->at, t->value);
}

/*
 * Did it come, and before or after its page was copied? What the mirror has
 * need not be reported again, but may be.
 */
static void settle(struct actor *a, const struct trap *t)
{
	struct world *w = a->w;
	struct page *p = &w->pages[t->page];
	const char *mirror = w->mirror + t->page * PAGE_4K + t->at;

	stage->trap(t->dev, stage->devs[t->dev].iommu, SIM_OP_READ, 0, 0, 0);
	if (memcmp(page_mem(w, t->page) + t->at, &t->value, 8))
		return;
	a->marked = NO_LEAF;
	page_write_begin(a, t->page, t->dev, true);
	page_write_end(a, t->page);
	if (!memcmp(mirror, &t->value, 8))
		p->copied = atomic_load(&p->finished);
	atomic_fetch_add(&counts.traps, 1);
}

void trap_step(struct actor *a)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	int slot = (int)(arg[1] % NR_SLOTS);
	struct trap t;

	if (!w->logging || !set(a, &t))
		return;
	/* all else in memory is as if the write were not: only it is judged late */
	pages_may(w, 0, w->nr_pages, MAY_HW);
	w->trapping = true;
	switch (arg[5] % 4) {
	case 0:
		log_clear(a, slot, slot, 2, arg[6]);
		break;
	case 1:
		log_migrate(a, slot, slot, arg[6]);
		break;
	default:
		log_get(a, DIRTY_GET, slot, slot, 0);
		break;
	}
	w->trapping = false;
	settle(a, &t);
}
