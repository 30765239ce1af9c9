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
 * Return: 0; -EINVAL if it is in already, if a mapping lies where its devices
 * cannot do DMA, if no valid IOVA would be left, or if its IOMMU has no page size
 * that the others have; -EBUSY while an address is being updated, or if no domain
 * takes it back that it was in a moment ago; -EOPNOTSUPP if the container's first group
 * must track dirty pages in hardware and this one cannot; -EPERM if its
 * interrupts are not isolated and allow_unsafe_interrupts is off; -ENOMEM; -EINTR
 * on a fatal signal; an errno of hwdbm_map_replay() or of the IOMMU driver. On
 * error nothing has changed.
 */
int hwdbm_attach_group(struct hwdbm_container *c,
		       struct iommu_group *iommu_group);

/**
 * hwdbm_attach_emulated() - bring a group without an IOMMU in
 * @c: the container
 * @iommu_group: its drivers pin what they touch
 *
 * Return: 0, -EINVAL if it is in already, -EBUSY while an address is being
 * updated, -ENOMEM, -EINTR; -EOPNOTSUPP if the container's first group must
 * track dirty pages in hardware.
 */
int hwdbm_attach_emulated(struct hwdbm_container *c,
			  struct iommu_group *iommu_group);

/**
 * hwdbm_attach_group_pins() - a group's driver has pinned pages
 * @c: the container; domains_sem is not held
 * @iommu_group: a group that is in
 *
 * For devices that are going to write them. A group of one device behind an
 * IOMMU comes to pinned scope with this.
 */
void hwdbm_attach_group_pins(struct hwdbm_container *c,
			     const struct iommu_group *iommu_group);

/**
 * hwdbm_detach_group() - let a group go
 * @c: the container
 * @iommu_group: a group that is in, of either kind
 *
 * What its devices have written stays in the dirty log. With the last
 * IOMMU group every page is unpinned that no driver has pinned; with the last
 * group of all every mapping goes too. Cannot fail.
 */
void hwdbm_detach_group(struct hwdbm_container *c,
			struct iommu_group *iommu_group);

/** hwdbm_detach_all() - let every group go, for release */
void hwdbm_detach_all(struct hwdbm_container *c);

/**
 * hwdbm_attach_device_closed() - a device that could pin pages is closed
 * @c: the container; domains_sem is not held
 * @iommu_group: its group
 *
 * A group behind an IOMMU leaves the pinned scope.
 */
void hwdbm_attach_device_closed(struct hwdbm_container *c,
				const struct iommu_group *iommu_group);

/**
 * hwdbm_attach_device_opens() - a device is about to be opened
 * @c: the container; domains_sem is not held
 * @iommu_group: its group
 *
 * A group that has got a second device leaves the pinned scope.
 */
void hwdbm_attach_device_opens(struct hwdbm_container *c,
			       const struct iommu_group *iommu_group);

/**
 * hwdbm_attach_coherent() - does every domain enforce cache coherency
 *
 * Return: 1, 0, or -EINTR on a fatal signal.
 */
int hwdbm_attach_coherent(struct hwdbm_container *c);

#endif /* HWDBM_ATTACH_H */
