// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dirty bits through the IOMMU driver's own read_and_clear_dirty.
 *
 * Without CONFIG_IOMMUFD the driver's bitmap is a stub, and all that one call
 * over a range tells is its first and its last dirty byte. So a range is
 * narrowed down with calls that clear nothing, and cleaned leaf by leaf: a
 * clearing call over more than one leaf would clean a page between the first
 * and the last that was written after the look, and nobody would know.
 *
 * The driver steps from the address it is given by the size of the leaf found
 * there. Called in the middle of a large leaf it goes on in the middle of what
 * follows, and may step over a small leaf. Hence every call covers a naturally
 * aligned window of a power of two: either a leaf at least as large holds the
 * whole window and the call ends with its first step, or every leaf in the
 * window is smaller and its start is the start of one.
 */

#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "compat/compat.h"
#include "dirty_reader.h"

/*
 * The driver walks from the root for every page, 512 times to look at a coarse
 * window of 4 KiB leaves. A fine window is looked at once more and then walked
 * leaf by leaf if something in it is dirty. After each window of either kind
 * there is a chance to reschedule.
 */
#define COARSE_BYTES	SZ_2M
#define FINE_BYTES	SZ_256K

/* Up to so many wanted pages a window, look at each instead of narrowing. */
#define FEW_PAGES	8

static unsigned long smallest_leaf(const struct iommu_domain *domain)
{
	return domain->pgsize_bitmap & -domain->pgsize_bitmap;
}

/* The largest naturally aligned window at @at that ends by @last. */
static u64 window_bytes(u64 at, u64 last, u64 most)
{
	u64 bytes = at ? min(at & -at, most) : most;

	return min(bytes, rounddown_pow_of_two(last - at + 1));
}

static unsigned int wanted_pages(const struct hwdbm_harvest *h, u64 at,
				 u64 bytes)
{
	unsigned long first = (at - h->first) >> PAGE_SHIFT;
	unsigned long end = (at + bytes - 1 - h->first) >> PAGE_SHIFT;
	unsigned int n = 0;

	if (!h->only)
		return UINT_MAX;
	for (; first <= end; first++)
		n += test_bit(first, h->only);
	return n;
}

static bool wanted(const struct hwdbm_harvest *h, u64 at)
{
	return !h->only || test_bit((at - h->first) >> PAGE_SHIFT, h->only);
}

/*
 * Read (and clean) the one leaf that holds @at. A driver answers with the
 * leaf's size counted from @at, so the leaf is what is aligned to that size.
 * Sets *next to the first byte not known yet.
 */
static int harvest_leaf(struct iommu_domain *domain, struct hwdbm_harvest *h,
			u64 at, u64 *next)
{
	u64 step = smallest_leaf(domain);
	struct iommu_iotlb_gather found;
	u64 size, leaf_first, leaf_last;
	int ret;

	*next = at + step;
	ret = hwdbm_compat_read_dirty(domain, at, step, h->clear, &found);
	if (ret || !hwdbm_compat_found_dirty(&found))
		return ret;

	size = found.end - found.start + 1;
	if (found.start != at || size < step || !is_power_of_2(size))
		return -EIO;
	leaf_first = ALIGN_DOWN(at, size);
	leaf_last = leaf_first + size - 1;
	if (leaf_last == U64_MAX)
		return -EIO;
	hwdbm_harvest_found(h, leaf_first, leaf_last);
	*next = leaf_last + 1;
	return 0;
}

/* Every wanted leaf from @at to @last, one call each. */
static int harvest_leaves(struct iommu_domain *domain, struct hwdbm_harvest *h,
			  u64 at, u64 last, u64 *next)
{
	int ret = 0;

	while (!ret && at <= last) {
		if (wanted(h, at))
			ret = harvest_leaf(domain, h, at, &at);
		else
			at += smallest_leaf(domain);
	}
	*next = at;
	return ret;
}

/*
 * One aligned window: look without clearing, then go leaf by leaf from the
 * first dirty one to the last. What gets dirty outside after the look is for
 * the next pass. Sets *next past the window, or past the leaf if it is larger.
 */
static int harvest_window(struct iommu_domain *domain, struct hwdbm_harvest *h,
			  u64 at, u64 bytes, u64 *next)
{
	struct iommu_iotlb_gather found;
	u64 last = at + bytes - 1;
	unsigned int pages = wanted_pages(h, at, bytes);
	u64 fine;
	int ret;

	*next = last + 1;
	if (!pages)
		return 0;
	if (pages <= FEW_PAGES)
		return harvest_leaves(domain, h, at, last, next);

	ret = hwdbm_compat_read_dirty(domain, at, bytes, false, &found);
	if (ret || !hwdbm_compat_found_dirty(&found))
		return ret;
	if (found.start < at || found.start > last)
		return -EIO;

	last = min_t(u64, last, found.end);
	if (bytes <= FINE_BYTES || last - found.start < FINE_BYTES) {
		ret = harvest_leaves(domain, h, found.start, last, &fine);
		*next = max(*next, fine);
		return ret;
	}

	for (at = ALIGN_DOWN(found.start, FINE_BYTES); !ret && at <= last;
	     at = fine) {
		ret = harvest_window(domain, h, at, FINE_BYTES, &fine);
		cond_resched();
	}
	*next = max(*next, at);
	return ret;
}

static int gather_harvest(struct iommu_domain *domain, struct hwdbm_harvest *h)
{
	u64 at = h->first;
	int ret = 0;

	hwdbm_harvest_begin(h);
	while (!ret && at <= h->last) {
		ret = harvest_window(domain, h, at,
				     window_bytes(at, h->last, COARSE_BYTES),
				     &at);
		cond_resched();
	}
	return ret;
}

/* Nothing is recorded, so a clearing call may cover a whole window. */
static int gather_forget(struct iommu_domain *domain, u64 first, u64 last)
{
	struct iommu_iotlb_gather found;
	int ret = 0;

	while (!ret && first <= last) {
		u64 bytes = window_bytes(first, last, COARSE_BYTES);

		ret = hwdbm_compat_read_dirty(domain, first, bytes, true,
					      &found);
		first += bytes;
		cond_resched();
	}
	return ret;
}

const struct hwdbm_dirty_reader hwdbm_dirty_reader_gather = {
	.id = VFIO_HWDBM_READER_GATHER,
	.name = "asking the driver",
	.usable = hwdbm_compat_gather_reader_works,
	.harvest = gather_harvest,
	.forget = gather_forget,
};
