// SPDX-License-Identifier: GPL-2.0-only
/* pin_user_pages_remote() hands out no VMAs. */
#include <linux/mm.h>

#include "probe.h"

#ifndef PROBE_BASE
PROBE_TYPE(&pin_user_pages_remote,
	   long (*)(struct mm_struct *, unsigned long, unsigned long,
		    unsigned int, struct page **, int *));
#endif
