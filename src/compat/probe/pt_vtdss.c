// SPDX-License-Identifier: GPL-2.0-only
/* The tables of VT-d second stage are generic_pt's, and it tells where they are. */
#include <linux/kconfig.h>

#include "probe.h"

#ifndef PROBE_BASE
#include <linux/generic_pt/iommu.h>

static_assert(IS_REACHABLE(CONFIG_IOMMU_PT_VTDSS));
PROBE_TYPE(&pt_iommu_vtdss_hw_info,
	   void (*)(struct pt_iommu_vtdss *, struct pt_iommu_vtdss_hw_info *));
#endif
