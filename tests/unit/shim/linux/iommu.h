/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel's structs what a reader of dirty bits may look at. */
#ifndef SHIM_LINUX_IOMMU_H
#define SHIM_LINUX_IOMMU_H

/* In the kernel these come along as well. */
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/types.h>

#include <asm/page.h>

struct iommu_group;

struct iommu_domain;
struct iommu_dirty_bitmap;

struct iommu_domain_ops {
	phys_addr_t (*iova_to_phys)(struct iommu_domain *domain, u64 iova);
};

struct iommu_dirty_ops {
	int (*read_and_clear_dirty)(struct iommu_domain *domain,
				    unsigned long iova, size_t size,
				    unsigned long flags,
				    struct iommu_dirty_bitmap *dirty);
};

struct iommu_domain {
	const struct iommu_domain_ops *ops;
	const struct iommu_dirty_ops *dirty_ops;
	unsigned long pgsize_bitmap;
};

struct iommu_iotlb_gather {
	unsigned long start;
	unsigned long end;
};

#endif
