// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernels that this module may be built for, and nothing else: not linked
 * into it. The one place that looks at a version number, because what decides
 * is the layout of a struct that no header shows. dkms.conf says the same in
 * BUILD_EXCLUSIVE_KERNEL. Widen both only after scripts/check-ops has passed
 * on the new kernel's own vfio.ko.
 */
#include <linux/kconfig.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "vfio_iommu_type1_hwdbm: not verified on this kernel, only on 6.12; see README.md, 'What it runs on'"
#elif !IS_ENABLED(CONFIG_64BIT)
#error "vfio_iommu_type1_hwdbm: needs a 64-bit kernel"
#elif !IS_ENABLED(CONFIG_VFIO_CONTAINER)
#error "vfio_iommu_type1_hwdbm: this kernel has no VFIO containers (CONFIG_VFIO_CONTAINER is off)"
#elif !IS_ENABLED(CONFIG_IOMMU_API)
#error "vfio_iommu_type1_hwdbm: this kernel has no IOMMU support (CONFIG_IOMMU_API is off)"
#endif
