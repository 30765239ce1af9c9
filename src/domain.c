// SPDX-License-Identifier: GPL-2.0-only
/* One IOMMU domain: allocate, attach, map and unmap runs, track, flush. */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "domain.h"

/* Runs that are unmapped before one flush covers them; 1 KiB of stack. */
#define RUNS_PER_FLUSH	64

/*
 * The most that is mapped, unmapped or looked up in one step, and where: at
 * multiples of it. As MAP cuts there too, no leaf lies across one, so no cut
 * is ever in the middle of a leaf, which cannot be unmapped by halves.
 */
#define STEP_BYTES	SZ_1G

/* Of what may be cached of a range: leaves of whatever size. */
#define ANY_LEAF	U64_MAX

static void free_resv_regions(struct list_head *regions)
{
	struct iommu_resv_region *r, *next;

	list_for_each_entry_safe(r, next, regions, list) {
		list_del(&r->list);
		kfree(r);
	}
}

/* A real MSI region wins over the software window, should both be named. */
static void take_resv_region(struct hwdbm_group *g,
			     const struct iommu_resv_region *r, bool *hw_msi)
{
	if (r->type == IOMMU_RESV_MSI)
		*hw_msi = true;
	if (r->type == IOMMU_RESV_SW_MSI) {
		g->sw_msi = true;
		g->sw_msi_base = r->start;
	}
	if (r->type == IOMMU_RESV_DIRECT_RELAXABLE || !r->length)
		return;
	g->resv[g->nr_resv].first = r->start;
	g->resv[g->nr_resv].last = r->start + r->length - 1;
	g->nr_resv++;
}

struct hwdbm_group *hwdbm_group_alloc(struct iommu_group *iommu_group)
{
	struct iommu_resv_region *r;
	struct hwdbm_group *g;
	LIST_HEAD(regions);
	bool hw_msi = false;
	size_t nr = 0;
	int ret;

	ret = iommu_get_group_resv_regions(iommu_group, &regions);
	if (ret) {
		g = ERR_PTR(ret);
		goto out;
	}
	list_for_each_entry(r, &regions, list)
		nr++;
	g = kzalloc(struct_size(g, resv, nr), GFP_KERNEL_ACCOUNT);
	if (!g) {
		g = ERR_PTR(-ENOMEM);
		goto out;
	}
	g->iommu_group = iommu_group;
	list_for_each_entry(r, &regions, list)
		take_resv_region(g, r, &hw_msi);
	g->sw_msi &= !hw_msi;
out:
	free_resv_regions(&regions);
	return g;
}

static int count_device(struct device *dev, void *data)
{
	++*(unsigned int *)data;
	return 0;
}

bool hwdbm_group_single(const struct hwdbm_group *g)
{
	unsigned int n = 0;

	iommu_group_for_each_dev(g->iommu_group, &n, count_device);
	return n == 1;
}

bool hwdbm_group_msi_safe(const struct hwdbm_group *g)
{
	return hwdbm_compat_group_isolated_msi(g->iommu_group);
}

struct name_request {
	char *name;
	size_t size;
};

/* Copied while the kernel holds the group's lock: then the device may go. */
static int copy_device_name(struct device *dev, void *data)
{
	struct name_request *req = data;

	strscpy(req->name, dev_name(dev), req->size);
	return 1;
}

void hwdbm_group_device_name(const struct hwdbm_group *g, char *name,
			     size_t size)
{
	struct name_request req = { .name = name, .size = size };

	strscpy(name, "no device", size);
	iommu_group_for_each_dev(g->iommu_group, &req, copy_device_name);
}

static int device_cannot_track(struct device *dev, void *data)
{
	return !hwdbm_compat_dev_tracks_dirty(dev);
}

struct alloc_request {
	bool dirty;
	struct iommu_domain *domain;
};

/* The kernel holds the group's lock, so the device cannot go. */
static int alloc_for_first_device(struct device *dev, void *data)
{
	struct alloc_request *req = data;

	req->domain = hwdbm_compat_domain_alloc(dev, req->dirty);
	return 1;
}

static struct iommu_domain *alloc_iommu_domain(struct iommu_group *group,
					       bool dirty)
{
	struct alloc_request req = {
		.dirty = dirty,
		.domain = ERR_PTR(-ENODEV),
	};

	iommu_group_for_each_dev(group, &req, alloc_for_first_device);
	return req.domain;
}

/* Where tables can be read, no driver of today tells us anything itself. */
static const struct hwdbm_dirty_reader *const readers[] = {
	&hwdbm_dirty_reader_iopt,
	&hwdbm_dirty_reader_gather,
};

static const struct hwdbm_dirty_reader *
reader_for(const struct iommu_domain *domain)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(readers); i++)
		if (readers[i]->usable(domain))
			return readers[i];
	return NULL;
}

