// SPDX-License-Identifier: GPL-2.0-only
/* What of an address are tags is known for other processes, too (6.4). */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(untagged_addr_remote((struct mm_struct *)NULL, 0UL), unsigned long);
#endif
