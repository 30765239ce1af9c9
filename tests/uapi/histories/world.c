// SPDX-License-Identifier: GPL-2.0-only
/* Memory, what is known of each page of it, and the mirror. */
#include "bitmap.h"
#include "history.h"
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IOVA_BASE	0x10000000ULL
#define IOVA_HIGH	0x100000000ULL	/* at least; see high_base() */
#define HIGH_ALIGN	0x10000000ULL
#define FIRST_HIGH	7
#define HUGE_UNIT	512		/* pages */

/* Bits of the largest range: all from IOVA 0 to the last window. */
#define BITMAP_BYTES	(512u << 10)

static const struct {
	uint32_t n;
	bool huge;
} kinds[NR_SLOTS] = {
	{ 64, false }, { 64, false }, { 64, false }, { 64, false },
	{ 512, true }, { 512, true }, { 1024, true },
	{ 64, false }, { 512, true },
};

struct counts counts;

static void alloc_slots(struct world *w, bool huge, bool real)
{
	int i;

	for (i = 0; i < NR_SLOTS; i++) {
		struct slot *s = &w->slots[i];
		size_t bytes = kinds[i].n * PAGE_4K;

		if (kinds[i].huge != huge)
			continue;
		if (!real)
			s->mem = mem_alloc(bytes, LEAF_4K);
		else if (huge)
			s->mem = mem_alloc(bytes, LEAF_2M);
		else
			s->mem = mem_alloc_scattered(bytes);
	}
}

void world_alloc(struct world *w, bool real)
{
	uint32_t page = 0;
	int i;

	for (i = 0; i < NR_SLOTS; i++) {
		w->slots[i].first = page;
		w->slots[i].n = kinds[i].n;
		page += kinds[i].n;
		pthread_rwlock_init(&w->slots[i].lock, NULL);
	}
	/* what makes room for huge pages moves small ones together */
	alloc_slots(w, true, real);
	alloc_slots(w, false, real);
	w->nr_pages = page;
	w->mirror = calloc(page, PAGE_4K);
	if (!w->mirror || page != MAX_PAGES)
		tap_bail("no memory");
	pthread_mutex_init(&w->moving, NULL);
	pthread_mutex_init(&w->copying, NULL);
	pthread_mutex_init(&w->failing, NULL);
	for (i = 0; i < MAX_DEVS; i++) {
		pthread_rwlock_init(&w->devs[i].lock, NULL);
		pthread_mutex_init(&w->devs[i].at_work, NULL);
	}
}

void actor_init(struct actor *a, struct world *w)
{
	a->w = w;
	a->writes = calloc(MAX_BURST, sizeof(*a->writes));
	a->bitmap = calloc(1, BITMAP_BYTES);
	a->why = calloc(1, BITMAP_BYTES);
	a->bits = calloc(1, MAX_PAGES / 8);
	if (!a->writes || !a->bitmap || !a->why || !a->bits)
		tap_bail("no memory");
}

/* Past the end of what the poorest IOMMU reaches, where there is one such. */
static uint64_t high_base(void)
{
	uint64_t base = IOVA_HIGH;
	int i;

	for (i = 0; i < stage->nr_devs; i++) {
		const struct stage_dev *d = &stage->devs[i];

		if (d->dma && d->last < 2 * IOVA_HIGH && d->last >= base)
			base = (d->last + HIGH_ALIGN) & ~(HIGH_ALIGN - 1);
	}
	return base;
}

/*
 * Huge pages lie against the boundaries of large leaves as the layout says: the
 * largest leaf that can be made of them goes with it.
 */
static void place_slots(struct world *w, uint64_t layout)
{
	static const uint32_t phases[] = { 0, 0, 0, 256, 16, 1 };
	uint64_t high = high_base();
	struct rng rng;
	int i;

	rng_init(&rng, layout);
	for (i = 0; i < NR_SLOTS; i++) {
		struct slot *s = &w->slots[i];
		uint32_t phase = phases[rng_below(&rng, 6)];

		s->window = i < FIRST_HIGH ?
			IOVA_BASE + (uint64_t)i * SLOT_STRIDE :
			high + (uint64_t)(i - FIRST_HIGH) * SLOT_STRIDE;
		s->iova = s->window + phase * PAGE_4K;
		s->unit = 1;
		if (kinds[i].huge)
			s->unit = phase ? phase : HUGE_UNIT;
		s->nr_maps = 0;
	}
}

void world_begin(struct world *w, const struct history *h)
{
	int i;

	w->h = h;
	place_slots(w, h->layout);
	memset(w->pages, 0, sizeof(w->pages));
	for (i = 0; i < MAX_DEVS; i++) {
		w->devs[i].in = false;
		w->devs[i].promoted = false;
		memset(w->devs[i].pins, 0, sizeof(w->devs[i].pins));
	}
	w->nr_in = 0;
	w->open = false;
	w->logging = false;
	w->exact = true;
	w->trapping = false;
	w->policy = VFIO_HWDBM_POLICY_PINNED;
	w->armed_dev = -1;
	w->step = 0;
	w->why[0] = 0;
	atomic_store(&w->failed, false);
}

const char *policy_name(unsigned int policy)
{
	static const char *const names[] = { "pinned", "hwdbm", "full" };

	return policy < 3 ? names[policy] : "unknown";
}

