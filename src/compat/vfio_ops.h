/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VFIO and a container backend know of each other.
 *
 * VFIO declares its table of callbacks in a header of its own folder, which no
 * package of kernel headers ships. This is our statement of the same layout,
 * under the kernel's names so that scripts/check-ops can compare the types in
 * BTF. The compiler checks our arithmetic here, never the kernel's: a kernel is
 * admitted by fence.c only after check-ops has passed on it.
 */
#ifndef HWDBM_COMPAT_VFIO_OPS_H
#define HWDBM_COMPAT_VFIO_OPS_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "probes.h"

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

/* What VFIO says of a group when it attaches one. */
enum vfio_group_type {
	VFIO_IOMMU,		/* devices behind an IOMMU */
	VFIO_EMULATED_IOMMU,	/* mdev and the like: the driver pins what it touches */
	VFIO_NO_IOMMU,		/* devices that nothing confines */
};

#if HWDBM_HAS_VFIO_OPS_NOTIFY
/* The container's file is being closed. Left NULL here: release() follows. */
enum vfio_iommu_notify_type {
	VFIO_IOMMU_CONTAINER_CLOSE = 0,
};
#endif

/*
 * VFIO calls these with a reference on @owner. It holds its list of drivers
 * locked around open() and its container's lock around the group calls; what
 * open() returned comes back as the first argument of all others.
 */
struct vfio_iommu_driver_ops {
	char *name;
	struct module *owner;
	void *(*open)(unsigned long arg);
	void (*release)(void *iommu_data);
	long (*ioctl)(void *iommu_data, unsigned int cmd, unsigned long arg);
	int (*attach_group)(void *iommu_data, struct iommu_group *group,
			    enum vfio_group_type type);
	void (*detach_group)(void *iommu_data, struct iommu_group *group);
	int (*pin_pages)(void *iommu_data, struct iommu_group *group,
			 dma_addr_t user_iova, int npage, int prot,
			 struct page **pages);
	void (*unpin_pages)(void *iommu_data, dma_addr_t user_iova, int npage);
	void (*register_device)(void *iommu_data, struct vfio_device *vdev);
	void (*unregister_device)(void *iommu_data, struct vfio_device *vdev);
	int (*dma_rw)(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *iommu_data,
						   struct iommu_group *group);
#if HWDBM_HAS_VFIO_OPS_NOTIFY
	void (*notify)(void *iommu_data, enum vfio_iommu_notify_type event);
#endif
};

#define HWDBM_OPS_AT(member, index) \
	static_assert(offsetof(struct vfio_iommu_driver_ops, member) == \
		      (index) * sizeof(void *))

HWDBM_OPS_AT(name, 0);
HWDBM_OPS_AT(owner, 1);
HWDBM_OPS_AT(open, 2);
HWDBM_OPS_AT(release, 3);
HWDBM_OPS_AT(ioctl, 4);
HWDBM_OPS_AT(attach_group, 5);
HWDBM_OPS_AT(detach_group, 6);
HWDBM_OPS_AT(pin_pages, 7);
HWDBM_OPS_AT(unpin_pages, 8);
HWDBM_OPS_AT(register_device, 9);
HWDBM_OPS_AT(unregister_device, 10);
HWDBM_OPS_AT(dma_rw, 11);
HWDBM_OPS_AT(group_iommu_domain, 12);
static_assert(sizeof(struct vfio_iommu_driver_ops) ==
	      (13 + HWDBM_HAS_VFIO_OPS_NOTIFY) * sizeof(void *));

#undef HWDBM_OPS_AT

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* HWDBM_COMPAT_VFIO_OPS_H */