/* A domain that tracks already, with a reader for it. */
static int alloc_tracking(struct hwdbm_domain *d, struct iommu_group *group)
{
	if (iommu_group_for_each_dev(group, NULL, device_cannot_track))
		return -EOPNOTSUPP;
	d->iommu = alloc_iommu_domain(group, true);
	if (IS_ERR(d->iommu))
		return PTR_ERR(d->iommu);
	d->reader = reader_for(d->iommu);
	if (d->reader && !hwdbm_compat_set_dirty_tracking(d->iommu, true))
		return 0;
	d->reader = NULL;
	iommu_domain_free(d->iommu);
	return -EOPNOTSUPP;
}

/* A passing lack of memory must not cost the group its dirty bits for good. */
static int alloc_best(struct hwdbm_domain *d, struct iommu_group *group)
{
	int ret = alloc_tracking(d, group);

	if (!ret || ret == -ENOMEM)
		return ret;
	d->iommu = alloc_iommu_domain(group, false);
	return PTR_ERR_OR_ZERO(d->iommu);
}

static void enforce_coherency(struct hwdbm_domain *d)
{
	const struct iommu_domain_ops *ops = d->iommu->ops;

	if (ops->enforce_cache_coherency)
		d->coherent = ops->enforce_cache_coherency(d->iommu);
}

struct hwdbm_domain *hwdbm_domain_alloc(struct hwdbm_group *g)
{
	struct hwdbm_domain *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!d)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&d->groups);
	ret = alloc_best(d, g->iommu_group);
	if (ret)
		goto free;
	ret = hwdbm_domain_attach(d, g);
	if (ret)
		goto free_iommu;
	enforce_coherency(d);
	return d;

free_iommu:
	iommu_domain_free(d->iommu);
free:
	kfree(d);
	return ERR_PTR(ret);
}

void hwdbm_domain_free(struct hwdbm_domain *d)
{
	WARN_ON_ONCE(!list_empty(&d->groups));
	iommu_domain_free(d->iommu);
	kfree(d);
}

/*
 * A domain that cannot track would take a group that can and hide its dirty
 * bits; one without coherency would break what KVM was told of the device.
 */
bool hwdbm_domain_joinable(const struct hwdbm_domain *d,
			   const struct hwdbm_domain *fresh)
{
	return d->iommu->ops == fresh->iommu->ops &&
	       d->coherent == fresh->coherent && d->reader == fresh->reader;
}

/* Once the last group has left, messages still name a device of that. */
static void update_name(struct hwdbm_domain *d)
{
	const struct hwdbm_group *g;

	g = list_first_entry_or_null(&d->groups, struct hwdbm_group, next);
	if (g)
		hwdbm_group_device_name(g, d->name, sizeof(d->name));
}

int hwdbm_domain_attach(struct hwdbm_domain *d, struct hwdbm_group *g)
{
	int ret = iommu_attach_group(d->iommu, g->iommu_group);

	if (ret)
		return ret;
	list_add(&g->next, &d->groups);
	update_name(d);
	return 0;
}

void hwdbm_domain_detach(struct hwdbm_domain *d, struct hwdbm_group *g)
{
	iommu_detach_group(d->iommu, g->iommu_group);
	list_del(&g->next);
	update_name(d);
}

int hwdbm_domain_set_msi(struct hwdbm_domain *d, const struct hwdbm_group *g)
{
	int ret;

	if (!g->sw_msi)
		return 0;
	ret = iommu_get_msi_cookie(d->iommu, g->sw_msi_base);
	return ret == -ENODEV ? 0 : ret;
}

struct hwdbm_iova_range hwdbm_domain_aperture(const struct hwdbm_domain *d)
{
	return (struct hwdbm_iova_range){
		.first = d->iommu->geometry.aperture_start,
		.last = d->iommu->geometry.aperture_end,
	};
}

unsigned long hwdbm_domain_pgsizes(const struct hwdbm_domain *d)
{
	return d->iommu->pgsize_bitmap;
}

/* Bytes from @iova to the next cut, or to the end of @left. */
static u64 step_bytes(u64 iova, u64 left)
{
	return min(left, STEP_BYTES - iova % STEP_BYTES);
}

/* Bytes from @iova on that are mapped to @phys on, at most @bytes. */
static u64 mapped_bytes(const struct hwdbm_domain *d, u64 iova, u64 phys,
			u64 bytes)
{
	u64 n = 0;

	while (n < bytes && iommu_iova_to_phys(d->iommu, iova + n) == phys + n)
		n += PAGE_SIZE;
	return n;
}

/*
 * VT-d's driver (6.12) leaves what it had mapped when it runs out of memory in
 * the middle, and the core does not know. The pages are going to be unpinned,
 * so no device may reach them. Only what is found is unmapped: over a hole the
 * same driver would round up and take a neighbour along.
 */
