/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel's structs what a reader of dirty bits may look at. */
#ifndef SHIM_LINUX_IOMMU_H
#define SHIM_LINUX_IOMMU_H

/* In the kernel these come along as well. */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/types.h>

#include <asm/page.h>

struct iommu_group;

struct iommu_domain {
	unsigned long pgsize_bitmap;
};

struct iommu_iotlb_gather {
	unsigned long start;
	unsigned long end;
};

#endif
