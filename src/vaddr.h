/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that goes on at another address or in another process. */
#ifndef HWDBM_VADDR_H
#define HWDBM_VADDR_H

#include <linux/types.h>

struct hwdbm_container;

/**
 * hwdbm_vaddr_invalidate() - the addresses of a range are about to change
 * @c: the container
 * @first: first byte for the device
 * @last: last byte, inclusive
 * @bytes: out, bytes of the mappings concerned
 *
 * Devices go on; groups cannot come until every address is known again.
 * Which mappings a range concerns is as with hwdbm_map_remove().
 *
 * Return: 0; -EINVAL, with nothing done, if one is invalid already or the
 * range cuts through a mapping; -EBUSY if a group without an IOMMU is in;
 * -EINTR on a fatal signal, and then the addresses may be invalid: another
 * process that has the container can still update them.
 */
int hwdbm_vaddr_invalidate(struct hwdbm_container *c, u64 first, u64 last,
			   u64 *bytes);

/**
 * hwdbm_vaddr_update() - the memory of a mapping is here now
 * @c: the container
 * @iova: first byte of the mapping
 * @size: its size in bytes
 * @vaddr: first byte in the calling process, which becomes the owner
 *
 * That the memory is the same is the caller's promise.
 *
 * Return: 0; -ENOENT if nothing is mapped there; -EINVAL if the mapping is
 * another one or its address valid; -EOVERFLOW, -EINVAL as hwdbm_map_add();
 * -ENOMEM past RLIMIT_MEMLOCK; -EINTR on a fatal signal. On error nothing has
 * changed.
 */
int hwdbm_vaddr_update(struct hwdbm_container *c, u64 iova, u64 size,
		       u64 vaddr);

/**
 * hwdbm_vaddr_updatable() - may addresses be updated: no emulated groups
 *
 * Return: 1, 0, or -EINTR on a fatal signal.
 */
int hwdbm_vaddr_updatable(struct hwdbm_container *c);

#endif /* HWDBM_VADDR_H */
