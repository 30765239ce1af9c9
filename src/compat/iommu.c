// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's IOMMU API: domains, mappings, invalidation, interrupts.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/kconfig.h>
#include <linux/sizes.h>

#include "compat.h"
#include "probes.h"

#if HWDBM_HAS_IOMMU_DIRTY_OPS
#include <uapi/linux/iommufd.h>
#endif

bool hwdbm_compat_dev_tracks_dirty(struct device *dev)
{
#if HWDBM_HAS_IOMMU_DIRTY_OPS
	return device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
#else
	return false;
#endif
}

#if HWDBM_HAS_PAGING_DOMAIN_ALLOC_FLAGS && HWDBM_HAS_IOMMU_DIRTY_OPS
static struct iommu_domain *alloc_tracking(struct device *dev)
{
	return iommu_paging_domain_alloc_flags(dev,
					       IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
}
#elif HWDBM_HAS_DOMAIN_ALLOC_USER && HWDBM_HAS_IOMMU_DIRTY_OPS
/* What iommufd would fill in after this call; a driver may leave it to it. */
static void complete_domain(struct iommu_domain *domain,
			    const struct iommu_ops *ops)
{
	if (!domain->type)
		domain->type = IOMMU_DOMAIN_UNMANAGED;
	if (!domain->ops)
		domain->ops = ops->default_domain_ops;
	if (!domain->pgsize_bitmap)
		domain->pgsize_bitmap = ops->pgsize_bitmap;
#if HWDBM_HAS_DOMAIN_OWNER
	if (!domain->owner)
		domain->owner = ops;
#endif
}

static struct iommu_domain *alloc_tracking(struct device *dev)
{
	const struct iommu_ops *ops;
	struct iommu_domain *domain;

	if (!dev->iommu || !dev->iommu->iommu_dev)
		return ERR_PTR(-ENODEV);
	ops = dev->iommu->iommu_dev->ops;
	if (!ops || !ops->domain_alloc_user)
		return ERR_PTR(-EOPNOTSUPP);

	domain = ops->domain_alloc_user(dev, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
					NULL, NULL);
	if (!IS_ERR_OR_NULL(domain))
		complete_domain(domain, ops);
	return domain;
}
#else
static struct iommu_domain *alloc_tracking(struct device *dev)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif

static struct iommu_domain *alloc_plain(struct device *dev)
{
	if (!dev->iommu)
		return ERR_PTR(-ENODEV);
#if HWDBM_HAS_PAGING_DOMAIN_ALLOC
	return iommu_paging_domain_alloc(dev);
#else
	return iommu_domain_alloc(dev->bus);
#endif
}

struct iommu_domain *hwdbm_compat_domain_alloc(struct device *dev,
					       bool dirty_tracking)
{
	struct iommu_domain *domain;

	domain = dirty_tracking ? alloc_tracking(dev) : alloc_plain(dev);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(domain))
		return domain;

	if (dirty_tracking && !hwdbm_compat_has_dirty_ops(domain)) {
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return domain;
}

int hwdbm_compat_iommu_map(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t size, int prot)
{
#if HWDBM_HAS_IOMMU_MAP_GFP
	return iommu_map(domain, iova, paddr, size, prot, GFP_KERNEL_ACCOUNT);
#else
	return iommu_map(domain, iova, paddr, size, prot);
#endif
}

#if HWDBM_HAS_GROUP_ISOLATED_MSI
bool hwdbm_compat_group_isolated_msi(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}
#else
static int device_not_remapped(struct device *dev, void *data)
{
	return !device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
}

/* Interrupts are remapped for all, by an MSI controller, or by the IOMMU. */
bool hwdbm_compat_group_isolated_msi(struct iommu_group *group)
{
	return irq_domain_check_msi_remap() ||
	       !iommu_group_for_each_dev(group, NULL, device_not_remapped);
}
#endif

static void sync_leaves(struct iommu_domain *domain, unsigned long first,
			unsigned long last, unsigned long size)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.start = first & ~(size - 1);
	gather.end = last | (size - 1);
	gather.pgsize = size;
	iommu_iotlb_sync(domain, &gather);
}

/*
 * One command invalidates all of a domain. A range may take SMMUv3 one for each
 * page, millions in a row, and from 2^32 pages on it is told of too few.
 */
static bool too_large(const struct iommu_domain *domain, unsigned long first,
		      unsigned long last)
{
	return last - first >= SZ_1G && domain->ops->flush_iotlb_all;
}

/* Each size that is meant; where that is none of the domain's, all it has. */
static void sync_sizes(struct iommu_domain *domain, unsigned long first,
		       unsigned long last, u64 sizes)
{
	/* A gigabyte is the most that is mapped in one step: domain.c. */
	unsigned long todo = domain->pgsize_bitmap & GENMASK(30, 0);

	if (!(sizes & ~(u64)todo))
		todo = sizes;
	for (; todo; todo &= todo - 1)
		sync_leaves(domain, first, last, todo & -todo);
}

/* Only Arm's drivers look at the size. */
void hwdbm_compat_iotlb_sync_range(struct iommu_domain *domain,
				   unsigned long first, unsigned long last,
				   u64 sizes)
{
	if (IS_ENABLED(CONFIG_X86))
		sync_leaves(domain, first, last,
			    domain->pgsize_bitmap & -domain->pgsize_bitmap);
	else if (too_large(domain, first, last))
		iommu_flush_iotlb_all(domain);
	else
		sync_sizes(domain, first, last, sizes);
}
