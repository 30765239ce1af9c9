// SPDX-License-Identifier: GPL-2.0-only
/* The core allocates a tracking domain for a device. */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(&iommu_paging_domain_alloc_flags,
	   struct iommu_domain *(*)(struct device *, unsigned int));
#endif
