// SPDX-License-Identifier: GPL-2.0-only
/* Module init and exit, parameters, registration with VFIO. */

#include <linux/limits.h>
#include <linux/module.h>

#include "compat/vfio_ops.h"
#include "container.h"
#include "version.h"

struct hwdbm_params hwdbm_params = {
	.dma_entry_limit = U16_MAX,
};

module_param_named(allow_unsafe_interrupts,
		   hwdbm_params.allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Serve devices whose interrupts are not remapped: a guest can then raise any interrupt of the host (default: N)");
module_param_named(disable_hugepages, hwdbm_params.disable_hugepages, bool,
		   0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map page by page, so that dirty pages are told apart at the smallest size (default: N)");
module_param_named(dma_entry_limit, hwdbm_params.dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Most mappings a container may hold, read when it is opened (default: 65535)");

static int __init hwdbm_init(void)
{
	return vfio_register_iommu_driver(&hwdbm_vfio_ops);
}

static void __exit hwdbm_exit(void)
{
	vfio_unregister_iommu_driver(&hwdbm_vfio_ops);
}

module_init(hwdbm_init);
module_exit(hwdbm_exit);

MODULE_VERSION(HWDBM_VERSION);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vfio_iommu_type1_hwdbm developers");
MODULE_DESCRIPTION("VFIO type1 container backend with a dirty log read from the IOMMU's dirty bits");
/* Registered last is asked first, and whoever loads us wants stock there too. */
MODULE_SOFTDEP("pre: vfio_iommu_type1");
