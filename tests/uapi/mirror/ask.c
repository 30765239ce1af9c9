// SPDX-License-Identifier: GPL-2.0-only
/* The asker: which pages are dirty? Clean them, and THEN copy them. */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* Calls that the writes are spread over, at least; what a round takes. */
#define MIN_CALLS	64
#define WHOLE_CALLS	2
#define PIECES_CALLS	4
#define CHURN_CALLS	2

void asker_init(struct asker *a, struct world *w, uint64_t seed)
{
	memset(a, 0, sizeof(*a));
	a->w = w;
	rng_init(&a->rng, seed);
	a->bitmap = malloc(bit_bytes(w->nr_pages) + 8);
	a->clear = malloc(bit_bytes(w->nr_pages) + 8);
	a->before = calloc(w->nr_pages, sizeof(uint32_t));
	a->after = calloc(w->nr_pages, sizeof(uint32_t));
	if (!a->bitmap || !a->clear || !a->before || !a->after)
		tap_bail("no memory");
}

/* Lets the device go on while the next call runs. */
static void allow_writes(struct asker *a)
{
	uint64_t share = 2 * (a->w->nr_writes / MIN_CALLS);

	if (a->w->mode == MODE_PIECES)
		share /= PIECES_CALLS;
	if (a->w->mode == MODE_WHOLE)
		share /= WHOLE_CALLS;
	if (a->w->mode == MODE_CHURN)
		share /= CHURN_CALLS;
	if (a->w->leaf == LEAF_2M)	/* 512 pages to copy for one write */
		share *= 2;
	atomic_fetch_add(&a->w->budget, rng_below(&a->rng, share + 1));
}

void asker_start_logging(struct asker *a)
{
	struct world *w = a->w;
	uint64_t page;
	int ret;

	device_settle(w);
	allow_writes(a);
	ledger_before(a, 0, w->nr_pages);
	ret = w->target->ops->flag(w->target, DIRTY_START);
	ledger_after(a, 0, w->nr_pages);
	if (ret)
		tap_bail("START: %s", strerror(-ret));
	for (page = 0; page < w->nr_pages; page++) {
		w->base_started[page] = a->after[page];
		w->base_finished[page] = a->before[page];
	}
	/* everything is sent once, as a migration does */
	memcpy(w->mirror, w->mem, w->nr_pages * PAGE_4K);
	device_settle(w);
}

void copy_pages(struct asker *a, uint64_t first, uint64_t nr, uint64_t per_bit,
		const void *bitmap)
{
	struct world *w = a->w;
	uint64_t bit, bytes = per_bit * PAGE_4K, copied = 0;

	for (bit = 0; bit < nr / per_bit; bit++) {
		uint64_t at = (first + bit * per_bit) * PAGE_4K;

		if (!bit_get(bitmap, bit))
			continue;
		/*
		 * Two that copy one page: the later copy must be the newer, so
		 * one at a time, each of what memory holds at that moment.
		 */
		if (w->concurrent)
			pthread_mutex_lock(&w->copying);
		memcpy(w->mirror + at, w->mem + at, bytes);
		if (w->concurrent)
			pthread_mutex_unlock(&w->copying);
		copied += per_bit;
	}
	atomic_fetch_add(&w->copied, copied);
}

/* GET or NOCLEAR over whole mappings, checked against the ledger. */
static unsigned char *ask(struct asker *a, uint32_t flag, uint64_t first,
			  uint64_t nr, uint64_t per_bit)
{
	struct world *w = a->w;
	unsigned char *map = a->bitmap + rng_below(&a->rng, 8);
	uint64_t bytes = bit_bytes(nr / per_bit);
	int ret;

	/* Of unmapped slots nothing is written: with holes that come and go,
	 * 0 is the one value that means no work. */
	a->fill = w->concurrent ? 0 : (uint8_t)rng_next(&a->rng);
	if (w->mode == MODE_GET && !w->concurrent)
		a->fill = 0xff;
	memset(map, a->fill, bytes);
	allow_writes(a);
	ledger_before(a, first, nr);
	ret = w->target->ops->range(w->target, flag, page_iova(first),
				    nr * PAGE_4K, per_bit * PAGE_4K, map, bytes);
	ledger_after(a, first, nr);
	if (ret)
		tap_bail("%s of %lu pages at page %lu, %lu a bit: %s",
			 flag == DIRTY_GET ? "GET" : "NOCLEAR", nr, first,
			 per_bit, strerror(-ret));
	ledger_reported(a, first, nr, per_bit, map, flag == DIRTY_GET);
	return map;
}

void asker_get(struct asker *a, uint64_t first, uint64_t nr)
{
	copy_pages(a, first, nr, 1, ask(a, DIRTY_GET, first, nr, 1));
}

