// SPDX-License-Identifier: GPL-2.0-only
/* GET_INFO: the page sizes, and a chain of capabilities behind them. */

#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "container.h"
#include "dirty.h"
#include "domain.h"
#include "info.h"

/* The layout that user space was compiled with. */
static_assert(sizeof(struct vfio_iommu_type1_hwdbm_domain) == 16);
static_assert(sizeof(struct vfio_iommu_type1_info_cap_hwdbm) == 40);
static_assert(offsetof(struct vfio_iommu_type1_info_cap_hwdbm, domains) == 40);

static int fill_migration(struct hwdbm_container *c,
			  struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		/* Every size that a bit may stand for, up to 1 GiB. */
		.pgsize_bitmap = (SZ_2G - 1) & -hwdbm_container_pgsize(c),
		/* Our logs are made in chunks: there is no largest bitmap. */
		.max_dirty_bitmap_size = U64_MAX,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int fill_dma_avail(struct hwdbm_container *c, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		.header.version = 1,
	};

	mutex_lock(&c->lock);
	cap.avail = c->dma_avail;
	mutex_unlock(&c->lock);
	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int fill_iova_ranges(struct hwdbm_container *c,
			    struct vfio_info_cap *caps)
{
	const struct hwdbm_iova_ranges *r = c->iova_ranges;
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned int i;
	size_t size;
	int ret;

	/* No IOMMU has been there yet, and nothing to restrict MAP. */
	if (!r)
		return 0;
	size = struct_size(cap, iova_ranges, r->nr);
	cap = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!cap)
		return -ENOMEM;
	cap->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	cap->header.version = 1;
	cap->nr_iovas = r->nr;
	for (i = 0; i < r->nr; i++) {
		cap->iova_ranges[i].start = r->range[i].first;
		cap->iova_ranges[i].end = r->range[i].last;
	}
	ret = vfio_info_add_capability(caps, &cap->header, size);
	kfree(cap);
	return ret;
}

/* A glance: a harvest that is running may be changing it. */
static u64 log_bytes(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;
	u64 bytes = 0;

	mutex_lock(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		bytes += hwdbm_dirty_log_bytes(&m->log);
	mutex_unlock(&c->lock);
	return bytes;
}

static void fill_domain(const struct hwdbm_domain *d,
			struct vfio_iommu_type1_hwdbm_domain *to)
{
	if (hwdbm_domain_capable(d)) {
		to->flags |= VFIO_HWDBM_DOMAIN_CAPABLE;
		to->reader = d->reader->id;
	}
	if (d->tracking)
		to->flags |= VFIO_HWDBM_DOMAIN_TRACKING;
	if (READ_ONCE(d->failed))
		to->flags |= VFIO_HWDBM_DOMAIN_FAILED;
	if (d->coherent)
		to->flags |= VFIO_HWDBM_DOMAIN_COHERENT;
	to->pgsize_bitmap = hwdbm_domain_pgsizes(d);
}

static int fill_hwdbm(struct hwdbm_container *c, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_hwdbm *cap;
	const struct hwdbm_domain *d;
	size_t nr = 0, size;
	int ret;

	list_for_each_entry(d, &c->domains, next)
		nr++;
	size = struct_size(cap, domains, nr);
	cap = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!cap)
		return -ENOMEM;
	cap->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM;
	cap->header.version = 1;
	cap->policy = hwdbm_dirty_policy(c, &cap->reason);
	cap->flags = c->logging ? VFIO_HWDBM_INFO_LOGGING : 0;
	cap->granule = PAGE_SIZE;
	cap->log_bytes = log_bytes(c);
	list_for_each_entry(d, &c->domains, next)
		fill_domain(d, &cap->domains[cap->nr_domains++]);
	ret = vfio_info_add_capability(caps, &cap->header, size);
	kfree(cap);
	return ret;
}

static int (*const fillers[])(struct hwdbm_container *c,
			      struct vfio_info_cap *caps) = {
	fill_migration,
	fill_dma_avail,
	fill_iova_ranges,
	fill_hwdbm,
};

static int fill_all(struct hwdbm_container *c, struct vfio_info_cap *caps,
		    u64 *pgsizes)
{
	unsigned int i;
	int ret = 0;

	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	*pgsizes = c->pgsize_bitmap;
	for (i = 0; !ret && i < ARRAY_SIZE(fillers); i++)
		ret = fillers[i](c, caps);
	up_read(&c->domains_sem);
	return ret;
}

/* Too small a buffer gets the size that it should have, and no chain. */
static int put_chain(struct vfio_iommu_type1_info *info,
		     struct vfio_info_cap *caps, void __user *arg)
{
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	info->cap_offset = sizeof(*info);
	return copy_to_user(arg + sizeof(*info), caps->buf, caps->size) ?
		       -EFAULT : 0;
}

long hwdbm_info_get(struct hwdbm_container *c, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct vfio_info_cap caps = {};
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));

	ret = fill_all(c, &caps, &info.iova_pgsizes);
	if (!ret) {
		info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
		ret = put_chain(&info, &caps, arg);
	}
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}
