// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each answer must and may contain, while the device goes on writing.
 *
 * A call took place between two samples: `before`, the writes that had
 * finished when it began, and `after`, those that had started when it had
 * returned. Of a page, keep from the last call that cleaned it
 *
 *   base_started   its `after`: a write beyond that number began when the
 *                  page had been clean, invalidated and answered for
 *   base_finished  its `before`: a write up to that number had finished when
 *                  the cleaning began
 *
 * MUST   before > base_started: some write began after the page was cleaned
 *        and had finished before this call began. Not reporting it is a loss.
 *        Also what GET_BITMAP_NOCLEAR reported and nobody has cleaned since.
 * MAY    after > base_finished: some write was not yet finished when the
 *        cleaning began and had started when this call returned. In
 *        particular a write in flight during the cleaning may be reported by
 *        it, or by the next call, or by both. Reporting a page without such
 *        a write is invented dirtiness.
 *
 * A call that does not report a page says that no write had dirtied it when
 * the call looked. So base_finished moves up to its `before`, and base_started
 * stays: nothing was cleaned, what was written meanwhile is still to come.
 *
 * Where leaves are born dirty (SMMUv3 knows writeable and writeable-dirty, and
 * drivers make the latter), what is mapped while the log is on may be reported
 * once without a write. Not what was mapped before START, which cleans it.
 *
 * Counters belong to units (the hardware's leaves), bases to pages: a write
 * to a leaf dirties each of its pages, CLEAR may clean them one by one.
 */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <stdlib.h>

#define SHOW 8

void ledger_init(struct world *w)
{
	w->base_started = calloc(w->nr_pages, sizeof(uint32_t));
	w->base_finished = calloc(w->nr_pages, sizeof(uint32_t));
	w->owed = calloc(w->nr_pages, 1);
	w->newborn = calloc(w->nr_pages, 1);
	if (!w->base_started || !w->base_finished || !w->owed || !w->newborn)
		tap_bail("no memory");
}

static void sample(const struct world *w, _Atomic uint32_t *counter,
		   uint64_t first, uint64_t nr, uint32_t *out)
{
	uint64_t i;

	if (w->concurrent)
		return;
	for (i = 0; i < nr; i++)
		out[i] = atomic_load(&counter[(first + i) / w->unit_pages]);
}

void ledger_before(struct asker *a, uint64_t first, uint64_t nr)
{
	sample(a->w, a->w->finished, first, nr, a->before);
}

void ledger_after(struct asker *a, uint64_t first, uint64_t nr)
{
	sample(a->w, a->w->started, first, nr, a->after);
}

void ledger_fresh(struct world *w, uint64_t first, uint64_t nr)
{
	uint64_t p;

	for (p = first; p < first + nr; p++) {
		w->base_started[p] = atomic_load(&w->started[p / w->unit_pages]);
		w->base_finished[p] = atomic_load(&w->finished[p / w->unit_pages]);
		w->owed[p] = 0;
		w->newborn[p] = w->born_dirty;
	}
}

static void cleaned(struct asker *a, uint64_t page, uint64_t i)
{
	a->w->base_started[page] = a->after[i];
	a->w->base_finished[page] = a->before[i];
	a->w->owed[page] = 0;
	a->w->newborn[page] = 0;
}

struct verdict {
	bool must, may;
};

static struct verdict judge(struct asker *a, uint64_t first, uint64_t i,
			    uint64_t per_bit)
{
	struct world *w = a->w;
	struct verdict v = { w->full, w->full || w->leaf == LEAF_ANY };
	uint64_t end = i + per_bit;

	for (; i < end; i++) {
		uint64_t page = first + i;

		if ((int32_t)(a->before[i] - w->base_started[page]) > 0 ||
		    w->owed[page])
			v.must = true;
		if ((int32_t)(a->after[i] - w->base_finished[page]) > 0 ||
		    w->newborn[page])
			v.may = true;
	}
	return v;
}

static void settle(struct asker *a, uint64_t first, uint64_t i,
		   uint64_t per_bit, bool on, bool clean)
{
	uint64_t end = i + per_bit;

	for (; i < end; i++) {
		if (!on) {
			a->w->base_finished[first + i] = a->before[i];
			a->w->newborn[first + i] = 0;
		} else if (clean) {
			cleaned(a, first + i, i);
		} else if (per_bit == 1) { /* of a coarse bit, nobody knows which */
			a->w->owed[first + i] = 1;
		}
	}
}

void ledger_reported(struct asker *a, uint64_t first, uint64_t nr,
		     uint64_t per_bit, const void *bitmap, bool clean)
{
	struct world *w = a->w;
	uint64_t bit;

	if (w->concurrent)
		return;
	for (bit = 0; bit < nr / per_bit; bit++) {
		uint64_t i = bit * per_bit;
		bool on = bit_get(bitmap, bit);
		struct verdict v;

		if (!page_mapped(w, first + i)) {
			if (on != (a->fill >> (bit % 8) & 1))
				w->touched++;
			continue;
		}
		v = judge(a, first, i, per_bit);
		if (v.must && !on && w->missed++ < SHOW)
			tap_diag("missed: page %lu, %lu a bit", first + i, per_bit);
		if (on && !v.may && w->invented++ < SHOW)
			tap_diag("invented: page %lu, %lu a bit", first + i, per_bit);
		settle(a, first, i, per_bit, on, clean);
	}
}

void ledger_cleared(struct asker *a, uint64_t first, uint64_t nr,
		    uint64_t per_bit, const void *bitmap)
{
	uint64_t i;

	if (a->w->concurrent)
		return;
	for (i = 0; i < nr; i++)
		if (bit_get(bitmap, i / per_bit) && page_mapped(a->w, first + i))
			cleaned(a, first + i, i);
}
