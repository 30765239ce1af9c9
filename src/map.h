/* SPDX-License-Identifier: GPL-2.0-only */
/* MAP and UNMAP. */
#ifndef HWDBM_MAP_H
#define HWDBM_MAP_H

#include <linux/types.h>

struct hwdbm_container;
struct hwdbm_dirty_request;
struct hwdbm_domain;
struct hwdbm_mapping;

/**
 * hwdbm_map_check_range() - can a mapping be like this at all
 * @c: the container; domains_sem is held
 * @iova: first byte for the device
 * @size: bytes
 * @vaddr: first byte for the process
 * @last: out, last byte for the device
 *
 * Return: 0; -EINVAL if empty or unaligned; -EOVERFLOW if the IOVA or the
 * address wraps.
 */
int hwdbm_map_check_range(const struct hwdbm_container *c, u64 iova, u64 size,
			  u64 vaddr, u64 *last);

/**
 * hwdbm_map_add() - map user memory of the calling process
 * @c: the container
 * @iova: first byte for the device
 * @size: bytes
 * @vaddr: first byte for the process
 * @prot: IOMMU_READ, IOMMU_WRITE or both
 *
 * Takes domains_sem and the container's lock, and waits for page faults under
 * domains_sem held for reading and the new mapping's lock alone.
 *
 * Return: 0; -EINVAL if empty, unaligned or outside the valid IOVA ranges;
 * -EOVERFLOW if the IOVA or the address wraps; -EEXIST on overlap, also with a
 * mapping that another call is making; -ENOSPC past dma_entry_limit; -ENODEV if
 * the last group has just left; -ENOMEM; -EINTR on a fatal signal; or an errno of
 * hwdbm_pin_mapping() or of the IOMMU driver. On error nothing is mapped.
 */
int hwdbm_map_add(struct hwdbm_container *c, u64 iova, u64 size, u64 vaddr,
		  int prot);

/**
 * hwdbm_map_remove() - unmap every mapping in a range
 * @c: the container
 * @first: first byte
 * @last: last byte, inclusive
 * @report: NULL, or where to write what was dirty; its buffer is pinned, and
 *	mappings made since then, for which there is no room, are left alone
 * @unmapped: out, bytes unmapped
 *
 * A v1 container unmaps whole mappings that begin in the range, up to @last;
 * nothing if the first that meets it begins before @first.
 *
 * Drivers that have pinned pages are told first, and nothing is done if one
 * keeps them then; no lock of ours may be held.
 *
 * Return: 0, also if a driver has pinned a page meanwhile, and keeps it, so that
 * less is unmapped than was there; -EINVAL, with nothing done, if the range cuts
 * through a mapping; -EBUSY if a driver does not unpin; -EINTR if a fatal signal
 * came while waiting for a lock.
 */
int hwdbm_map_remove(struct hwdbm_container *c, u64 first, u64 last,
		     struct hwdbm_dirty_request *report, u64 *unmapped);

/** hwdbm_map_remove_all() - unmap all; needs domains_sem held for writing */
void hwdbm_map_remove_all(struct hwdbm_container *c);

/**
 * hwdbm_map_withdraw_all() - the last domain goes, the mappings stay
 * @c: the container; domains_sem is held for writing
 *
 * Unmaps and unpins all but what drivers have pinned. Cannot fail.
 */
void hwdbm_map_withdraw_all(struct hwdbm_container *c);

/**
 * hwdbm_map_replay() - fill a new domain with every mapping
 * @c: the container; domains_sem is held for writing
 * @d: the domain, not yet in the container's list, empty
 *
 * The container's first domain gets its mappings' memory pinned. Undone by
 * hwdbm_map_withdraw_all(), once @d is in the list.
 *
 * Return: 0; -ENOMEM, an errno of hwdbm_pin_mapping() or of the IOMMU driver,
 * with nothing pinned and @d possibly half full: free it.
 */
int hwdbm_map_replay(struct hwdbm_container *c, struct hwdbm_domain *d);

/**
 * hwdbm_map_next() - find the next mapping of a walk and hold it
 * @c: the container
 * @first: first byte not walked yet
 * @last: last byte of the walk, inclusive
 *
 * Takes the container's lock, only to look. Mappings are found in ascending
 * order; those made or removed during the walk are found or not.
 *
 * Return: a mapping with a reference that is the caller's to put, or NULL.
 */
struct hwdbm_mapping *hwdbm_map_next(struct hwdbm_container *c, u64 first,
				     u64 last);

#endif /* HWDBM_MAP_H */