static void sweep_failed_map(struct hwdbm_domain *d, u64 iova, u64 phys,
			     u64 bytes)
{
	u64 at = 0;

	while (at < bytes) {
		u64 n = mapped_bytes(d, iova + at, phys + at, bytes - at);

		if (n)
			hwdbm_domain_unmap(d, iova + at, n);
		at += n ?: PAGE_SIZE;
		cond_resched();
	}
}

int hwdbm_domain_map(struct hwdbm_domain *d, u64 iova, u64 phys, u64 bytes,
		     int prot)
{
	u64 done = 0;

	while (done < bytes) {
		u64 step = step_bytes(iova + done, bytes - done);
		int ret = hwdbm_compat_iommu_map(d->iommu, iova + done,
						 phys + done, step,
						 prot | IOMMU_CACHE);

		if (ret) {
			sweep_failed_map(d, iova + done, phys + done, step);
			hwdbm_domain_unmap(d, iova, done);
			return ret;
		}
		done += step;
		cond_resched();
	}
	return 0;
}

bool hwdbm_domain_unmap(struct hwdbm_domain *d, u64 iova, u64 bytes)
{
	bool all = true;

	while (bytes) {
		u64 step = step_bytes(iova, bytes);

		all &= !WARN_ON_ONCE(iommu_unmap(d->iommu, iova, step) != step);
		iova += step;
		bytes -= step;
		cond_resched();
	}
	return all;
}

u64 hwdbm_domain_run(const struct hwdbm_domain *d, u64 iova, u64 last,
		     u64 *phys)
{
	*phys = iommu_iova_to_phys(d->iommu, iova);
	return mapped_bytes(d, iova, *phys, step_bytes(iova, last - iova + 1));
}

struct run_batch {
	u64 first;
	u64 last;
	unsigned int nr;
	struct {
		u64 phys;
		u64 bytes;
	} run[RUNS_PER_FLUSH];
};

static void flush_runs(struct hwdbm_domain *d,
		       struct iommu_iotlb_gather *gather,
		       struct run_batch *batch,
		       void (*release)(void *ctx, u64 phys, u64 bytes),
		       void *ctx)
{
	unsigned int i;

	/* Not every driver notes what it has unmapped, nor does every core. */
	if (batch->nr && gather->start > gather->end) {
		gather->start = batch->first;
		gather->end = batch->last;
	}
	if (gather->start <= gather->end)
		iommu_iotlb_sync(d->iommu, gather);
	for (i = 0; i < batch->nr; i++) {
		release(ctx, batch->run[i].phys, batch->run[i].bytes);
		cond_resched();
	}
	batch->nr = 0;
}

void hwdbm_domain_unmap_runs(struct hwdbm_domain *d, u64 iova, u64 last,
			     void (*release)(void *ctx, u64 phys, u64 bytes),
			     void *ctx)
{
	struct iommu_iotlb_gather gather;
	struct run_batch batch;
	u64 left = last - iova + 1;

	batch.nr = 0;
	iommu_iotlb_gather_init(&gather);
	while (left) {
		u64 phys, bytes = hwdbm_domain_run(d, iova, last, &phys);
		size_t unmapped;

		unmapped = iommu_unmap_fast(d->iommu, iova, bytes, &gather);
		/*
		 * A driver that will not unmap keeps the pages reachable by
		 * the device: they stay pinned, which leaks them but harms
		 * nobody.
		 */
		if (WARN_ON_ONCE(unmapped != bytes))
			break;
		if (!batch.nr)
			batch.first = iova;
		batch.last = iova + bytes - 1;
		batch.run[batch.nr].phys = phys;
		batch.run[batch.nr].bytes = bytes;
		if (++batch.nr == RUNS_PER_FLUSH)
			flush_runs(d, &gather, &batch, release, ctx);
		iova += bytes;
		left -= bytes;
		cond_resched();
	}
	flush_runs(d, &gather, &batch, release, ctx);
}

int hwdbm_domain_harvest(struct hwdbm_domain *d, struct hwdbm_harvest *h)
{
	int ret = d->reader->harvest(d->iommu, h);

	if (h->clear && h->flush_first <= h->flush_last)
		hwdbm_compat_iotlb_sync_range(d->iommu, h->flush_first,
					      h->flush_last, h->flush_sizes);
	return ret;
}

int hwdbm_domain_seal(struct hwdbm_domain *d, u64 first, u64 last)
{
	int ret;

	if (!d->reader->seal)
		return 0;
	ret = d->reader->seal(d->iommu, first, last);
	hwdbm_compat_iotlb_sync_range(d->iommu, first, last, ANY_LEAF);
	return ret;
}

int hwdbm_domain_forget(struct hwdbm_domain *d, u64 first, u64 last)
{
	int ret = d->reader->forget(d->iommu, first, last);

	hwdbm_compat_iotlb_sync_range(d->iommu, first, last, ANY_LEAF);
	return ret;
}
