// SPDX-License-Identifier: GPL-2.0-only
#include "dirtyops.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

void start_logging(struct rig *rig)
{
	int ret = vfio_dirty_flag(rig->container, DIRTY_START);

	if (ret)
		tap_bail("START: %s", strerror(-ret));
}

void stop_logging(struct rig *rig)
{
	int ret = vfio_dirty_flag(rig->container, DIRTY_STOP);

	if (ret)
		tap_bail("STOP: %s", strerror(-ret));
}

void write_pages(struct rig *rig, const char *pages)
{
	uint64_t n;

	for (n = 0; pages[n]; n++)
		if (pages[n] == '1')
			rig_write(rig, page_at(n));
}

/* Usage: dirtyops [2m] */
int main(int argc, char **argv)
{
	bool big = argc > 1 && !strcmp(argv[1], "2m");
	struct rig rig;

	puts("TAP version 13");
	if (big == rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=%d", !big);
	if (!big)
		test_taller();
	if (!rig_open(&rig, 0))
		tap_bail("no edu device is bound to vfio-pci");
	vfio_expect_policy(rig.container, VFIO_HWDBM_POLICY_HWDBM);
	test_leaves(&rig);
	if (big) {
		test_contiguous(&rig);
	} else {
		test_basics(&rig);
		test_bitmaps(&rig);
		test_chunks(&rig);
		test_mappings(&rig);
		test_callers(&rig);
	}
	tap_ok(vfio_dma_avail(rig.container) > 0, "the container still answers");
	rig_close(&rig);
	return tap_done();
}
