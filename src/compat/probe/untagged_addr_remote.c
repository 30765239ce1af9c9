// SPDX-License-Identifier: GPL-2.0-only
/* What of an address are tags is known for other processes, too (6.4). */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "probe.h"

#ifndef PROBE_BASE
/* A macro, and one that no assertion can hold. */
#ifndef untagged_addr_remote
#error "no"
#endif
#endif
