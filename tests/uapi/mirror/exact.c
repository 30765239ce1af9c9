// SPDX-License-Identifier: GPL-2.0-only
/*
 * Without concurrency nothing is in doubt: after each burst of DMA the
 * reported set must be the written set (rounded up to the hardware's leaves),
 * bit for bit, whatever was asked before. The twin is one byte a page.
 */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define SHOW 8

struct exact {
	struct world *w;
	struct asker a;
	uint8_t *twin;
};

static bool twin_bit(const struct exact *x, uint64_t page, uint64_t per_bit)
{
	uint64_t i;

	for (i = 0; i < per_bit; i++)
		if (x->twin[page + i])
			return true;
	return false;
}

static void compare(struct exact *x, uint64_t first, uint64_t nr,
		    uint64_t per_bit, const unsigned char *map, const char *what)
{
	struct world *w = x->w;
	uint64_t bit;

	for (bit = 0; bit < nr / per_bit; bit++) {
		uint64_t page = first + bit * per_bit;
		bool got = bit_get(map, bit), want;

		if (!page_mapped(w, page)) {
			if (got != (x->a.fill >> (bit % 8) & 1))
				w->touched++;
			continue;
		}
		want = w->full || twin_bit(x, page, per_bit);
		if (got == want || (got && w->leaf == LEAF_ANY))
			continue;
		if ((want ? w->missed++ : w->invented++) < SHOW)
			tap_diag("%s: page %lu, %lu a bit: %s", what, page,
				 per_bit, want ? "missed" : "invented");
	}
}

static unsigned char *report(struct exact *x, uint32_t flag, uint64_t first,
			     uint64_t nr, uint64_t per_bit)
{
	struct world *w = x->w;
	unsigned char *map = x->a.bitmap + rng_below(&x->a.rng, 8);
	uint64_t bytes = bit_bytes(nr / per_bit);
	int ret;

	x->a.fill = (uint8_t)rng_next(&x->a.rng);
	memset(map, x->a.fill, bytes);
	ret = w->target->ops->range(w->target, flag, page_iova(first),
				    nr * PAGE_4K, per_bit * PAGE_4K, map, bytes);
	if (ret)
		tap_bail("flag %#x: %s", flag, strerror(-ret));
	compare(x, first, nr, per_bit, map,
		flag == DIRTY_GET ? "GET" : "NOCLEAR");
	return map;
}

/* CLEAR of random pages of any range; the twin cleans the same. */
static void clear_any(struct exact *x)
{
	struct world *w = x->w;
	struct rng *rng = &x->a.rng;
	uint64_t per_bit = 1ULL << (rng_one_in(rng, 2) ? rng_below(rng, 10) : 0);
	uint64_t bits = w->nr_pages / per_bit, bit, i;
	uint64_t first = rng_below(rng, bits);
	uint64_t nr = 1 + rng_below(rng, bits - first);
	unsigned char *map = x->a.clear + rng_below(rng, 8);
	int ret;

	memset(map, 0, bit_bytes(nr));
	for (bit = 0; bit < nr; bit++) {
		uint64_t page = (first + bit) * per_bit;

		if (!rng_one_in(rng, 2))
			continue;
		bit_put(map, bit, true);
		for (i = 0; i < per_bit; i++)
			x->twin[page + i] = 0;
	}
	ret = w->target->ops->range(w->target, DIRTY_CLEAR,
				    page_iova(first * per_bit),
				    nr * per_bit * PAGE_4K, per_bit * PAGE_4K,
				    map, bit_bytes(nr));
	if (ret)
		tap_bail("CLEAR: %s", strerror(-ret));
}

static void get(struct exact *x)
{
	struct world *w = x->w;
	struct rng *rng = &x->a.rng;
	uint64_t first = 0, nr = w->nr_pages, per_bit = 1;

	if (rng_one_in(rng, 3)) {
		struct mapping *m = &w->maps[rng_below(rng, (uint64_t)w->nr_maps)];

		first = m->first_page;
		nr = m->nr_pages;
	}
	if (rng_one_in(rng, 3))
		per_bit = 1ULL << rng_below(rng, 10);
	report(x, DIRTY_GET, first, nr, per_bit);
	memset(x->twin + first, 0, nr);
}

static void step(struct exact *x)
{
	struct world *w = x->w;
	uint64_t nr_pages = w->nr_pages;
	unsigned int what = (unsigned int)rng_below(&x->a.rng, 8);

	if (what < 3) {
		get(x);
	} else if (what < 6) {
		report(x, DIRTY_NOCLEAR, 0, nr_pages, 1);
		clear_any(x);
	} else if (what == 6) {
		report(x, DIRTY_NOCLEAR, 0, nr_pages,
		       1ULL << rng_below(&x->a.rng, 10));
	} else {
		/* what STOP forgets, START does not bring back */
		if (w->target->ops->flag(w->target, DIRTY_STOP) ||
		    w->target->ops->flag(w->target, DIRTY_START))
			tap_bail("STOP and START");
		memset(x->twin, 0, nr_pages);
	}
	atomic_fetch_add(&w->rounds, 1);
}

void exact_run(struct world *w)
{
	struct exact x = { .w = w };

	asker_init(&x.a, w, w->seed ^ 0xe8ac7);
	x.twin = calloc(1, w->nr_pages);
	if (!x.twin)
		tap_bail("no memory");
	device_burst(w, &x.a.rng, 500, NULL);
	if (w->target->ops->flag(w->target, DIRTY_START))
		tap_bail("START");
	while (w->writes < w->nr_writes) {
		uint64_t ops = rng_below(&x.a.rng, 600);

		device_burst(w, &x.a.rng, ops < 60 ? 0 : ops, x.twin);
		step(&x);
	}
	report(&x, DIRTY_GET, 0, w->nr_pages, 1);
	memset(x.twin, 0, w->nr_pages);
	report(&x, DIRTY_GET, 0, w->nr_pages, 1);
	/* it keeps no mirror: equal sets are the stronger statement */
	memcpy(w->mirror, w->mem, w->nr_pages * PAGE_4K);
}
