// SPDX-License-Identifier: GPL-2.0-only
/* Control: must not compile, or no probe's "yes" means anything. */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(iommu_domain_free, int (struct iommu_domain *));
#endif
