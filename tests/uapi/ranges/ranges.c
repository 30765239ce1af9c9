// SPDX-License-Identifier: GPL-2.0-only
#include "ranges.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

void read_ranges(struct ranges *r)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_iommu_type1_info_cap_iova_range *cap;

	memset(r, 0, sizeof(*r));
	cap = (void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	if (cap && (!cap->nr_iovas || cap->nr_iovas > MAX_RANGES))
		tap_bail("GET_INFO tells %u IOVA ranges", cap->nr_iovas);
	if (cap) {
		r->nr = cap->nr_iovas;
		memcpy(r->at, cap->iova_ranges, r->nr * sizeof(*r->at));
	}
	free(info);
}

static void add(struct ranges *r, uint64_t start, uint64_t end)
{
	if (r->nr == MAX_RANGES)
		tap_bail("more than %d IOVA ranges", MAX_RANGES);
	r->at[r->nr].start = start;
	r->at[r->nr++].end = end;
}

void exclude(struct ranges *r, uint64_t first, uint64_t last)
{
	struct ranges old = *r;
	uint32_t i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < old.nr; i++) {
		uint64_t start = old.at[i].start, end = old.at[i].end;

		if (last < start || first > end) {
			add(r, start, end);
			continue;
		}
		if (start < first)
			add(r, start, first - 1);
		if (end > last)
			add(r, last + 1, end);
	}
}

static void print(const char *which, const struct ranges *r)
{
	uint32_t i;

	if (!r->nr)
		tap_diag("%s: none", which);
	for (i = 0; i < r->nr; i++)
		tap_diag("%s: %#llx to %#llx", which, r->at[i].start,
			 r->at[i].end);
}

bool same_ranges(const struct ranges *a, const struct ranges *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool ranges_are(const struct ranges *want, const char *when)
{
	struct ranges now;

	read_ranges(&now);
	if (tap_ok(same_ranges(&now, want), "%s: %u IOVA ranges", when,
		   want->nr))
		return true;
	print("there is", &now);
	print("should be", want);
	return false;
}
