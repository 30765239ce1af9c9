// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: bar [--type stock|claimed]
 * Wants two edu devices and an ivshmem-plain, whose BAR 2 is RAM of any size.
 */
#include "balance.h"
#include "bar.h"
#include "counters.h"
#include "tap.h"

#include <stdio.h>

#define IVSHMEM_ID "0x1110"

int main(int argc, char **argv)
{
	struct counters before;
	struct world w = { 0 };

	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_HWDBM_IOMMU);
	counters_read(&before);
	backend_open(&w.rig, 0);
	bar_open(&w.small, "0x11e8", 1, VFIO_PCI_BAR0_REGION_INDEX);
	bar_open(&w.big, IVSHMEM_ID, 0, VFIO_PCI_BAR2_REGION_INDEX);
	tap_diag("BARs of %lu KiB and %lu MiB", w.small.size >> 10,
		 w.big.size >> 20);
	balance_run(w.rig.container, test_small, &w, "a small BAR");
	balance_run(w.rig.container, test_mixed, &w, "BAR and RAM in one mapping");
	balance_run(w.rig.container, test_big, &w, "a big BAR");
	balance_run(w.rig.container, test_log, &w, "the log of a BAR");
	bar_close(&w.small);
	balance_run(w.rig.container, test_join, &w, "a group joins");
	balance_run(w.rig.container, test_gone, &w, "a device that is gone");
	/* closing has to clean up */
	tap_ret(bar_map(&w, w.big.at, IOVA, w.big.size), 0,
		"MAP before the container is closed");
	rig_close(&w.rig);
	bar_close(&w.big);
	counters_back(&before, "closed with a BAR mapped");
	return tap_done();
}
