/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a step takes while its container stays open, and must give back. Pages
 * of IOMMU tables are not asked for: a domain keeps them for the next mapping.
 */
#ifndef HWDBM_TEST_BALANCE_H
#define HWDBM_TEST_BALANCE_H

#include "counters.h"

struct balance {
	struct counters counters;
	long avail;		/* mappings that the container can take */
	int container;
};

void balance_take(struct balance *b, int container);

/* A test point: all is as it was when taken. Waits, with a bound. */
void balance_same(const struct balance *b, const char *after);

#endif
