/* SPDX-License-Identifier: GPL-2.0-only */
/* The container's ioctls. */
#ifndef HWDBM_IOCTL_H
#define HWDBM_IOCTL_H

#include <linux/types.h>

struct hwdbm_container;

/**
 * hwdbm_ioctl_run() - do an ioctl of an open container
 * @c: the container
 * @cmd: VFIO_IOMMU_* or VFIO_CHECK_EXTENSION
 * @arg: its argument
 *
 * Return: what user space gets; -ENOTTY for a command that is not ours.
 */
long hwdbm_ioctl_run(struct hwdbm_container *c, unsigned int cmd,
		     unsigned long arg);

/**
 * hwdbm_ioctl_serves() - is a container of this type ours
 * @type: argument of VFIO_SET_IOMMU
 *
 * Types 1 and 3 are only with the module parameter claim.
 */
bool hwdbm_ioctl_serves(unsigned long type);

/**
 * hwdbm_ioctl_check_extension() - does this backend have an extension
 * @c: the container, or NULL before VFIO_SET_IOMMU, when another backend may
 *	still come to serve it
 * @extension: VFIO_*_IOMMU, VFIO_UNMAP_ALL and so on
 *
 * Return: 1 or 0; -EINTR on a fatal signal.
 */
long hwdbm_ioctl_check_extension(struct hwdbm_container *c,
				 unsigned long extension);

#endif /* HWDBM_IOCTL_H */
