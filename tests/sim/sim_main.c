// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: devices that no VM has. Each kind is a file of its own.
 *
 * emulated	how many VFIO devices with an emulated IOMMU there are (default 2)
 */

#include "internal.h"

#include <linux/module.h>

static unsigned int emulated = 2;
module_param(emulated, uint, 0444);
MODULE_PARM_DESC(emulated, "VFIO devices with an emulated IOMMU");

static int __init sim_init(void)
{
	return emul_devices_add(emulated);
}
module_init(sim_init);

static void __exit sim_exit(void)
{
	emul_devices_remove();
}
module_exit(sim_exit);

MODULE_DESCRIPTION("Simulated devices, to test VFIO backends");
MODULE_LICENSE("GPL");
