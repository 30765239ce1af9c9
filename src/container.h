/* SPDX-License-Identifier: GPL-2.0-only */
/* The container: what one open VFIO container holds, and its locks. */
#ifndef HWDBM_CONTAINER_H
#define HWDBM_CONTAINER_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "iova_ranges.h"
#include "mapping_tree.h"

/**
 * enum hwdbm_claim - which containers of type 1 and 3 are served
 * @HWDBM_CLAIM_NONE: none; they are stock's
 * @HWDBM_CLAIM_HWDBM: those whose first group tracks dirty pages in hardware
 * @HWDBM_CLAIM_ALL: all
 */
enum hwdbm_claim {
	HWDBM_CLAIM_NONE,
	HWDBM_CLAIM_HWDBM,
	HWDBM_CLAIM_ALL,
};

/**
 * struct hwdbm_params - module parameters, read at each use
 * @claim: set at load
 * @allow_unsafe_interrupts: serve groups whose MSIs are not isolated
 * @disable_hugepages: map page by page, so that every leaf is one page
 * @dma_entry_limit: mappings a container may hold, sampled at open
 */
struct hwdbm_params {
	enum hwdbm_claim claim;
	bool allow_unsafe_interrupts;
	bool disable_hugepages;
	unsigned int dma_entry_limit;
};

extern struct hwdbm_params hwdbm_params;

struct vfio_iommu_driver_ops;

/* What is registered with VFIO; its type is known to container.c and main.c. */
extern const struct vfio_iommu_driver_ops hwdbm_vfio_ops;

/**
 * struct hwdbm_container - one VFIO container served by this module
 *
 * Lock order: @domains_sem, @lock, hwdbm_mapping.lock, an mm's mmap_lock.
 *
 * Who works on a mapping holds @domains_sem for reading (so that no domain
 * comes or goes and logging neither starts nor stops), takes @lock only to
 * find the mapping and to take a reference, and then works under the
 * mapping's own lock. Thus a harvest excludes UNMAP of that mapping, and
 * other harvests of it, and nothing else; MAP and UNMAP elsewhere go on.
 * Attach, detach, START, STOP, the updates of addresses and what changes a
 * group's pinned scope (its driver's first pin, a device that is opened or
 * closed) take @domains_sem for writing: they wait for what is running and are
 * alone.
 *
 * hwdbm_mapping.io comes before all of these: a driver's dma_rw holds it across
 * a copy that may wait for user space, with no other lock of ours. Nor is one
 * held when drivers are told of an unmap, but for @devices_lock, which is
 * never taken inside another: they call back to unpin.
 *
 * While there are domains, every live mapping is pinned and mapped in all of
 * them; while there are none, only emulated groups, no page is but those that
 * drivers have pinned.
 *
 * @ref: VFIO holds one from open to release, and so does every ioctl that is
 *	under way; see container.c
 * @v2: unmaps are exact and there is a dirty log; else type 1 (v1) semantics;
 *	immutable
 * @picky: its first group must track dirty pages in hardware, or is another
 *	backend's; immutable
 * @domains_sem: held for reading by whoever uses what it guards
 * @domains: struct hwdbm_domain, one an IOMMU domain; @domains_sem
 * @emulated: groups without an IOMMU, whose drivers pin what they touch; a
 *	list of attach.c's; @domains_sem
 * @iova_ranges: where MAP may go; replaced at attach and computed anew at
 *	detach; @domains_sem
 * @pgsize_bitmap: leaf sizes that every domain can; @domains_sem
 * @logging: START is in force; @domains_sem
 * @vaddr_invalid: mappings whose address is about to change; goes up under
 *	@domains_sem for writing, down also under @lock with it for reading
 * @devices_lock: @devices, and held while its devices are told of an unmap
 * @devices: struct vfio_device, open, that want to be told
 * @lock: the tree and @dma_avail. Changed under @domains_sem held for reading
 *	as well, so whoever holds that for writing may look without @lock
 * @mappings: the tree of mappings; @lock
 * @dma_avail: mappings that may still be made; @lock
 */
struct hwdbm_container {
	struct kref ref;
	bool v2;
	bool picky;
	struct rw_semaphore domains_sem;
	struct list_head domains;
	struct list_head emulated;
	struct hwdbm_iova_ranges *iova_ranges;
	unsigned long pgsize_bitmap;
	bool logging;
	unsigned int vaddr_invalid;

	struct mutex devices_lock;
	struct list_head devices;

	struct mutex lock;
	struct hwdbm_mapping_tree mappings;
	unsigned int dma_avail;
};

/* No group is in: nothing may be mapped any more. Needs domains_sem. */
static inline bool hwdbm_container_empty(const struct hwdbm_container *c)
{
	lockdep_assert_held(&c->domains_sem);
	return list_empty(&c->domains) && list_empty(&c->emulated);
}

/* Smallest page that every domain can map, in bytes. Needs domains_sem. */
static inline unsigned long
hwdbm_container_pgsize(const struct hwdbm_container *c)
{
	lockdep_assert_held(&c->domains_sem);
	return c->pgsize_bitmap & -c->pgsize_bitmap;
}

#endif /* HWDBM_CONTAINER_H */
