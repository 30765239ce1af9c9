// SPDX-License-Identifier: GPL-2.0-only
/* Devices say whether their DMA is tracked, domains have dirty_ops (6.7). */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
static_assert(IOMMU_CAP_DIRTY_TRACKING >= 0);
PROBE_TYPE(PROBE_MEMBER(struct iommu_domain, dirty_ops),
	   const struct iommu_dirty_ops *);
PROBE_TYPE(PROBE_MEMBER(struct iommu_dirty_ops, read_and_clear_dirty),
	   int (*)(struct iommu_domain *, unsigned long, size_t, unsigned long,
		   struct iommu_dirty_bitmap *));
#endif
