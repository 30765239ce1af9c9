// SPDX-License-Identifier: GPL-2.0-only
/* Calls that ask or clean the dirty log, and UNMAP, which may tell of it. */
#include "bitmap.h"
#include "history.h"

#include <errno.h>
#include <string.h>

static uint64_t windows_end(const struct world *w, int hi)
{
	return w->slots[hi].window + SLOT_STRIDE;
}

/* The bit size that is asked for, or the largest that goes with the range. */
static unsigned int fit_shift(uint64_t iova, uint64_t size, uint64_t shift)
{
	if (shift > 18)
		shift = 18;
	while (shift && (iova | size) & ((PAGE_4K << shift) - 1))
		shift--;
	return (unsigned int)shift;
}

/*
 * Bits of no mapping are left as they are. Where mappings come and go beside us
 * we cannot tell which these are, so 0: copy nothing.
 */
static uint8_t *fresh_bitmap(struct actor *a, uint64_t bytes)
{
	static const uint8_t fills[] = { 0, 0xff, 0xa5, 0 };
	uint8_t *map = a->bitmap + a->nr % 8;

	memset(map, a->w->exact ? fills[a->nr / 8 % 4] : 0, bytes);
	return map;
}

/* What a call about the log must say. */
static bool answered(struct actor *a, int ret, const char *what)
{
	int want = a->w->logging ? 0 : -EINVAL;

	atomic_fetch_add(&counts.calls, 1);
	if (ret == want)
		return !ret;
	world_fail(a, "%s: %s, not %s", what, ret ? strerror(-ret) : "no error",
		   want ? strerror(-want) : "success");
	return false;
}

void log_get(struct actor *a, uint32_t flag, int lo, int hi, unsigned int shift)
{
	struct world *w = a->w;
	uint64_t iova = w->slots[lo].window, size = windows_end(w, hi) - iova;
	struct report r = {
		.lo = lo,
		.hi = hi,
		.iova = iova,
		.cleaned = flag == DIRTY_GET,
		.policy = w->policy,
	};
	uint64_t bytes;
	int ret;

	r.pgsize = PAGE_4K << fit_shift(iova, size, shift);
	bytes = bit_bytes(size / r.pgsize);
	r.map = fresh_bitmap(a, bytes);
	ret = stage->range(flag, iova, size, r.pgsize, (void *)r.map, bytes);
	if (!answered(a, ret, flag == DIRTY_GET ? "GET" : "NOCLEAR"))
		return;
	if (w->exact)
		policy_look(w);
	report_expand(a, &r);
	report_judge(a, &r);
	if (r.cleaned)
		report_copy(a, &r);
}

/* CLEAR of the bits in @map, from @iova on. */
static void clear(struct actor *a, int lo, int hi, uint64_t iova, uint64_t bits,
		  uint64_t pgsize, uint8_t *map)
{
	struct report r = {
		.lo = lo,
		.hi = hi,
		.iova = iova,
		.pgsize = pgsize,
		.size = bits * pgsize,
		.map = map,
		.policy = a->w->policy,
	};
	int ret = stage->range(DIRTY_CLEAR, iova, bits * pgsize, pgsize, map,
			       bit_bytes(bits));

	if (!answered(a, ret, "CLEAR"))
		return;
	if (a->w->exact)
		policy_look(a->w);
	report_cleared(a, &r);
	report_copy(a, &r);
}

static uint64_t mix(uint64_t seed, uint64_t n)
{
	struct rng rng;

	rng_init(&rng, seed ^ n * 0x9e3779b97f4a7c15ULL);
	rng_next(&rng);
	return rng_next(&rng);
}

/* One page in @part, wherever the range begins and ends. */
static void clear_some(struct actor *a, int lo, int hi, uint64_t shift,
		       uint64_t part, uint64_t seed)
{
	struct world *w = a->w;
	uint64_t iova = w->slots[lo].window, size = windows_end(w, hi) - iova;
	uint64_t pgsize = PAGE_4K << fit_shift(iova, size, shift);
	uint64_t all = size / pgsize, first = 0, bits = all, page, bit;
	uint8_t *map = a->bitmap + a->nr % 8;

	if (mix(seed, 1) % 2) {
		first = mix(seed, 2) % all;
		bits = 1 + mix(seed, 3) % (all - first);
	}
	memset(map, 0, bit_bytes(bits));
	for (page = w->slots[lo].first; page < w->nr_pages; page++) {
		bit = (page_iova(w, (uint32_t)page) - iova) / pgsize;
		if (page_slot(w, (uint32_t)page) > hi)
			break;
		if (bit >= first && bit - first < bits &&
		    !(mix(seed, bit + 16) % (part ? part : 1)))
			bit_put(map, bit - first, true);
	}
	clear(a, lo, hi, iova + first * pgsize, bits, pgsize, map);
}

