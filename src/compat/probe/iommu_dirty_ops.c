// SPDX-License-Identifier: GPL-2.0-only
/* Domains have dirty_ops (since 6.7). */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(PROBE_MEMBER(struct iommu_domain, dirty_ops),
	   const struct iommu_dirty_ops *);
PROBE_TYPE(PROBE_MEMBER(struct iommu_dirty_ops, read_and_clear_dirty),
	   int (*)(struct iommu_domain *, unsigned long, size_t, unsigned long,
		   struct iommu_dirty_bitmap *));
#endif
