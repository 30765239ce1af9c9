// SPDX-License-Identifier: GPL-2.0-only
/* IOMMUFD is on: iova_bitmap's functions are more than stubs. */
#include <linux/kconfig.h>

#include "probe.h"

#ifndef PROBE_BASE
static_assert(IS_ENABLED(CONFIG_IOMMUFD));
#endif
