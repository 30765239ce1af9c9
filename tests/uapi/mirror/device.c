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

enum kind { READ, READ_AND_WRITE, WRITE, NR_KINDS };

struct habits {
	struct rng rng;
	uint64_t hot[NR_HOT];
	uint64_t window;
	uint64_t ops;
	uint64_t source_at;	/* where the fresh data came from */
	int racing;		/* the slot, or -1 */
	uint64_t one_write_in;	/* so many operations of a race */
};

void device_init(struct world *w)
{
	uint64_t units = w->nr_pages / w->unit_pages;
	struct rng rng;

	w->started = calloc(units, sizeof(*w->started));
	w->finished = calloc(units, sizeof(*w->finished));
	w->source = mem_alloc(PAGE_2M, LEAF_4K);
	atomic_store(&w->racing, -1);
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

	if (h->racing >= 0 && !rng_one_in(&h->rng, 4))
		return (uint64_t)h->racing * w->slot_pages +
		       rng_below(&h->rng, w->slot_pages);
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

/* Or until the device is done. */
static void await_operation(struct world *w)
{
	/* the one under way now may be over before it matters */
	uint64_t enough = atomic_load(&w->at_it) + 2;

	while (!atomic_load(&w->done) && atomic_load(&w->at_it) < enough)
		sched_yield();
}

void device_race_slot(struct world *w, int slot)
{
	atomic_store(&w->race_budget, 512 + w->nr_writes / 64);
	atomic_store(&w->racing, slot);
	await_operation(w);
}

void device_end_race(struct world *w, int slot)
{
	atomic_fetch_add(&w->race_budget, 64);
	await_operation(w);
	device_close_slot(w, slot);
	atomic_store(&w->racing, -1);
}

static void count(struct world *w, _Atomic uint32_t *counter, uint64_t page,
		  uint64_t last)
{
	uint64_t unit;

	for (unit = page / w->unit_pages; unit <= last / w->unit_pages; unit++)
		atomic_store(&counter[unit], atomic_load(&counter[unit]) + 1);
}

/* False: memory does not hold what was written. */
static bool write_some(struct world *w, struct habits *h, uint64_t at,
		       uint32_t n, uint8_t *twin)
{
	uint32_t from = (uint32_t)rng_below(&h->rng, FRESH - n + 1);
	uint64_t page = at / PAGE_4K, last = (at + n - 1) / PAGE_4K;

	count(w, w->started, page, last);
	w->target->ops->store(w->target, IOVA_BASE + at, FRESH + from, n);
	count(w, w->finished, page, last);
	atomic_fetch_add(&w->writes, 1);
	if (twin) {
		page -= page % w->unit_pages;
		last += w->unit_pages - 1 - last % w->unit_pages;
		memset(twin + page, 1, last - page + 1);
	}
	return !memcmp(w->mem + at, w->source + h->source_at + from, n);
}

/*
 * Behind an operation in @slots: was it refused, and rightly? The slot that is
 * being unmapped stays so until the device is out of it: no other has an excuse.
 */
static bool excused(struct world *w, uint32_t slots)
{
	int racing = atomic_load(&w->racing);
	uint32_t failed = w->target->ops->failed(w->target);
	bool refused = failed != w->refused;

	w->refused = failed;
	if (racing >= 0 && slots >> racing & 1)
		atomic_fetch_add(&w->at_it, 1);
	else if (refused)
		w->not_landed++;
	return refused;
}

/*
 * In a race mostly reads: only a page that was clean when the UNMAP came can be
 * lost, so the writes are spread over all of its time.
 */
static enum kind pick_kind(struct habits *h)
{
	if (h->racing >= 0 && !rng_one_in(&h->rng, h->one_write_in))
		return READ;
	return (enum kind)rng_below(&h->rng, NR_KINDS);
}

static void operate(struct world *w, struct habits *h, uint8_t *twin)
{
	uint32_t offset, n = 1 + (uint32_t)rng_below(&h->rng, MAX_BYTES);
	uint64_t page, at, bytes = w->nr_pages * PAGE_4K;
	bool landed = true;
	uint32_t slots;
	enum kind kind;

	drift(w, h);
	page = pick_page(w, h);
	offset = (uint32_t)rng_below(&h->rng, PAGE_4K);
	if (rng_one_in(&h->rng, 8))	/* across the page's end */
		offset = PAGE_4K - 1 - (uint32_t)rng_below(&h->rng, n);
	at = page * PAGE_4K + offset;
	if (at + n > bytes)
		n = (uint32_t)(bytes - at);

	slots = 1u << slot_of(w, page) |
		1u << slot_of(w, (at + n - 1) / PAGE_4K);
	if (!enter(w, slots))
		return;
	kind = pick_kind(h);
	if (kind != WRITE) {
		w->target->ops->fetch(w->target, IOVA_BASE + at, 0, n);
		w->reads++;
	}
	if (kind != READ)
		landed = write_some(w, h, at, n, twin);
	if (w->race)
		landed |= excused(w, slots);
	w->not_landed += !landed;
	atomic_store(&w->occupied, 0);
}

static void habits_init(struct world *w, struct habits *h, uint64_t seed)
{
	int i;

	memset(h, 0, sizeof(*h));
	rng_init(&h->rng, seed);
	for (i = 0; i < NR_HOT; i++)
		h->hot[i] = rng_below(&h->rng, w->nr_pages);
	h->racing = -1;
}

static bool may_operate(struct world *w, struct habits *h)
{
	int racing = w->race ? atomic_load(&w->racing) : -1;

	if (racing >= 0 && h->racing < 0)
		h->one_write_in = 1ULL << rng_below(&h->rng, 10);
	h->racing = racing;
	if (racing < 0) /* Pace is counted in the migration's work, not in time. */
		return w->writes < atomic_load(&w->budget);
	if (!atomic_load(&w->race_budget))
		return false;
	atomic_fetch_sub(&w->race_budget, 1);
	return true;
}

void *device_thread(void *world)
{
	struct world *w = world;
	struct habits h;

	habits_init(w, &h, w->seed ^ w->until);
	while (w->writes < w->until) {
		if (may_operate(w, &h))
			operate(w, &h, NULL);
		else
			sched_yield();
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
