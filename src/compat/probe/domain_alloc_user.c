// SPDX-License-Identifier: GPL-2.0-only
/* Drivers allocate a tracking domain by domain_alloc_user (6.7 to 6.13). */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(PROBE_MEMBER(struct iommu_ops, domain_alloc_user),
	   struct iommu_domain *(*)(struct device *, u32, struct iommu_domain *,
				    const struct iommu_user_data *));
#endif
