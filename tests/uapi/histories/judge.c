// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call has said of the dirty log, page by page, and whether it may say
 * so. Judged are the calls that run alone: then each page that was written
 * since it was copied last must be reported, by this very call, and no page for
 * which there is no reason. Beside others calls are not judged; what they lose
 * is owed, and the next call that is alone must report it.
 */
#include "bitmap.h"
#include "history.h"

#include <string.h>

static uint64_t bit_of(const struct world *w, const struct report *r,
		       uint32_t page)
{
	return (page_iova(w, page) - r->iova) / r->pgsize;
}

/* Of an UNMAP: did the page go with it? The range may be of one mapping. */
static bool within(const struct world *w, const struct report *r,
		   uint32_t page, uint64_t size)
{
	uint64_t iova = page_iova(w, page);

	return iova >= r->iova && iova - r->iova < size;
}

static void expand_slot(struct actor *a, const struct report *r,
			const struct slot *s, uint64_t size)
{
	const struct world *w = a->w;
	uint32_t page;

	for (page = s->first; page < s->first + s->n; page++) {
		if (!within(w, r, page, size))
			continue;
		if (w->exact && !slot_map(s, page))
			continue;
		if (bit_get(r->map, bit_of(w, r, page)))
			bit_put(a->bits, page, true);
	}
}

static uint64_t report_size(const struct world *w, const struct report *r)
{
	return r->size ? r->size :
			 w->slots[r->hi].window + SLOT_STRIDE - r->iova;
}

void report_expand(struct actor *a, const struct report *r)
{
	int i;

	memset(a->bits, 0, MAX_PAGES / 8);
	for (i = r->lo; i <= r->hi; i++)
		expand_slot(a, r, &a->w->slots[i], report_size(a->w, r));
}

static bool has_reason(const struct world *w, const struct report *r,
		       uint32_t page)
{
	return r->policy == VFIO_HWDBM_POLICY_FULL || w->pages[page].may ||
	       page_owed(&w->pages[page]) || page_pinned(w, page);
}

static void tell_lost(struct actor *a, const struct report *r, uint32_t page)
{
	const struct world *w = a->w;
	const struct page *p = &w->pages[page];

	world_fail(a, "lost: page %u at %#lx (slot %d) is not reported; device %u wrote it in step %u, policy %s; policy of this call %s",
		   page, page_iova(w, page), page_slot(w, page), p->by, p->step,
		   policy_name(p->policy), policy_name(r->policy));
}

/*
 * A call may report a write of a burst that is still under way. It was copied
 * then, but its end is counted later and leaves the page owed; so look. Each
 * value is written once, and what was not copied differs.
 */
static bool is_owed(const struct world *w, uint32_t page)
{
	return page_owed(&w->pages[page]) &&
	       memcmp(w->mirror + page * PAGE_4K, page_mem(w, page), PAGE_4K);
}

static void judge_page(struct actor *a, const struct report *r, uint32_t page)
{
	const struct world *w = a->w;
	bool said = bit_get(a->bits, page);

	atomic_fetch_add(&counts.reported, said);
	if (!said && is_owed(w, page)) {
		tell_lost(a, r, page);
		return;
	}
	if (!said && r->policy == VFIO_HWDBM_POLICY_FULL &&
	    w->policy == r->policy)
		world_fail(a, "page %u at %#lx is not reported under the full policy",
			   page, page_iova(w, page));
	if (!said && page_pinned(w, page))
		world_fail(a, "page %u at %#lx is pinned and not reported", page,
			   page_iova(w, page));
	if (said && !bit_get(a->why, bit_of(w, r, page)))
		world_fail(a, "invented: page %u at %#lx (slot %d) is reported, nobody wrote it since it was clean; policy %s",
			   page, page_iova(w, page), page_slot(w, page),
			   policy_name(r->policy));
}

/* Under the full policy the log stays as it is. */
static void cleaned(struct world *w, const struct report *r, uint32_t page)
{
	if (r->policy != w->policy)
		return;
	if (r->policy == VFIO_HWDBM_POLICY_HWDBM)
		w->pages[page].may = 0;
	else if (r->policy == VFIO_HWDBM_POLICY_PINNED)
		w->pages[page].may &= (uint8_t)~MAY_SW;
}

/* Every page that is mapped in the report's range. */
static void each_mapped(struct actor *a, const struct report *r,
			void (*fn)(struct actor *a, const struct report *r,
				   uint32_t page))
{
	const struct world *w = a->w;
	uint64_t size = report_size(w, r);
	int i, nth;

	for (i = r->lo; i <= r->hi; i++)
		for (nth = 0; nth < w->slots[i].nr_maps; nth++) {
			const struct map *m = &w->slots[i].maps[nth];
			uint32_t page;

			for (page = m->first; page < m->first + m->n; page++)
				if (within(w, r, page, size))
					fn(a, r, page);
		}
}

static void find_reason(struct actor *a, const struct report *r, uint32_t page)
{
	if (has_reason(a->w, r, page))
		bit_put(a->why, bit_of(a->w, r, page), true);
}

static void clean_page(struct actor *a, const struct report *r, uint32_t page)
{
	cleaned(a->w, r, page);
}

void report_judge(struct actor *a, const struct report *r)
{
	struct world *w = a->w;

	if (!w->exact)
		return;
	atomic_fetch_add(&counts.judged, 1);
	memset(a->why, 0, bit_bytes(report_size(w, r) / r->pgsize));
	each_mapped(a, r, find_reason);
	each_mapped(a, r, judge_page);
	if (r->cleaned)
		each_mapped(a, r, clean_page);
}

void report_copy(struct actor *a, const struct report *r)
{
	struct world *w = a->w;
	uint32_t page, last = w->slots[r->hi].first + w->slots[r->hi].n;

	for (page = w->slots[r->lo].first; page < last; page++)
		if (bit_get(a->bits, page))
			page_copy(w, page);
}

void report_cleared(struct actor *a, const struct report *r)
{
	struct world *w = a->w;
	uint32_t page, last = w->slots[r->hi].first + w->slots[r->hi].n;

	report_expand(a, r);
	for (page = w->slots[r->lo].first; page < last && w->exact; page++)
		if (bit_get(a->bits, page))
			cleaned(w, r, page);
}
