// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dirty bits from the IOMMU's page tables.
 *
 * The tables belong to the IOMMU driver, which changes them as other mappings
 * come and go; the lock of the mapping that is read keeps its own leaves, and so
 * the tables above them, where they are. The top may move when a mapping far away
 * makes the tables taller: it is asked for at the start of each pass, and the old
 * one goes on to lead to what it led to.
 */

#include <linux/bitmap.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "compat/compat.h"
#include "dirty_reader.h"
#include "iopt.h"

static u64 *table_at(u64 phys)
{
	return phys_to_virt(phys);
}

static int find_tables(const struct iommu_domain *domain, struct hwdbm_iopt *t)
{
	struct hwdbm_compat_iopt found;

	if (!hwdbm_compat_iopt(domain, &found) || !found.levels ||
	    found.levels > HWDBM_IOPT_MAX_LEVELS)
		return -EOPNOTSUPP;
	*t = (struct hwdbm_iopt){
		.format = found.format == HWDBM_COMPAT_IOPT_AMDV1 ?
				  HWDBM_IOPT_AMDV1 : HWDBM_IOPT_VTDSS,
		.levels = found.levels,
		.top = table_at(found.top),
		.not_address = found.encrypted,
		.table = table_at,
	};
	return 0;
}

static bool iopt_usable(const struct iommu_domain *domain)
{
	struct hwdbm_iopt t;

	return !find_tables(domain, &t);
}

/* @h NULL: nobody wants to know what is found. */
static int walk(struct hwdbm_iopt_cursor *c, struct hwdbm_harvest *h)
{
	u64 first, last;

	while (c->at <= c->last) {
		int ret = hwdbm_iopt_next(c, &first, &last);

		if (ret < 0)
			return ret;
		if (!ret)
			cond_resched();
		else if (h)
			hwdbm_harvest_found(h, first, last);
	}
	return 0;
}

/* Each run of wanted pages; a leaf that reaches into the next is done by then. */
static int walk_wanted(struct hwdbm_iopt_cursor *c, struct hwdbm_harvest *h)
{
	unsigned long nr = ((h->last - h->first) >> PAGE_SHIFT) + 1, page, end;
	int ret = 0;

	for (page = find_next_bit(h->only, nr, 0); !ret && page < nr;
	     page = find_next_bit(h->only, nr, end)) {
		end = find_next_zero_bit(h->only, nr, page);
		hwdbm_iopt_seek(c, max(c->at,
				       h->first + ((u64)page << PAGE_SHIFT)));
		c->last = h->first + ((u64)end << PAGE_SHIFT) - 1;
		ret = walk(c, h);
		cond_resched();
	}
	return ret;
}

static int iopt_harvest(struct iommu_domain *domain, struct hwdbm_harvest *h)
{
	struct hwdbm_iopt t;
	struct hwdbm_iopt_cursor c = {
		.iopt = &t,
		.action = h->clear ? HWDBM_IOPT_CLEAN : HWDBM_IOPT_LOOK,
		.at = h->first,
		.last = h->last,
	};
	int ret;

	hwdbm_harvest_begin(h);
	ret = find_tables(domain, &t);
	if (ret)
		return ret;
	return h->only ? walk_wanted(&c, h) : walk(&c, h);
}

static int change_all(struct iommu_domain *domain, u64 first, u64 last,
		      enum hwdbm_iopt_action action)
{
	struct hwdbm_iopt t;
	struct hwdbm_iopt_cursor c = {
		.iopt = &t,
		.action = action,
		.at = first,
		.last = last,
	};
	int ret = find_tables(domain, &t);

	return ret ?: walk(&c, NULL);
}

static int iopt_forget(struct iommu_domain *domain, u64 first, u64 last)
{
	return change_all(domain, first, last, HWDBM_IOPT_CLEAN);
}

static int iopt_seal(struct iommu_domain *domain, u64 first, u64 last)
{
	return change_all(domain, first, last, HWDBM_IOPT_SEAL);
}

const struct hwdbm_dirty_reader hwdbm_dirty_reader_iopt = {
	.id = VFIO_HWDBM_READER_TABLES,
	.name = "walking its page tables",
	.usable = iopt_usable,
	.harvest = iopt_harvest,
	.forget = iopt_forget,
	.seal = iopt_seal,
};
