// SPDX-License-Identifier: GPL-2.0-only
/* VFIO's table of callbacks ends with notify (until 6.1): no header shows it. */
#include <linux/version.h>

#include "probe.h"

#ifndef PROBE_BASE
static_assert(LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0));
#endif
