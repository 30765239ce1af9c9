// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU drivers may use generic_pt, which does not fill a gather. */
#include "probe.h"

#ifndef PROBE_BASE
#if !__has_include(<linux/generic_pt/iommu.h>)
#error "no"
#endif
#endif
