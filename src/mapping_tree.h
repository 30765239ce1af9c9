/* SPDX-License-Identifier: GPL-2.0-only */
/* A mapping, and the tree of them. */
#ifndef HWDBM_MAPPING_TREE_H
#define HWDBM_MAPPING_TREE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "acct.h"
#include "dirty_log.h"
#include "ext_pins.h"

/**
 * struct hwdbm_mapping - one MAP_DMA: user memory at an IOVA
 *
 * In the tree from before its first page is mapped until after its last is
 * gone, so that nothing else can be mapped over it. @live tells whether its
 * pages are all there: MAP sets it last, UNMAP clears it first, both under
 * @lock.
 *
 * @node: in the container's tree; the container's lock
 * @ref: the tree holds one, and so does whoever works on it
 * @iova: first byte, device's address; immutable
 * @last: last byte, inclusive; immutable
 * @vaddr: first byte, owner's address; changes under the container's
 *	domains_sem held for writing
 * @vaddr_invalid: @vaddr and the owner are about to change; domains_sem for
 *	writing
 * @prot: IOMMU_READ and IOMMU_WRITE, as the device may; immutable
 * @io: held for reading while the CPU copies for a device (dma_rw), which may
 *	wait for user space; UNMAP takes it for writing
 * @lock: held while its tables are filled, walked or emptied, and from
 *	clearing a hardware dirty bit until the invalidation for it is done
 * @live: wholly mapped; written under @lock, and taken back only under @io as
 *	well, or when no device is open; may be looked at without
 * @going: UNMAPs at work on it, which wait for drivers to unpin: these may pin
 *	no more
 * @log: software's record of dirty pages, active while the container logs;
 *	@lock, or the container's domains_sem held for writing
 * @pins: pages that drivers have pinned; @lock
 * @raw: struct hwdbm_raw_range, pages that are no memory; @lock
 * @acct: whose locked memory it is; @lock, and its owner also domains_sem, as
 *	@vaddr
 */
struct hwdbm_mapping {
	struct rb_node node;
	struct kref ref;
	u64 iova;
	u64 last;
	unsigned long vaddr;
	bool vaddr_invalid;
	int prot;
	struct rw_semaphore io;
	struct mutex lock;
	bool live;
	atomic_t going;
	struct hwdbm_dirty_log log;
	struct hwdbm_ext_pins pins;
	struct list_head raw;
	struct hwdbm_acct acct;
};

struct hwdbm_mapping_tree {
	struct rb_root root;
};

static inline u64 hwdbm_mapping_bytes(const struct hwdbm_mapping *m)
{
	return m->last - m->iova + 1;
}

static inline unsigned long hwdbm_mapping_pages(const struct hwdbm_mapping *m)
{
	return hwdbm_mapping_bytes(m) >> PAGE_SHIFT;
}

/**
 * hwdbm_mapping_alloc() - a mapping of one reference, in no tree, not live
 * @iova: first byte, page aligned
 * @last: last byte, inclusive
 * @vaddr: first byte in the caller's address space, page aligned
 * @prot: IOMMU_READ, IOMMU_WRITE or both
 *
 * Its memory will be accounted to the calling process.
 *
 * Return: NULL without memory.
 */
struct hwdbm_mapping *hwdbm_mapping_alloc(u64 iova, u64 last,
					  unsigned long vaddr, int prot);

/** hwdbm_mapping_put() - drop a reference; the last one frees it */
void hwdbm_mapping_put(struct hwdbm_mapping *m);

static inline struct hwdbm_mapping *hwdbm_mapping_get(struct hwdbm_mapping *m)
{
	kref_get(&m->ref);
	return m;
}

/*
 * The tree. All of these need the lock that guards it, and take or drop no
 * reference but where they say so.
 */

/** hwdbm_mapping_tree_insert() - 0, or -EEXIST if it overlaps another */
int hwdbm_mapping_tree_insert(struct hwdbm_mapping_tree *tree,
			      struct hwdbm_mapping *m);

/** hwdbm_mapping_tree_erase() - take @m out, which is in it */
void hwdbm_mapping_tree_erase(struct hwdbm_mapping_tree *tree,
			      struct hwdbm_mapping *m);

/**
 * hwdbm_mapping_tree_first() - the lowest mapping that meets a range
 * @tree: the tree
 * @first: first byte
 * @last: last byte, inclusive
 *
 * Return: NULL if the range meets none.
 */
struct hwdbm_mapping *
hwdbm_mapping_tree_first(const struct hwdbm_mapping_tree *tree, u64 first,
			 u64 last);

/** hwdbm_mapping_tree_bisected() - do the range's ends cut through a mapping */
bool hwdbm_mapping_tree_bisected(const struct hwdbm_mapping_tree *tree,
				 u64 first, u64 last);

/** hwdbm_mapping_tree_next() - the mapping above @m, or NULL */
struct hwdbm_mapping *hwdbm_mapping_tree_next(struct hwdbm_mapping *m);

/* Every mapping in ascending order; the body must not erase @m. */
#define hwdbm_mapping_tree_for_each(m, tree)                   \
	for (m = hwdbm_mapping_tree_first(tree, 0, U64_MAX); m; \
	     m = hwdbm_mapping_tree_next(m))

#endif /* HWDBM_MAPPING_TREE_H */
