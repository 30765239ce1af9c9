// SPDX-License-Identifier: GPL-2.0-only
/* A domain names the ops that it came from. */
#include <linux/iommu.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(PROBE_MEMBER(struct iommu_domain, owner), const struct iommu_ops *);
#endif
