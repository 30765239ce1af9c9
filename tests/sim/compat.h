/* SPDX-License-Identifier: GPL-2.0-only */
/* What depends on the kernel's version: 6.1, 6.12, or 7.2 and 7.3. */
#ifndef HWDBM_SIM_COMPAT_H
#define HWDBM_SIM_COMPAT_H

#include <linux/module.h>
#include <linux/version.h>
#include <linux/vfio.h>

#define SIM_KERNEL_SINCE(major, minor) \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/*
 * On 6.1 there are none: it has no dirty bits, has one driver for all IOMMUs of
 * a machine, and asks that for a domain without naming a device. Kbuild says
 * the same.
 */
#define SIM_HAS_IOMMUS	SIM_KERNEL_SINCE(6, 12)

/* Each is NULL where the kernel has no iommufd. */
#if SIM_KERNEL_SINCE(6, 12)
#define SIM_IOMMUFD_OPS(kind) \
	.bind_iommufd = vfio_iommufd_##kind##_bind, \
	.unbind_iommufd = vfio_iommufd_##kind##_unbind, \
	.attach_ioas = vfio_iommufd_##kind##_attach_ioas, \
	.detach_ioas = vfio_iommufd_##kind##_detach_ioas,
#else
#define SIM_IOMMUFD_OPS(kind)
#endif

/* Whose release() is to free it? */
static inline void sim_vfio_free(struct vfio_device *vfio)
{
#if !SIM_KERNEL_SINCE(6, 12)
	vfio_free_device(vfio);
#endif
}

/* A platform driver's remove(), which cannot fail. */
#if SIM_KERNEL_SINCE(6, 12)
#define SIM_REMOVE_RETURNS	void
#define SIM_REMOVED
#else
#define SIM_REMOVE_RETURNS	int
#define SIM_REMOVED		0
#endif

/* Where iommufd is configured, dirty bits are its bitmap's. */
#if SIM_KERNEL_SINCE(7, 0)
#define SIM_IMPORT_IOMMUFD	MODULE_IMPORT_NS("IOMMUFD")
#else
#define SIM_IMPORT_IOMMUFD	MODULE_IMPORT_NS(IOMMUFD)
#endif

/* Arguments of a domain's attach_dev(); nobody here asks for the old one. */
#if SIM_KERNEL_SINCE(7, 0)
#define SIM_ATTACH_ARGS(core, dev) \
	struct iommu_domain *core, struct device *dev, struct iommu_domain *old
#else
#define SIM_ATTACH_ARGS(core, dev) \
	struct iommu_domain *core, struct device *dev
#endif

#if SIM_HAS_IOMMUS
struct iommu_domain *sim_alloc_flags(struct device *dev, u32 flags,
				     const struct iommu_user_data *user_data);

static inline struct iommu_domain *
sim_alloc_user(struct device *dev, u32 flags, struct iommu_domain *parent,
	       const struct iommu_user_data *user_data)
{
	return parent ? ERR_PTR(-EOPNOTSUPP) :
			sim_alloc_flags(dev, flags, user_data);
}
#endif

/* Who allocates a domain that may track, and by which of the two above. */
#if SIM_KERNEL_SINCE(7, 0)
#define domain_alloc_sim	domain_alloc_paging_flags
#define SIM_ALLOC		sim_alloc_flags
#else
#define domain_alloc_sim	domain_alloc_user
#define SIM_ALLOC		sim_alloc_user
#endif

#endif
