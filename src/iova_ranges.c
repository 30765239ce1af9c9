// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOVA that a container may map; see iova_ranges.h.
 *
 * Ends are inclusive, so the whole 2^64 is one range. The price is that
 * "one before first" and "one after last" exist only where something is known
 * to lie there; each -1 and +1 below stands behind such a comparison.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "iova_ranges.h"

void hwdbm_iova_ranges_reset(struct hwdbm_iova_ranges *r, u64 first, u64 last)
{
	r->nr = 0;
	if (first > last)
		return;
	r->range[0].first = first;
	r->range[0].last = last;
	r->nr = 1;
}

void hwdbm_iova_ranges_clip(struct hwdbm_iova_ranges *r, u64 first, u64 last)
{
	unsigned int i, kept = 0;
	u64 low, high;

	for (i = 0; i < r->nr; i++) {
		low = max(r->range[i].first, first);
		high = min(r->range[i].last, last);
		if (low > high)
			continue;
		r->range[kept].first = low;
		r->range[kept].last = high;
		kept++;
	}
	r->nr = kept;
}

/* The hole lies strictly inside range @i: make it two. */
static int split(struct hwdbm_iova_ranges *r, unsigned int i, u64 first,
		 u64 last)
{
	struct hwdbm_iova_range *range = &r->range[i];

	if (r->nr >= r->cap)
		return -ENOSPC;
	memmove(range + 1, range, (r->nr - i) * sizeof(*range));
	r->nr++;
	range[0].last = first - 1;
	range[1].first = last + 1;
	return 0;
}

int hwdbm_iova_ranges_exclude(struct hwdbm_iova_ranges *r, u64 first, u64 last)
{
	unsigned int i, kept = 0;
	struct hwdbm_iova_range cut;

	if (first > last)
		return 0;
	for (i = 0; i < r->nr; i++) {
		cut = r->range[i];
		if (cut.first <= last && cut.last >= first) {
			/*
			 * Ranges are disjoint: where one must be split no
			 * other meets the hole, so nothing was changed yet.
			 */
			if (cut.first < first && cut.last > last)
				return split(r, i, first, last);
			if (cut.first >= first && cut.last <= last)
				continue;
			if (cut.first < first)
				cut.last = first - 1;
			else
				cut.first = last + 1;
		}
		r->range[kept++] = cut;
	}
	r->nr = kept;
	return 0;
}

bool hwdbm_iova_ranges_contain(const struct hwdbm_iova_ranges *r, u64 first,
			       u64 last)
{
	unsigned int i;

	if (first > last)
		return false;
	for (i = 0; i < r->nr; i++)
		if (r->range[i].first <= first && last <= r->range[i].last)
			return true;
	return false;
}
