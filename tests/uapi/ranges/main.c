// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: ranges [--type stock|claimed]. IOVA ranges of a container whose groups
 * reserve different regions. Wants two edu devices, and the modules of
 * tests/vm/split and tests/sim.
 */
#include "counters.h"
#include "ranges.h"
#include "tap.h"

#include <stdio.h>

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "a group with a hole comes and goes", test_comes_and_goes },
	{ "the group without the hole leaves first", test_other_order },
	{ "the group with the hole comes first", test_holed_alone },
	{ "mappings in the way", test_conflict },
	{ "a hole that is everything", test_all_taken },
	{ "holes at the edges", test_edges },
	{ "holes at other holes", test_overlap },
	{ "with an emulated group", test_emulated },
};

int main(int argc, char **argv)
{
	struct counters before;
	unsigned int i;

	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_HWDBM_IOMMU);
	groups_find();
	counters_baseline(&before);
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		tap_diag("---- %s", tests[i].name);
		tests[i].run();
		counters_back(&before, tests[i].name);
	}
	set_hole(0, 0);
	return tap_done();
}
