/* SPDX-License-Identifier: GPL-2.0-only */
/* What must come back to where it was: the kernel's own counters. */
#ifndef HWDBM_TEST_COUNTERS_H
#define HWDBM_TEST_COUNTERS_H

#define MODULE "vfio_iommu_type1_hwdbm"
#define STOCK_MODULE "vfio_iommu_type1"

struct counters {
	long pins;		/* pages pinned and not released */
	long iommu_pages;	/* in IOMMU page tables; -1 where unknown */
	long refcount;		/* of the module; -1 where it is not loaded */
	long stock_refcount;	/* of stock's, the same */
	long locked;		/* this process, KiB */
	long available;		/* memory, KiB */
};

void counters_read(struct counters *c);
/* Once they have stopped changing. */
void counters_baseline(struct counters *c);
/*
 * Both wait, with a bound, for what the kernel frees late. The first says of
 * each counter whether it is back, the second of all in one line; memory as such
 * is for the first only.
 */
void counters_settle(const struct counters *want, const char *after);
void counters_back(const struct counters *want, const char *after);

#endif
