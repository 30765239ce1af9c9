// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: devices that no VM has. Each kind is a file of its own.
 *
 * emulated	how many VFIO devices with an emulated IOMMU there are (default 2)
 *
 * iommu.c has the parameters of the simulated IOMMUs, which not every kernel has.
 */

#include "internal.h"
#include "iommu.h"

#include <linux/module.h>

static unsigned int emulated = 2;
module_param(emulated, uint, 0444);
MODULE_PARM_DESC(emulated, "VFIO devices with an emulated IOMMU");

/* No simulated IOMMUs here: compat.h says why. */
#if !SIM_HAS_IOMMUS
int sim_iommus_add(void)
{
	return 0;
}

void sim_iommus_remove(void)
{
}
#endif

static int __init sim_init(void)
{
	int ret = emul_devices_add(emulated);

	if (ret)
		return ret;
	ret = edu_driver_add();
	if (ret)
		goto remove_emul;
	ret = sim_iommus_add();
	if (ret)
		goto remove_edu;
	return 0;

remove_edu:
	edu_driver_remove();
remove_emul:
	emul_devices_remove();
	return ret;
}
module_init(sim_init);

static void __exit sim_exit(void)
{
	sim_iommus_remove();
	edu_driver_remove();
	emul_devices_remove();
}
module_exit(sim_exit);

MODULE_DESCRIPTION("Simulated devices, to test VFIO backends");
MODULE_LICENSE("GPL");
SIM_IMPORT_IOMMUFD;