/* What was reported, cleaned piece by piece. */
static void migrate(struct actor *a, int lo, int hi, uint64_t shift,
		    uint64_t pieces, uint64_t seed)
{
	struct world *w = a->w;
	uint64_t iova = w->slots[lo].window, size = windows_end(w, hi) - iova;
	uint64_t pgsize = PAGE_4K << fit_shift(iova, size, shift);
	uint64_t bits = size / pgsize, at = 0;
	uint8_t *map = a->bitmap + a->nr % 8;

	log_get(a, DIRTY_NOCLEAR, lo, hi, (unsigned int)shift);
	while (at < bits && !atomic_load(&w->failed) && w->logging) {
		uint64_t n = bits - at;

		if (pieces > 1)
			n = (mix(seed, at) % n + 64) / 64 * 64;
		if (n > bits - at)
			n = bits - at;
		/* whole words, so that the bits need not move */
		clear(a, lo, hi, iova + at * pgsize, n, pgsize, map + at / 8);
		at += n;
		pieces--;
	}
}

void log_migrate(struct actor *a, int lo, int hi, uint64_t seed)
{
	migrate(a, lo, hi, 0, 1 + seed % 3, seed);
}

void log_clear(struct actor *a, int lo, int hi, uint64_t part, uint64_t seed)
{
	clear_some(a, lo, hi, 0, part, seed);
}

void log_step(struct actor *a)
{
	const uint64_t *arg = a->step->arg;
	int lo = (int)(arg[0] % NR_SLOTS), hi = (int)(arg[1] % NR_SLOTS);

	if (lo > hi) {
		int swap = lo;

		lo = hi;
		hi = swap;
	}
	switch (a->step->kind) {
	case STEP_GET:
		log_get(a, DIRTY_GET, lo, hi, (unsigned int)arg[2]);
		break;
	case STEP_NOCLEAR:
		log_get(a, DIRTY_NOCLEAR, lo, hi, (unsigned int)arg[2]);
		break;
	case STEP_CLEAR:
		clear_some(a, lo, hi, arg[2], arg[3], arg[4]);
		break;
	default:
		migrate(a, lo, hi, arg[2], arg[3], arg[4]);
		break;
	}
}

void quiesce(struct actor *a)
{
	if (!a->w->logging)
		return;
	if (a->step->arg[0])
		migrate(a, 0, NR_SLOTS - 1, 0, 1, 0);
	else
		log_get(a, DIRTY_GET, 0, NR_SLOTS - 1, 0);
	if (!atomic_load(&a->w->failed))
		mirror_compare(a);
}

/* ---- UNMAP ---- */

/* Its pins are gone: drivers were told. */
static void forget_map(struct world *w, struct slot *s, int nth)
{
	struct map map = s->maps[nth];
	int i;

	for (i = 0; i < stage->nr_devs; i++)
		memset(w->devs[i].pins + map.first, 0, map.n);
	s->maps[nth] = s->maps[--s->nr_maps];
	atomic_fetch_add(&counts.unmaps, 1);
}

/* Nobody will say any more what was dirty there: all of it may have been. */
static void copy_map(struct world *w, const struct map *map)
{
	uint32_t i;

	for (i = 0; i < map->n; i++)
		page_copy(w, map->first + i);
}

/* Takes what lies in the range off the record; how many bytes that was. */
static uint64_t forget_range(struct actor *a, int lo, int hi, uint64_t iova,
			     uint64_t size, bool copy)
{
	struct world *w = a->w;
	uint64_t bytes = 0;
	int i, nth;

	for (i = lo; i <= hi; i++) {
		struct slot *s = &w->slots[i];

		for (nth = s->nr_maps - 1; nth >= 0; nth--) {
			uint64_t at = page_iova(w, s->maps[nth].first);

			if (at < iova || at - iova >= size)
				continue;
			bytes += s->maps[nth].n * PAGE_4K;
			if (copy)
				copy_map(w, &s->maps[nth]);
			forget_map(w, s, nth);
		}
	}
	return bytes;
}

/* @size 0: ALL. @shift 0: no bitmap, else one of 4 KiB << (@shift - 1). */
void log_unmap(struct actor *a, int lo, int hi, uint64_t iova, uint64_t size,
	       uint32_t flags, uint64_t shift)
{
	struct world *w = a->w;
	uint64_t span = size ? size : windows_end(w, hi), bytes, gone = 0, want;
	struct report r = {
		.lo = lo,
		.hi = hi,
		.iova = iova,
		.size = size,
		.policy = w->policy,
	};
	struct vfio_bitmap bitmap = { 0 };
	int ret;

	if (!w->logging)
		shift = 0;
	if (shift) {
		r.pgsize = PAGE_4K << fit_shift(iova, span, shift - 1);
		bytes = bit_bytes(span / r.pgsize);
		r.map = fresh_bitmap(a, bytes);
		bitmap = (struct vfio_bitmap){
			.pgsize = r.pgsize,
			.size = bytes,
			.data = (void *)r.map,
		};
		flags |= VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	}
	ret = stage->unmap(iova, size, flags, shift ? &bitmap : NULL, &gone);
	if (ret) {
		world_fail(a, "UNMAP: %s", strerror(-ret));
		return;
	}
	if (shift) {
		if (w->exact)
			policy_look(w);
		report_expand(a, &r);
		report_judge(a, &r);
		report_copy(a, &r);
	}
	want = forget_range(a, lo, hi, iova, span, !shift);
	if (gone != want)
		world_fail(a, "UNMAP of %#lx bytes where %#lx are mapped", gone,
			   want);
}
