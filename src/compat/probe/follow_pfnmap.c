// SPDX-License-Identifier: GPL-2.0-only
/* follow_pfnmap_start() and its kin find what is mapped without pages (6.12). */
#include <linux/mm.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(&follow_pfnmap_start, int (*)(struct follow_pfnmap_args *));
#endif
