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

/*
 * Runs a test that must leave the container as it was. Each program has a world
 * of its own.
 */
struct world;
void balance_run(int container, void (*test)(struct world *w), struct world *w,
		 const char *name);

#endif
