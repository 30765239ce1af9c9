/* SPDX-License-Identifier: GPL-2.0-only */
/* Groups that come and go. */
#ifndef HWDBM_ATTACH_H
#define HWDBM_ATTACH_H

#include <linux/types.h>

struct hwdbm_container;
struct iommu_group;

/**
 * hwdbm_attach_group() - bring an IOMMU group in
 * @c: the container
 * @iommu_group: a group with devices behind an IOMMU
 *
 * Takes domains_sem for writing: it waits for every MAP, UNMAP and harvest
 * that is running.
 *
 * Return: 0; -EINVAL if it is in already, or if a mapping lies where its
 * devices cannot do DMA; -EPERM if its interrupts are not isolated and
 * allow_unsafe_interrupts is off; or an errno of the IOMMU driver. On error
 * nothing has changed.
 */
int hwdbm_attach_group(struct hwdbm_container *c,
		       struct iommu_group *iommu_group);

/**
 * hwdbm_detach_group() - let an IOMMU group go
 * @c: the container
 * @iommu_group: a group that is in
 *
 * What its devices have written stays in the dirty log. With the last group
 * every mapping goes too. Cannot fail.
 */
void hwdbm_detach_group(struct hwdbm_container *c,
			struct iommu_group *iommu_group);

/** hwdbm_detach_all() - let every group go, for release */
void hwdbm_detach_all(struct hwdbm_container *c);

/** hwdbm_attach_coherent() - does every domain enforce cache coherency */
bool hwdbm_attach_coherent(struct hwdbm_container *c);

#endif /* HWDBM_ATTACH_H */
