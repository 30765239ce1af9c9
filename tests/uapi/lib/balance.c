// SPDX-License-Identifier: GPL-2.0-only
#include "balance.h"
#include "tap.h"
#include "vfio.h"

#include <stdbool.h>
#include <unistd.h>

#define TRIES 100
#define TRY_US 20000	/* what exited processes leave is freed late */

void balance_take(struct balance *b, int container)
{
	counters_read(&b->counters);
	b->avail = vfio_dma_avail(container);
	b->container = container;
}

static bool same(const struct balance *a, const struct balance *b)
{
	return a->counters.pins == b->counters.pins &&
	       a->counters.locked == b->counters.locked && a->avail == b->avail;
}

void balance_same(const struct balance *b, const char *after)
{
	struct balance now;
	int i;

	balance_take(&now, b->container);
	for (i = 0; i < TRIES && !same(b, &now); i++) {
		usleep(TRY_US);
		balance_take(&now, b->container);
	}
	if (tap_ok(same(b, &now), "%s: nothing is left", after))
		return;
	tap_diag("pinned pages %ld, were %ld; locked %ld KiB, were %ld; room for %ld mappings, was %ld",
		 now.counters.pins, b->counters.pins, now.counters.locked,
		 b->counters.locked, now.avail, b->avail);
}

void balance_run(int container, void (*test)(struct world *w), struct world *w,
		 const char *name)
{
	struct balance before;

	balance_take(&before, container);
	test(w);
	balance_same(&before, name);
}
