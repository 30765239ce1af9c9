// SPDX-License-Identifier: GPL-2.0-only
/* Control: must compile, or no probe's "no" means anything. */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vfio.h>

#include "probe.h"

PROBE_TYPE(&iommu_domain_free, void (*)(struct iommu_domain *));