static void clear(struct asker *a, uint64_t first, uint64_t nr,
		  uint64_t per_bit, void *map)
{
	struct world *w = a->w;
	int ret;

	allow_writes(a);
	ledger_before(a, first, nr);
	ret = w->target->ops->range(w->target, DIRTY_CLEAR, page_iova(first),
				    nr * PAGE_4K, per_bit * PAGE_4K, map,
				    bit_bytes(nr / per_bit));
	ledger_after(a, first, nr);
	if (ret)
		tap_bail("CLEAR of %lu pages at page %lu, %lu a bit: %s", nr,
			 first, per_bit, strerror(-ret));
	ledger_cleared(a, first, nr, per_bit, map);
	copy_pages(a, first, nr, per_bit, map);
}

/*
 * CLEAR of some of what was reported, in a range of any alignment, through
 * mappings and holes; now and then of pages that nobody reported.
 */
static void clear_piece(struct asker *a, const unsigned char *reported,
			uint64_t lo, uint64_t nr_reported, uint64_t per_reported)
{
	static const uint64_t sizes[] = { 1, 1, 1, 2, 8, 64, 512 };
	struct world *w = a->w;
	uint64_t per_bit = sizes[rng_below(&a->rng, 7)];
	uint64_t bits = w->nr_pages / per_bit;
	uint64_t first = rng_below(&a->rng, bits);
	uint64_t nr = 1 + rng_below(&a->rng, bits - first);
	unsigned char *map = a->clear + rng_below(&a->rng, 8);
	uint64_t bit, page;

	if (rng_one_in(&a->rng, 2) && nr > 64)
		nr = 1 + rng_below(&a->rng, 64);
	memset(map, 0, bit_bytes(nr));
	for (bit = 0; bit < nr; bit++) {
		page = (first + bit) * per_bit;
		if (page < lo || page >= lo + nr_reported)
			continue;
		if (bit_get(reported, (page - lo) / per_reported) ?
		    !rng_one_in(&a->rng, 8) : rng_one_in(&a->rng, 256))
			bit_put(map, bit, true);
	}
	clear(a, first * per_bit, nr * per_bit, per_bit, map);
}

/* Some mappings in a row, with the holes between them. */
static void pick_run(struct asker *a, uint64_t *first, uint64_t *nr)
{
	struct world *w = a->w;
	int lo, hi;

	*first = 0;
	*nr = w->nr_pages;
	if (w->concurrent || !rng_one_in(&a->rng, 3))
		return;
	lo = (int)rng_below(&a->rng, (uint64_t)w->nr_maps);
	hi = lo + (int)rng_below(&a->rng, (uint64_t)(w->nr_maps - lo));
	*first = w->maps[lo].first_page;
	*nr = w->maps[hi].first_page + w->maps[hi].nr_pages - *first;
}

static void round_pieces(struct asker *a, uint64_t first, uint64_t nr)
{
	static const uint64_t sizes[] = { 1, 1, 1, 2, 16, 512 };
	uint64_t per_bit = sizes[rng_below(&a->rng, 6)];
	unsigned char *map = ask(a, DIRTY_NOCLEAR, first, nr, per_bit);
	int pieces = 1 + (int)rng_below(&a->rng, 4);

	while (pieces--)
		clear_piece(a, map, first, nr, per_bit);
}

void asker_round(struct asker *a)
{
	uint64_t first, nr;

	/* now and then with nothing in flight: then the ledger is strictest */
	if (!a->w->concurrent && rng_one_in(&a->rng, 4))
		device_settle(a->w);
	pick_run(a, &first, &nr);
	switch (a->w->mode) {
	case MODE_WHOLE:
		clear(a, first, nr, 1, ask(a, DIRTY_NOCLEAR, first, nr, 1));
		break;
	case MODE_PIECES:
		round_pieces(a, first, nr);
		break;
	default:
		asker_get(a, first, nr);
		break;
	}
	atomic_fetch_add(&a->w->rounds, 1);
}

void *asker_thread(void *asker)
{
	struct asker *a = asker;

	/* A device that is done before we begin does not spare us the round. */
	do {
		asker_round(a);
		if (a->w->mode == MODE_CHURN && !a->w->concurrent)
			churn_some(a);
	} while (!atomic_load(&a->w->done));
	return NULL;
}

uint64_t asker_last_round(struct asker *a)
{
	struct world *w = a->w;
	bool manual = w->mode == MODE_WHOLE || w->mode == MODE_PIECES;
	uint64_t before = atomic_load(&w->copied);
	unsigned char *map;

	map = ask(a, manual ? DIRTY_NOCLEAR : DIRTY_GET, 0, w->nr_pages, 1);
	/* bits of holes are what we put there; they are no news */
	for (uint64_t page = 0; page < w->nr_pages; page++)
		if (!page_mapped(w, page))
			bit_put(map, page, false);
	if (manual)
		clear(a, 0, w->nr_pages, 1, map);
	else
		copy_pages(a, 0, w->nr_pages, 1, map);
	return atomic_load(&w->copied) - before;
}
