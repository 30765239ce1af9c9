/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices without an IOMMU of their own (mdev and the like): their drivers pin
 * the pages that they touch, or let us copy (dma_rw). VFIO calls these for an
 * open device of the container; all may sleep.
 */
#ifndef HWDBM_EMUL_H
#define HWDBM_EMUL_H

#include <linux/types.h>

struct hwdbm_container;
struct hwdbm_mapping;
struct iommu_group;
struct page;
struct vfio_device;

/**
 * hwdbm_emul_pin() - pin pages for a driver
 * @c: the container
 * @group: the driver's device's group
 * @iova: first byte; page aligned
 * @npage: pages
 * @prot: IOMMU_READ and IOMMU_WRITE: what the driver is going to do
 * @pages: out, @npage pages; NULL for those of a call that fails
 *
 * A page is dirty for as long as it is pinned, and until it is asked for once
 * more. With the first call that pins for IOMMU_WRITE, a group of one device
 * behind an IOMMU is of pinned scope.
 *
 * Return: @npage; or with nothing pinned -EACCES in a v1 container; -EINVAL if
 * the pages go beyond the end of the address space, if one is not mapped or is
 * no memory, or if no device has registered to be told of unmaps; -EPERM if the
 * mapping does not allow @prot; -EBUSY while an address is being updated; or an
 * errno of hwdbm_pin_page().
 */
int hwdbm_emul_pin(struct hwdbm_container *c, struct iommu_group *group,
		   u64 iova, int npage, int prot, struct page **pages);

/** hwdbm_emul_unpin() - undo hwdbm_emul_pin(), page by page; cannot fail */
void hwdbm_emul_unpin(struct hwdbm_container *c, u64 iova, int npage);

/**
 * hwdbm_emul_rw() - copy to or from a device's memory on the CPU
 * @c: the container
 * @iova: first byte, any alignment
 * @data: kernel memory
 * @count: bytes
 * @write: to the mapped memory
 *
 * What is written is dirty, also where the copy fails half-way. From a kernel
 * thread, or a thread of the memory's owner.
 *
 * Return: 0; -EINVAL where nothing is mapped, and, with nothing copied, if the
 * bytes go beyond the end of the address space; -EPERM if the mapping does not
 * allow it or its owner has exited; -EFAULT if the owner's memory is not there
 * or the caller another process; -EBUSY as above. Errors may come half-way.
 */
int hwdbm_emul_rw(struct hwdbm_container *c, u64 iova, void *data, size_t count,
		  bool write);

/** hwdbm_emul_register() - tell a device of unmaps, if it wants to know */
void hwdbm_emul_register(struct hwdbm_container *c, struct vfio_device *device);

/** hwdbm_emul_unregister() - undo hwdbm_emul_register() */
void hwdbm_emul_unregister(struct hwdbm_container *c,
			   struct vfio_device *device);

/**
 * hwdbm_emul_notify() - tell all devices that a mapping is going to go
 * @c: the container
 * @m: the mapping, held by a reference
 *
 * They call hwdbm_emul_unpin() for what they have pinned there. No lock of
 * ours may be held.
 */
void hwdbm_emul_notify(struct hwdbm_container *c,
		       const struct hwdbm_mapping *m);

#endif /* HWDBM_EMUL_H */
