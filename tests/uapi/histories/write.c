// SPDX-License-Identifier: GPL-2.0-only
/* Writes: DMA in bursts, and vfio_dma_rw(). Each value is written once. */
#include "history.h"

#include <errno.h>
#include <string.h>

#define MAX_RW	8192

/* What a burst writes is told from what memory then holds. */
struct burst {
	int dev;
	uint32_t n, read_only;
	uint32_t pages[MAX_BURST];
};

static bool may_write(const struct world *w, int dev, uint32_t page)
{
	return !w->devs[dev].promoted || w->devs[dev].pins[page];
}

/* Where in its page the i-th write goes: those of a page do not meet soon. */
static uint32_t place(uint32_t i)
{
	return i % (PAGE_4K / 8) * 8;
}

static void fill(struct actor *a, struct burst *b, const struct slot *s,
		 uint32_t n, uint32_t spread, struct rng *rng)
{
	struct world *w = a->w;
	uint32_t start = (uint32_t)rng_below(rng, s->n);

	while (n--) {
		uint32_t page = s->first +
				(start + (uint32_t)rng_below(rng, spread)) % s->n;
		const struct map *map = slot_map(s, page);

		if (!map || !may_write(w, b->dev, page))
			continue;
		b->read_only += map->ro;
		a->writes[b->n].iova = page_iova(w, page) + place(b->n);
		a->writes[b->n].value = atomic_fetch_add(&w->value, 1);
		b->pages[b->n++] = map->ro ? ~page : page;
	}
}

/* The last ones, which no later one of this burst has hit. */
static void look_landed(struct actor *a, const struct burst *b)
{
	uint32_t i = b->n > PAGE_4K / 8 ? b->n - PAGE_4K / 8 : 0;

	for (; i < b->n; i++) {
		uint64_t value;

		if (b->pages[i] >= MAX_PAGES)
			continue;
		memcpy(&value, page_mem(a->w, b->pages[i]) + place(i), 8);
		if (value == a->writes[i].value)
			continue;
		world_fail(a, "write %u of %u, to %#llx, is not in memory", i,
			   b->n, a->writes[i].iova);
		return;
	}
}

static void send(struct actor *a, struct burst *b)
{
	uint32_t i, refused = 0;
	int ret;

	a->marked = NO_LEAF;
	for (i = 0; i < b->n; i++)
		if (b->pages[i] < MAX_PAGES)
			page_write_begin(a, b->pages[i], b->dev, true);
	ret = stage->burst(b->dev, a->writes, b->n, &refused);
	for (i = 0; i < b->n; i++)
		if (b->pages[i] < MAX_PAGES)
			page_write_end(a, b->pages[i]);
	atomic_fetch_add(&counts.refused, refused);
	if (ret)
		world_fail(a, "DMA: %s", strerror(-ret));
	else if (refused != b->read_only)
		world_fail(a, "%u writes of %u were refused, not %u", refused,
			   b->n, b->read_only);
	else if (a->w->exact)
		look_landed(a, b);
}

void write_burst(struct actor *a, int dev, int slot, uint32_t n, uint32_t spread,
		 uint64_t seed)
{
	struct world *w = a->w;
	struct slot *s = &w->slots[slot];
	struct burst b = { .dev = dev };
	struct rng rng;

	if (!w->devs[dev].in || !stage->devs[dev].dma)
		return;
	if (n > MAX_BURST)
		n = MAX_BURST;
	rng_init(&rng, seed);
	/* not while it begins to pin: from then on it writes what it pins */
	pthread_mutex_lock(&w->devs[dev].at_work);
	pthread_rwlock_rdlock(&s->lock);
	fill(a, &b, s, n, spread ? spread : 1, &rng);
	if (b.n)
		send(a, &b);
	pthread_rwlock_unlock(&s->lock);
	pthread_mutex_unlock(&w->devs[dev].at_work);
}

static void rw_pages(struct actor *a, int dev, const struct map *map,
		     uint32_t at, uint32_t bytes)
{
	uint64_t data[MAX_RW / 8], value = atomic_fetch_add(&a->w->value, MAX_RW);
	uint32_t page, first = map->first + at / PAGE_4K;
	uint32_t last = map->first + (at + bytes - 1) / PAGE_4K;
	uint32_t i;
	int ret;

	for (i = 0; i < MAX_RW / 8; i++)
		data[i] = value + i;
	for (page = first; page <= last; page++)
		if (!map->ro)
			page_write_begin(a, page, dev, false);
	ret = stage->rw(dev, page_iova(a->w, map->first) + at, data, bytes,
			SIM_COPY_WRITE | (bytes % 4 ? 0 : SIM_COPY_KTHREAD));
	for (page = first; page <= last; page++)
		if (!map->ro)
			page_write_end(a, page);
	if (ret != (map->ro ? -EPERM : 0))
		world_fail(a, "dma_rw: %s", ret ? strerror(-ret) : "no error");
}

static void rw(struct actor *a, int dev)
{
	struct world *w = a->w;
	struct slot *s = &w->slots[a->step->arg[1] % NR_SLOTS];
	uint32_t at, bytes = 1 + (uint32_t)(a->step->arg[2] % MAX_RW);
	struct rng rng;
	struct map map;

	rng_init(&rng, a->step->arg[3]);
	pthread_rwlock_rdlock(&s->lock);
	if (w->devs[dev].in && s->nr_maps) {
		map = s->maps[rng_below(&rng, (uint64_t)s->nr_maps)];
		at = (uint32_t)rng_below(&rng, map.n * PAGE_4K);
		if (bytes > map.n * PAGE_4K - at)
			bytes = (uint32_t)(map.n * PAGE_4K) - at;
		rw_pages(a, dev, &map, at, bytes);
	}
	pthread_rwlock_unlock(&s->lock);
}

void write_step(struct actor *a)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	int dev = (int)(arg[ARG_DEV] % (uint64_t)stage->nr_devs);

	pthread_rwlock_rdlock(&w->devs[dev].lock);
	if (a->step->kind == STEP_RW)
		rw(a, dev);
	else
		write_burst(a, dev, (int)(arg[1] % NR_SLOTS), (uint32_t)arg[2],
			    (uint32_t)arg[3], arg[4]);
	pthread_rwlock_unlock(&w->devs[dev].lock);
}
