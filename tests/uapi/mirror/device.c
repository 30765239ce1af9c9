// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: random DMA, a third of it reads only, a third reads the place
 * before it writes it (so that the IOMMU caches the translation clean first),
 * a third writes only. Half goes to a few hot pages, which are therefore
 * written again right after each clearing, through a translation that is
 * still cached if nobody invalidated it.
 *
 * Each write is counted per unit (page, or leaf) before it starts and after
 * it has finished. One thread counts, so plain increments do, published with
 * sequential consistency: who sees `finished` at n knows that n writes are in
 * memory, and who sees `started` at n knows that none later had begun.
 */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define NR_HOT		12
#define MAX_BYTES	64
#define FRESH		2048	/* upper half of the device's buffer: data to
				 * write; the lower half takes what it reads */

struct habits {
	struct rng rng;
	uint64_t hot[NR_HOT];
	uint64_t window;
	uint64_t ops;
	uint64_t source_at;	/* where the fresh data came from */
};

void device_init(struct world *w)
{
	uint64_t units = w->nr_pages / w->unit_pages;
	struct rng rng;

	w->started = calloc(units, sizeof(*w->started));
	w->finished = calloc(units, sizeof(*w->finished));
	w->source = mem_alloc(PAGE_2M, LEAF_4K);
	if (!w->started || !w->finished)
		tap_bail("no memory");
	rng_init(&rng, w->seed ^ 0x5eed);
	rng_fill(&rng, w->source, SOURCE_BYTES);
	if (w->target->ops->map(w->target, w->source, SOURCE_IOVA, SOURCE_BYTES))
		tap_bail("cannot map the source of the device's data");
}

static uint64_t window_pages(const struct world *w)
{
	return w->leaf == LEAF_2M ? w->unit_pages : w->nr_pages / 64;
}

/* Every now and then other pages get hot, and work moves elsewhere. */
static void drift(struct world *w, struct habits *h)
{
	struct target *t = w->target;

	if (h->ops % 64 == 0) {
		h->source_at = rng_below(&h->rng, SOURCE_BYTES - FRESH + 1);
		t->ops->fetch(t, SOURCE_IOVA + h->source_at, FRESH, FRESH);
	}
	if (h->ops % 1024 == 0)
		h->hot[rng_below(&h->rng, NR_HOT)] =
			rng_below(&h->rng, w->nr_pages);
	if (h->ops % 512 == 0)
		h->window = rng_below(&h->rng, w->nr_pages - window_pages(w) + 1);
	h->ops++;
}

static uint64_t pick_page(const struct world *w, struct habits *h)
{
	/* few leaves of 2 MiB, or all of them are dirty all the time */
	uint64_t far = w->leaf == LEAF_2M ? 512 : 8;

	if (rng_one_in(&h->rng, far))
		return rng_below(&h->rng, w->nr_pages);
	if (rng_one_in(&h->rng, 2))
		return h->hot[rng_below(&h->rng, w->leaf == LEAF_2M ?
					NR_HOT / 4 : NR_HOT)];
	return h->window + rng_below(&h->rng, window_pages(w));
}

/*
 * The reader of the log may close a slot to unmap it. Store `occupied`, then
 * look at `closed`; the other side stores `closed`, then looks at `occupied`:
 * sequential consistency leaves at least one of them seeing the other.
 */
static bool enter(struct world *w, uint32_t slots)
{
	int slot;

	atomic_store(&w->occupied, slots);
	for (slot = 0; slot < NR_SLOTS; slot++)
		if (slots >> slot & 1 && atomic_load(&w->closed[slot]))
			goto out;
	return true;
out:
	atomic_store(&w->occupied, 0);
	return false;
}

void device_close_slot(struct world *w, int slot)
{
	atomic_store(&w->closed[slot], true);
	while (atomic_load(&w->occupied) >> slot & 1)
		sched_yield();
}

void device_open_slot(struct world *w, int slot)
{
	atomic_store(&w->closed[slot], false);
}

static void count(struct world *w, _Atomic uint32_t *counter, uint64_t page,
		  uint64_t last)
{
	uint64_t unit;

	for (unit = page / w->unit_pages; unit <= last / w->unit_pages; unit++)
		atomic_store(&counter[unit], atomic_load(&counter[unit]) + 1);
}

static void write_some(struct world *w, struct habits *h, uint64_t at,
		       uint32_t n, uint8_t *twin)
{
	uint32_t from = (uint32_t)rng_below(&h->rng, FRESH - n + 1);
	uint64_t page = at / PAGE_4K, last = (at + n - 1) / PAGE_4K;

	count(w, w->started, page, last);
	w->target->ops->store(w->target, IOVA_BASE + at, FRESH + from, n);
	count(w, w->finished, page, last);
	atomic_fetch_add(&w->writes, 1);
	if (memcmp(w->mem + at, w->source + h->source_at + from, n))
		w->not_landed++;
	if (!twin)
		return;
	page -= page % w->unit_pages;
	last += w->unit_pages - 1 - last % w->unit_pages;
	memset(twin + page, 1, last - page + 1);
}

static void operate(struct world *w, struct habits *h, uint8_t *twin)
{
	uint32_t offset, n = 1 + (uint32_t)rng_below(&h->rng, MAX_BYTES);
	uint64_t page, at, bytes = w->nr_pages * PAGE_4K;
	unsigned int kind;

	drift(w, h);
	page = pick_page(w, h);
	offset = (uint32_t)rng_below(&h->rng, PAGE_4K);
	if (rng_one_in(&h->rng, 8))	/* across the page's end */
		offset = PAGE_4K - 1 - (uint32_t)rng_below(&h->rng, n);
	at = page * PAGE_4K + offset;
	if (at + n > bytes)
		n = (uint32_t)(bytes - at);

	if (!enter(w, 1u << slot_of(w, page) |
		      1u << slot_of(w, (at + n - 1) / PAGE_4K)))
		return;
	kind = (unsigned int)rng_below(&h->rng, 3);
	if (kind != 2) {
		w->target->ops->fetch(w->target, IOVA_BASE + at, 0, n);
		w->reads++;
	}
	if (kind != 0)
		write_some(w, h, at, n, twin);
	atomic_store(&w->occupied, 0);
}

static void habits_init(struct world *w, struct habits *h, uint64_t seed)
{
	int i;

	memset(h, 0, sizeof(*h));
	rng_init(&h->rng, seed);
	for (i = 0; i < NR_HOT; i++)
		h->hot[i] = rng_below(&h->rng, w->nr_pages);
}

void *device_thread(void *world)
{
	struct world *w = world;
	struct habits h;

	habits_init(w, &h, w->seed ^ w->until);
	while (w->writes < w->until) {
		/* Pace is counted in the migration's work, not in time. */
		if (w->writes >= atomic_load(&w->budget))
			sched_yield();
		else
			operate(w, &h, NULL);
	}
	atomic_store(&w->done, true);
	return NULL;
}

void device_settle(struct world *w)
{
	while (!atomic_load(&w->done) &&
	       atomic_load(&w->writes) < atomic_load(&w->budget))
		sched_yield();
}

void device_burst(struct world *w, struct rng *rng, uint64_t ops, uint8_t *twin)
{
	struct habits h;

	habits_init(w, &h, rng_next(rng));
	while (ops--)
		operate(w, &h, twin);
}
