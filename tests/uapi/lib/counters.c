// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"
#include "proc.h"
#include "tap.h"

#include <unistd.h>

#define VMSTAT "/proc/vmstat"
#define REFCOUNT(module) "/sys/module/" module "/refcnt"

/* RCU, work items and per-CPU lists hold on to things for a while. */
#define SETTLE_TRIES 100
#define SETTLE_US 50000

/* Caches grow. A leak of what a life maps would be a gigabyte. */
#define DRIFT_KIB 32768

void counters_read(struct counters *c)
{
	/* each CPU keeps some of the count to itself, until it is told */
	proc_write("/proc/sys/vm/stat_refresh", "1");
	c->pins = proc_number(VMSTAT, "nr_foll_pin_acquired") -
		  proc_number(VMSTAT, "nr_foll_pin_released");
	c->iommu_pages = proc_number(VMSTAT, "nr_iommu_pages");
	c->refcount = proc_file_number(REFCOUNT(MODULE));
	c->stock_refcount = proc_file_number(REFCOUNT(STOCK_MODULE));
	c->locked = proc_locked_kib();
	c->available = proc_number("/proc/meminfo", "MemAvailable");
}

static bool same(const struct counters *want, const struct counters *now)
{
	return now->pins == want->pins &&
	       now->iommu_pages == want->iommu_pages &&
	       now->refcount == want->refcount &&
	       now->stock_refcount == want->stock_refcount &&
	       now->locked == want->locked;
}

void counters_baseline(struct counters *c)
{
	struct counters last;
	int i, quiet = 0;

	counters_read(&last);
	for (i = 0; i < SETTLE_TRIES && quiet < 5; i++) {
		usleep(SETTLE_US);
		counters_read(c);
		quiet = same(&last, c) ? quiet + 1 : 0;
		last = *c;
	}
}

static bool wait_for(const struct counters *want, struct counters *now)
{
	int i;

	for (i = 0; i < SETTLE_TRIES; i++) {
		counters_read(now);
		if (same(want, now))
			return true;
		usleep(SETTLE_US);
	}
	return false;
}

void counters_back(const struct counters *want, const char *after)
{
	struct counters now;

	if (tap_ok(wait_for(want, &now), "%s: nothing is left", after))
		return;
	tap_diag("pinned pages %ld, were %ld; of IOMMU tables %ld, were %ld; locked %ld KiB, were %ld",
		 now.pins, want->pins, now.iommu_pages, want->iommu_pages,
		 now.locked, want->locked);
	tap_diag("references: ours %ld, were %ld; stock %ld, were %ld",
		 now.refcount, want->refcount, now.stock_refcount,
		 want->stock_refcount);
}

void counters_settle(const struct counters *want, const char *after)
{
	struct counters now;

	wait_for(want, &now);
	tap_ok(now.pins == want->pins, "%s: pinned pages %ld, were %ld", after,
	       now.pins, want->pins);
	if (now.iommu_pages < 0)
		tap_skip("IOMMU page tables", "no nr_iommu_pages in /proc/vmstat");
	else
		tap_ok(now.iommu_pages == want->iommu_pages,
		       "%s: pages of IOMMU tables %ld, were %ld", after,
		       now.iommu_pages, want->iommu_pages);
	tap_ok(now.refcount == want->refcount &&
		       now.stock_refcount == want->stock_refcount,
	       "%s: module references %ld and %ld, were %ld and %ld", after,
	       now.refcount, now.stock_refcount, want->refcount,
	       want->stock_refcount);
	tap_ok(now.locked == want->locked, "%s: locked %ld KiB, were %ld", after,
	       now.locked, want->locked);
	tap_ok(now.available > want->available - DRIFT_KIB,
	       "%s: available %ld KiB, were %ld", after, now.available,
	       want->available);
}
