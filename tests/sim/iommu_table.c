// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of a simulated domain: leaves of any size that its IOMMU has, each
 * with its dirty bits. Walked as the drivers of real IOMMUs walk theirs, with
 * what is odd about that.
 */

#include "iommu.h"

#include <linux/bitmap.h>
#include <linux/interval_tree_generic.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#define span_first(span)	((span)->first)
#define span_last(span)		((span)->last)

INTERVAL_TREE_DEFINE(struct sim_span, rb, u64, subtree_last, span_first,
		     span_last, static inline, tree)

void sim_span_insert(struct sim_span *span, struct rb_root_cached *root)
{
	tree_insert(span, root);
}

void sim_span_remove(struct sim_span *span, struct rb_root_cached *root)
{
	tree_remove(span, root);
}

struct sim_span *sim_span_iter_first(struct rb_root_cached *root, u64 first,
				     u64 last)
{
	return tree_iter_first(root, first, last);
}

/*
 * A leaf is one entry, or, where the IOMMU replicates leaves, as many as it
 * takes of the next smaller level. @dirty has a bit for each.
 */
struct leaf {
	struct sim_span span;
	phys_addr_t phys;
	u64 id;
	int prot;
	unsigned int entries;
	unsigned long dirty[];
};

static struct leaf *find(struct sim_domain *domain, u64 iova)
{
	struct sim_span *span;

	lockdep_assert_held(&domain->table_lock);
	span = sim_span_iter_first(&domain->leaves, iova, iova);
	return span ? container_of(span, struct leaf, span) : NULL;
}

static u64 leaf_bytes(const struct leaf *leaf)
{
	return leaf->span.last - leaf->span.first + 1;
}

static unsigned int count_entries(const struct sim_iommu *iommu, u64 bytes)
{
	if (!iommu->replicated)
		return 1;
	if (bytes >= SZ_1G)
		return bytes / SZ_1G;
	return bytes / (bytes >= SZ_2M ? SZ_2M : SZ_4K);
}

static struct leaf *new_leaf(struct sim_domain *domain, u64 iova,
			     phys_addr_t phys, u64 bytes, int prot, gfp_t gfp)
{
	unsigned int n = count_entries(domain->iommu, bytes);
	struct leaf *leaf;

	leaf = kzalloc(struct_size(leaf, dirty, BITS_TO_LONGS(n)), gfp);
	if (!leaf)
		return NULL;
	leaf->span.first = iova;
	leaf->span.last = iova + bytes - 1;
	leaf->phys = phys;
	leaf->prot = prot;
	leaf->entries = n;
	if (domain->iommu->born_dirty && prot & IOMMU_WRITE)
		bitmap_fill(leaf->dirty, n);
	return leaf;
}

static int insert(struct sim_domain *domain, struct leaf *leaf)
{
	struct sim_span *span = &leaf->span, *old;

	spin_lock(&domain->table_lock);
	old = sim_span_iter_first(&domain->leaves, span->first, span->last);
	if (!old) {
		leaf->id = ++domain->leaf_id;
		sim_span_insert(span, &domain->leaves);
		atomic64_inc(&domain->iommu->leaves);
	}
	spin_unlock(&domain->table_lock);
	return WARN_ONCE(old, "%#llx is mapped already\n", span->first) ?
	       -EEXIST : 0;
}

static int map_leaf(struct sim_domain *domain, u64 iova, phys_addr_t phys,
		    u64 bytes, int prot, gfp_t gfp)
{
	int ret = sim_order_due(domain->iommu, SIM_OP_MAP);
	struct leaf *leaf;

	if (ret)
		return ret;
	leaf = new_leaf(domain, iova, phys, bytes, prot, gfp);
	if (!leaf)
		return -ENOMEM;
	ret = insert(domain, leaf);
	if (ret)
		kfree(leaf);
	else
		sim_trap_due(domain->iommu, SIM_OP_MAP);
	return ret;
}

/* On error what was mapped before stays, and nobody is told of it: as VT-d. */
int sim_map_pages(struct iommu_domain *core, unsigned long iova,
		  phys_addr_t phys, size_t pgsize, size_t pgcount, int prot,
		  gfp_t gfp, size_t *mapped)
{
	struct sim_domain *domain = to_sim_domain(core);
	size_t i;

	if (iova + pgsize * pgcount - 1 > core->geometry.aperture_end)
		return -EFAULT;
	for (i = 0; i < pgcount; i++) {
		int ret = map_leaf(domain, iova + i * pgsize,
				   phys + i * pgsize, pgsize, prot, gfp);

		if (ret)
			return ret;
	}
	*mapped = pgcount * pgsize;
	return 0;
}

static void remove(struct sim_domain *domain, struct leaf *leaf)
{
	lockdep_assert_held(&domain->table_lock);
	sim_span_remove(&leaf->span, &domain->leaves);
	atomic64_dec(&domain->iommu->leaves);
	kfree(leaf);
}

