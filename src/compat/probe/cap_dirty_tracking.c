// SPDX-License-Identifier: GPL-2.0-only
/* A device can be asked whether its DMA is tracked (since 6.7). */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
static_assert(IOMMU_CAP_DIRTY_TRACKING >= 0);
#endif
