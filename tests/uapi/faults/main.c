// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: faults [--only TEXT]   operations whose name has TEXT
 *
 * Wants one or two edus, or devices of simulated IOMMUs: one behind the first,
 * two behind the second, one behind a third, which cannot track; and the module sim
 * for all that a device without an IOMMU does. Allocations and copies fail on a
 * kernel with fault injection only, calls to the IOMMU only where that is
 * simulated; memory fails everywhere. The module has no threads of its own, so
 * that all of its work is in reach of a thread's own injection.
 */
#include "faults.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct op *const lists[] = {
	ops_container, ops_map, ops_unmap, ops_log, ops_emul,
};

static const char *only;

static bool wanted(const struct op *op)
{
	return !only || strstr(op->name, only);
}

static void sweep_all(const struct source *s)
{
	const struct op *op;
	unsigned int i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (op = lists[i]; op->name; op++)
			if (wanted(op))
				sweep(op, s);
}

static void sweep_iommu(void)
{
	const struct source *s;

	if (w.nr_dma != MAX_DMA) {
		tap_skip("errors of the IOMMU", "it is not a simulated one");
		return;
	}
	for (s = iommu_sources; s->name; s++)
		sweep_all(s);
}

int main(int argc, char **argv)
{
	const char *missing;

	puts("TAP version 13");
	if (argc == 3 && !strcmp(argv[1], "--only"))
		only = argv[2];
	else if (argc > 1)
		tap_bail("usage: faults [--only TEXT]");
	world_find();
	counters_baseline(&w.idle);
	missing = nth_missing();
	if (missing)
		tap_skip("memory and copies that fail", missing);
	else
		sweep_all(&nth_source);
	sweep_iommu();
	if (!missing || w.simulated)
		sweep_total();
	if (!only) {
		test_memory();
		test_killed();
	}
	world_close();
	counters_back(&w.idle, "all of it");
	return tap_done();
}