/* The leaf at @iova goes, all of it. How large it was, 0 for none. */
static u64 unmap_leaf(struct sim_domain *domain, u64 iova, u64 *first)
{
	struct leaf *leaf;
	u64 bytes = 0;

	spin_lock(&domain->table_lock);
	leaf = find(domain, iova);
	if (leaf) {
		*first = leaf->span.first;
		bytes = leaf_bytes(leaf);
		remove(domain, leaf);
	}
	spin_unlock(&domain->table_lock);
	return bytes;
}

/* Returns more than it was told where the last leaf is larger. */
size_t sim_unmap_pages(struct iommu_domain *core, unsigned long iova,
		       size_t pgsize, size_t pgcount,
		       struct iommu_iotlb_gather *gather)
{
	struct sim_domain *domain = to_sim_domain(core);
	u64 done = 0, first;

	while (done < pgsize * pgcount) {
		u64 bytes = unmap_leaf(domain, iova + done, &first);

		if (!bytes)
			break;
		if (domain->iommu->gathers)
			iommu_iotlb_gather_add_page(core, gather, first, bytes);
		done += bytes;
	}
	return done;
}

phys_addr_t sim_iova_to_phys(struct iommu_domain *core, dma_addr_t iova)
{
	struct sim_domain *domain = to_sim_domain(core);
	phys_addr_t phys = 0;
	struct leaf *leaf;

	spin_lock(&domain->table_lock);
	leaf = find(domain, iova);
	if (leaf)
		phys = leaf->phys + (iova - leaf->span.first);
	spin_unlock(&domain->table_lock);
	return phys;
}

/*
 * The leaf at @iova, whose size goes to @bytes, as the size of the smallest
 * leaf does for a hole. 1 if it is dirty.
 */
static int read_leaf(struct sim_domain *domain, u64 iova, bool clear,
		     u64 *bytes)
{
	unsigned long sizes = domain->core.pgsize_bitmap;
	struct leaf *leaf;
	int ret = 0;

	*bytes = sizes & -sizes;
	spin_lock(&domain->table_lock);
	leaf = find(domain, iova);
	if (leaf)
		ret = sim_order_due(domain->iommu, SIM_OP_READ);
	if (leaf && !ret) {
		*bytes = leaf_bytes(leaf);
		ret = !bitmap_empty(leaf->dirty, leaf->entries);
		if (clear)
			bitmap_zero(leaf->dirty, leaf->entries);
	}
	spin_unlock(&domain->table_lock);
	return ret;
}

/*
 * From where it is called it goes on by the size of what it finds there, also
 * from the middle of a leaf; and tells of a leaf as if it began there.
 */
int arm_smmu_read_and_clear_dirty(struct iommu_domain *core,
				  unsigned long iova, size_t size,
				  unsigned long flags,
				  struct iommu_dirty_bitmap *dirty)
{
	struct sim_domain *domain = to_sim_domain(core);
	unsigned long end = iova + size - 1;

	if (!READ_ONCE(domain->tracking) && dirty->bitmap)
		return -EINVAL;
	do {
		bool clear = !(flags & IOMMU_DIRTY_NO_CLEAR);
		u64 bytes;
		int ret;

		if (sim_leaf_id(domain, iova))
			sim_trap_due(domain->iommu, SIM_OP_READ);
		ret = read_leaf(domain, iova, clear, &bytes);
		if (ret < 0)
			return ret;
		if (ret)
			iommu_dirty_bitmap_record(dirty, iova, bytes);
		iova += bytes;
	} while (iova < end);
	return 0;
}

bool sim_walk(struct sim_domain *domain, u64 iova, bool write,
	      struct sim_walk *walk)
{
	int want = write ? IOMMU_WRITE : IOMMU_READ;
	struct leaf *leaf;
	bool found;

	spin_lock(&domain->table_lock);
	leaf = find(domain, iova);
	found = leaf && (leaf->prot & want);
	if (found) {
		u64 bytes = leaf_bytes(leaf) / leaf->entries;
		u64 nr = (iova - leaf->span.first) / bytes;

		if (write && domain->tracking)
			__set_bit(nr, leaf->dirty);
		walk->id = leaf->id;
		walk->first = leaf->span.first + nr * bytes;
		walk->last = walk->first + bytes - 1;
		walk->phys = leaf->phys + nr * bytes;
		walk->prot = leaf->prot;
		walk->dirty = write || !domain->tracking;
	}
	spin_unlock(&domain->table_lock);
	return found;
}

u64 sim_leaf_id(struct sim_domain *domain, u64 iova)
{
	struct leaf *leaf;
	u64 id;

	spin_lock(&domain->table_lock);
	leaf = find(domain, iova);
	id = leaf ? leaf->id : 0;
	spin_unlock(&domain->table_lock);
	return id;
}

/* Of a domain that no device uses any more. */
void sim_table_free(struct sim_domain *domain)
{
	struct sim_span *span;

	for (;;) {
		spin_lock(&domain->table_lock);
		span = sim_span_iter_first(&domain->leaves, 0, U64_MAX);
		if (span)
			remove(domain, container_of(span, struct leaf, span));
		spin_unlock(&domain->table_lock);
		if (!span)
			return;
		cond_resched();
	}
}