/* Only the first: what comes after it may come of it. */
void world_fail(struct actor *a, const char *fmt, ...)
{
	struct world *w = a->w;
	char text[64 + 256];
	va_list ap;
	int n;

	pthread_mutex_lock(&w->failing);
	if (!atomic_load(&w->failed)) {
		step_print(a->step, text, sizeof(text));
		n = snprintf(w->why, sizeof(w->why), "step %zu (%s): ", a->nr,
			     text);
		va_start(ap, fmt);
		vsnprintf(w->why + n, sizeof(w->why) - (size_t)n, fmt, ap);
		va_end(ap);
		w->step = a->nr;
	}
	atomic_store(&w->failed, true);
	pthread_mutex_unlock(&w->failing);
}

int page_slot(const struct world *w, uint32_t page)
{
	int i = NR_SLOTS - 1;

	while (page < w->slots[i].first)
		i--;
	return i;
}

uint64_t page_iova(const struct world *w, uint32_t page)
{
	const struct slot *s = &w->slots[page_slot(w, page)];

	return s->iova + (page - s->first) * PAGE_4K;
}

char *page_mem(const struct world *w, uint32_t page)
{
	const struct slot *s = &w->slots[page_slot(w, page)];

	return s->mem + (page - s->first) * PAGE_4K;
}

const struct map *slot_map(const struct slot *s, uint32_t page)
{
	int i;

	for (i = 0; i < s->nr_maps; i++)
		if (page - s->maps[i].first < s->maps[i].n)
			return &s->maps[i];
	return NULL;
}

bool page_pinned(const struct world *w, uint32_t page)
{
	int i;

	for (i = 0; i < stage->nr_devs; i++)
		if (w->devs[i].pins[page])
			return true;
	return false;
}

/*
 * Two that copy one page: the later copy must be the newer, so one at a time.
 * What has not been written since it was copied need not be copied again;
 * @finished is read before the copy, @started counts before a write begins.
 */
void page_copy(struct world *w, uint32_t page)
{
	struct page *p = &w->pages[page];
	uint32_t finished;

	pthread_mutex_lock(&w->copying);
	finished = atomic_load(&p->finished);
	if (w->trapping || atomic_load(&p->started) != p->copied) {
		memcpy(w->mirror + page * PAGE_4K, page_mem(w, page), PAGE_4K);
		p->copied = finished;
		atomic_fetch_add(&counts.copied, 1);
	}
	pthread_mutex_unlock(&w->copying);
}

void pages_may(struct world *w, uint32_t first, uint32_t n, uint8_t why)
{
	for (; n; n--, first++)
		w->pages[first].may |= why;
}

/* DMA makes the whole leaf dirty. */
static void mark_leaf(struct actor *a, uint32_t page)
{
	const struct slot *s = &a->w->slots[page_slot(a->w, page)];
	uint32_t first = page - (page - s->first) % s->unit;

	if (first == a->marked)
		return;
	pages_may(a->w, first, s->unit, MAY_HW);
	a->marked = first;
}

void page_write_begin(struct actor *a, uint32_t page, int dev, bool dma)
{
	struct page *p = &a->w->pages[page];

	atomic_fetch_add(&p->started, 1);
	if (dma)
		mark_leaf(a, page);
	else
		pages_may(a->w, page, 1, MAY_SW);
	p->by = (uint8_t)dev;
	p->how = a->step->kind;
	p->policy = (uint8_t)a->w->policy;
	p->step = (uint32_t)a->nr;
}

void page_write_end(struct actor *a, uint32_t page)
{
	atomic_fetch_add(&a->w->pages[page].finished, 1);
	atomic_fetch_add(&counts.writes, 1);
}

void mirror_all(struct world *w)
{
	uint32_t page;

	for (page = 0; page < w->nr_pages; page++) {
		struct page *p = &w->pages[page];

		memcpy(w->mirror + page * PAGE_4K, page_mem(w, page), PAGE_4K);
		p->copied = atomic_load(&p->finished);
		p->may = 0;
	}
}

void mirror_compare(struct actor *a)
{
	struct world *w = a->w;
	uint32_t page;

	for (page = 0; page < w->nr_pages; page++) {
		const struct page *p = &w->pages[page];

		if (!memcmp(w->mirror + page * PAGE_4K, page_mem(w, page),
			    PAGE_4K))
			continue;
		world_fail(a, "lost: page %u at %#lx differs from its mirror; written last by device %u in step %u, policy %s; policy now %s",
			   page, page_iova(w, page), p->by, p->step,
			   policy_name(p->policy), policy_name(w->policy));
		return;
	}
}

/* Did the order that bites once or twice bite? */
static bool still_armed(struct world *w)
{
	struct sim_watch watch;

	if (w->armed_dev < 0)
		return false;
	if (w->devs[w->armed_dev].in && !stage->watch(w->armed_dev, &watch) &&
	    watch.failed[w->armed_op] >= w->armed_until)
		w->armed_dev = -1;
	return true;
}

/*
 * Leaving the full policy makes all dirty. So may an error on the way, and then
 * the policy may have come and gone unseen.
 */
void policy_look(struct world *w)
{
	unsigned int now = stage->policy();
	bool left_full = w->policy == VFIO_HWDBM_POLICY_FULL && now != w->policy;

	if (still_armed(w) || (w->logging && left_full))
		pages_may(w, 0, w->nr_pages, MAY_SW);
	w->policy = now;
}
