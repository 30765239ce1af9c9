// SPDX-License-Identifier: GPL-2.0-only
/* A group can be asked whether its MSIs are isolated. */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(&iommu_group_has_isolated_msi, bool (*)(struct iommu_group *));
#endif
