// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernels that this module may be built for, and nothing else: not linked
 * into it. This and vfio_ops_notify.c look at a version number, because what
 * decides is the layout of a struct that no header shows. dkms.conf says the
 * same in BUILD_EXCLUSIVE_KERNEL. Widen both only after scripts/check-ops has
 * passed on the new kernel's own vfio.ko.
 */
#include <linux/kconfig.h>
#include <linux/version.h>

#define VERIFIED(major, minor)	\
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(major, minor + 1, 0))

/* Containers are optional since 6.2. */
#define HAS_CONTAINERS \
	(IS_ENABLED(CONFIG_VFIO_CONTAINER) || \
	 (VERIFIED(6, 1) && IS_ENABLED(CONFIG_VFIO)))

#if !VERIFIED(6, 1) && !VERIFIED(6, 12) && !VERIFIED(7, 2) && !VERIFIED(7, 3)
#error "vfio_iommu_type1_hwdbm: not verified on this kernel, only on 6.1, 6.12, 7.2 and 7.3; see README.md, 'What it runs on'"
#elif !IS_ENABLED(CONFIG_64BIT)
#error "vfio_iommu_type1_hwdbm: needs a 64-bit kernel"
#elif !HAS_CONTAINERS
#error "vfio_iommu_type1_hwdbm: this kernel has no VFIO containers (CONFIG_VFIO_CONTAINER is off)"
#elif !IS_ENABLED(CONFIG_IOMMU_API)
#error "vfio_iommu_type1_hwdbm: this kernel has no IOMMU support (CONFIG_IOMMU_API is off)"
#endif
