/* SPDX-License-Identifier: GPL-2.0-only */
/* GET_INFO. */
#ifndef HWDBM_INFO_H
#define HWDBM_INFO_H

struct hwdbm_container;

/**
 * hwdbm_info_get() - VFIO_IOMMU_GET_INFO with its chain of capabilities
 * @c: the container; takes domains_sem for reading
 * @arg: the caller's struct vfio_iommu_type1_info
 *
 * Return: 0; -EINVAL if argsz is too small; -EFAULT, -ENOMEM, -EINTR.
 */
long hwdbm_info_get(struct hwdbm_container *c, void __user *arg);

#endif /* HWDBM_INFO_H */
