// SPDX-License-Identifier: GPL-2.0-only
/* iommu_map() takes GFP flags. */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(&iommu_map, int (*)(struct iommu_domain *, unsigned long, phys_addr_t,
			       size_t, int, gfp_t));
#endif
