// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user without any right but to /dev/vfio/vfio, which is everybody's; and one
 * who was given a group besides. They are let into nothing else, and use up no
 * memory but what their own limits allow: of locked memory, of mappings, and of
 * their memory cgroup.
 *
 * Wants two edus and the module sim.
 */
#include "simdev.h"
#include "tap.h"
#include "tests.h"

#include <stdio.h>

int stranger_container(struct vfio_dev *dev)
{
	int container = vfio_container_open(), ret;

	if (container < 0)
		return container;
	ret = vfio_group_open(dev);
	if (!ret)
		ret = vfio_group_attach(dev, container);
	if (!ret)
		ret = vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU);
	if (!ret)
		ret = vfio_device_open(dev);
	return ret ? ret : container;
}

int main(void)
{
	struct vfio_dev edus[2];
	struct world w = { 0 };

	puts("TAP version 13");
	if (vfio_find_edus(edus, 2) < 2)
		tap_bail("this test wants two edus at vfio-pci");
	if (!sim_find(&w.sim, 1))
		tap_bail("this test wants the module sim");
	w.edu = edus[0];
	w.others_group = edus[1].group_nr;
	cgroup_mount();
	counters_baseline(&w.idle);
	test_alone(&w);
	stranger_give(&w.edu, NOBODY);
	stranger_give(&w.sim, NOBODY);
	test_limits(&w);
	test_mappings(&w);
	test_start(&w);
	test_tables(&w);
	test_log(&w);
	test_bitmap(&w);
	test_pins(&w);
	test_ghosts(&w);
	stranger_give(&w.edu, 0);
	stranger_give(&w.sim, 0);
	return tap_done();
}
