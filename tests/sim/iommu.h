/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated IOMMUs: what their files want of each other.
 *
 * Locks, from the outside in: a port's @lock, a domain's @iotlb_lock, a
 * domain's @table_lock. DMA holds the first two while it translates and copies,
 * the third only to look at a leaf. So a dirty bit may be read and cleared
 * between a write's translation and its arrival, as with real ones, and an
 * invalidation waits until what was translated before it has arrived.
 */
#ifndef HWDBM_SIM_IOMMU_H
#define HWDBM_SIM_IOMMU_H

#include "internal.h"

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/platform_device.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>

struct iommu_dirty_bitmap;	/* not on 6.1 */

/* A range of IOVAs in a tree of them (iommu_table.c). */
struct sim_span {
	struct rb_node rb;
	u64 first, last;
	u64 subtree_last;
};

void sim_span_insert(struct sim_span *span, struct rb_root_cached *root);
void sim_span_remove(struct sim_span *span, struct rb_root_cached *root);
/* The first that meets [@first, @last], or NULL. */
struct sim_span *sim_span_iter_first(struct rb_root_cached *root, u64 first,
				     u64 last);

/* An error to order: let @wait calls through, then fail @left of them. */
struct sim_error {
	u32 error;
	u32 wait;
	u32 left;
};

struct sim_port;

/* A write to come, when @wait more calls to @op have come. */
struct sim_armed {
	struct sim_port *port;	/* NULL: none */
	u64 iova, value;
	u32 op;
	u32 wait;
};

struct sim_iommu {
	unsigned int nr;
	struct platform_device *parent;
	struct fwnode_handle *fwnode;
	struct iommu_device core;
	bool registered;

	bool tracking;			/* can track dirty pages */
	bool gathers;			/* an unmap notes what to invalidate */
	bool coherent;			/* can enforce coherency */
	bool shared;			/* takes devices of others that are */
	bool replicated;		/* a large leaf is several entries */
	bool born_dirty;		/* its leaves are dirty when they are new */
	bool paired;			/* its first two devices are one group */
	unsigned long pgsizes;
	unsigned int aperture;		/* bits */

	spinlock_t lock;
	struct sim_error errors[SIM_OPS];	/* @lock */
	u64 calls[SIM_OPS];			/* @lock */
	u64 failed[SIM_OPS];			/* @lock */
	struct sim_armed trap;			/* @lock */
	const void *holder;			/* @lock; NULL: not held */
	u64 hold_turn;				/* @lock */
	wait_queue_head_t released;

	atomic64_t trapped, syncs, held, domains, leaves, entries, late, stale;
};

struct sim_domain {
	struct iommu_domain core;
	struct sim_iommu *iommu;
	bool coherent;			/* enforced: before any mapping */
	spinlock_t table_lock;
	struct rb_root_cached leaves;	/* @table_lock */
	u64 leaf_id;			/* of the latest; @table_lock */
	bool tracking;			/* @table_lock */
	struct mutex iotlb_lock;
	struct rb_root_cached iotlb;	/* @iotlb_lock */
};

/* Where a device is plugged into its IOMMU; lives as long as the module. */
struct sim_port {
	struct sim_iommu *iommu;
	struct platform_device *device;
	struct mutex lock;
	struct sim_domain *domain;	/* @lock; NULL: no DMA */
};

static inline struct sim_domain *to_sim_domain(struct iommu_domain *core)
{
	return container_of(core, struct sim_domain, core);
}

/* iommu_order.c */
void sim_orders_init(struct sim_iommu *iommu);
/* A call to @op: 0, or the error that was ordered for it. */
int sim_order_due(struct sim_iommu *iommu, unsigned int op);
/* @who: stands for the fd, until sim_order_closed() of it */
long sim_order(struct sim_iommu *iommu, const struct sim_order *arg,
	       const void *who);
void sim_order_closed(struct sim_iommu *iommu, const void *who);
/* An invalidation that begins now: returns when it may take effect. */
void sim_hold_wait(struct sim_iommu *iommu);
long sim_trap(struct sim_port *port, const struct sim_trap *arg);
void sim_trap_closed(struct sim_port *port);
/* A call to @op: does the write, should it be for this one. */
void sim_trap_due(struct sim_iommu *iommu, u32 op);
long sim_watch(struct sim_port *port, struct sim_watch __user *to);

/* iommu_table.c: leaves, and the calls to a domain about them */
int sim_map_pages(struct iommu_domain *core, unsigned long iova,
		  phys_addr_t phys, size_t pgsize, size_t pgcount, int prot,
		  gfp_t gfp, size_t *mapped);
size_t sim_unmap_pages(struct iommu_domain *core, unsigned long iova,
		       size_t pgsize, size_t pgcount,
		       struct iommu_iotlb_gather *gather);
phys_addr_t sim_iova_to_phys(struct iommu_domain *core, dma_addr_t iova);
/*
 * Its name is that of SMMUv3's driver: on 7.x our module believes an answer by
 * the gather only of a driver that it knows, by the name of this function.
 */
int arm_smmu_read_and_clear_dirty(struct iommu_domain *core,
				  unsigned long iova, size_t size,
				  unsigned long flags,
				  struct iommu_dirty_bitmap *dirty);
void sim_table_free(struct sim_domain *domain);

/* What a walk of the tables finds for an address. */
struct sim_walk {
	u64 id;			/* of the leaf */
	u64 first, last;	/* of the entry: a leaf, or a part of one */
	phys_addr_t phys;	/* of @first */
	int prot;
	bool dirty;		/* writes need not look at the leaf any more */
};

/* Sets the dirty bit for a write. False: not mapped, or not allowed. */
bool sim_walk(struct sim_domain *domain, u64 iova, bool write,
	      struct sim_walk *walk);
/* The id of the leaf that is there, 0 for none. */
u64 sim_leaf_id(struct sim_domain *domain, u64 iova);

/* iotlb.c: cached translations, and DMA through them */
void sim_flush_iotlb_all(struct iommu_domain *core);
void sim_iotlb_sync(struct iommu_domain *core,
		    struct iommu_iotlb_gather *gather);
/* All of it, at once, whatever is held. */
void sim_iotlb_empty(struct sim_domain *domain);
/* -EIO where the IOMMU refuses, with what comes before it done. */
int sim_dma(struct sim_port *port, u64 iova, void *buf, size_t bytes,
	    bool write);

/* iommu.c: the IOMMUs themselves */
int sim_iommus_add(void);
void sim_iommus_remove(void);
/* The IOMMUs, NULL behind the last one. */
struct sim_iommu *sim_iommu_nr(unsigned int nr);
/* What the core is to know of a device before it is added. */
int sim_iommu_announce(struct device *dev, struct sim_iommu *iommu);

/* dma_device.c */
int sim_dma_devices_add(void);
void sim_dma_devices_remove(void);
/* The other device of @port's group, NULL if there is none. */
struct sim_port *sim_dma_partner(struct sim_port *port);

#endif
