// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cached translations, which are used until they are invalidated, and DMA.
 *
 * An entry that was made by a write, or while nobody tracks, lets writes pass
 * without a look at the leaf. Any other is thrown away by a write, which then
 * walks the tables: so a leaf that is gone is seen.
 */

#include "iommu.h"

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct entry {
	struct sim_span span;
	struct sim_walk walk;
};

static void drop(struct sim_domain *domain, struct entry *e)
{
	lockdep_assert_held(&domain->iotlb_lock);
	sim_span_remove(&e->span, &domain->iotlb);
	atomic64_dec(&domain->iommu->entries);
	kfree(e);
}

static struct entry *lookup(struct sim_domain *domain, u64 first, u64 last)
{
	struct sim_span *span;

	lockdep_assert_held(&domain->iotlb_lock);
	span = sim_span_iter_first(&domain->iotlb, first, last);
	return span ? container_of(span, struct entry, span) : NULL;
}

static void drop_range(struct sim_domain *domain, u64 first, u64 last)
{
	struct entry *e;

	mutex_lock(&domain->iotlb_lock);
	while ((e = lookup(domain, first, last)))
		drop(domain, e);
	mutex_unlock(&domain->iotlb_lock);
}

void sim_iotlb_empty(struct sim_domain *domain)
{
	drop_range(domain, 0, U64_MAX);
}

static void invalidate(struct sim_domain *domain, u64 first, u64 last)
{
	sim_hold_wait(domain->iommu);
	sim_trap_due(domain->iommu, SIM_TRAP_SYNC);
	drop_range(domain, first, last);
	atomic64_inc(&domain->iommu->syncs);
}

void sim_flush_iotlb_all(struct iommu_domain *core)
{
	invalidate(to_sim_domain(core), 0, U64_MAX);
}

/* As SMMUv3's: without a page size nothing was gathered. */
void sim_iotlb_sync(struct iommu_domain *core,
		    struct iommu_iotlb_gather *gather)
{
	if (!to_sim_domain(core)->iommu->gathers)
		invalidate(to_sim_domain(core), 0, U64_MAX);
	else if (gather->pgsize && gather->start <= gather->end)
		invalidate(to_sim_domain(core), gather->start, gather->end);
}

/* Does the entry serve, or must the tables be walked? */
static bool serves(const struct entry *e, bool write)
{
	if (write)
		return (e->walk.prot & IOMMU_WRITE) && e->walk.dirty;
	return e->walk.prot & IOMMU_READ;
}

/* @fresh becomes an entry. False: the IOMMU refuses. */
static bool walk(struct sim_domain *domain, u64 iova, bool write,
		 struct entry *fresh)
{
	struct entry *old;

	if (!sim_walk(domain, iova, write, &fresh->walk))
		return false;
	fresh->span.first = fresh->walk.first;
	fresh->span.last = fresh->walk.last;
	while ((old = lookup(domain, fresh->span.first, fresh->span.last)))
		drop(domain, old);
	sim_span_insert(&fresh->span, &domain->iotlb);
	atomic64_inc(&domain->iommu->entries);
	return true;
}

static struct page *page_of(const struct entry *e, u64 iova)
{
	phys_addr_t phys = e->walk.phys + (iova - e->walk.first);

	return pfn_valid(PHYS_PFN(phys)) ? pfn_to_page(PHYS_PFN(phys)) : NULL;
}

static void copy_part(struct page *page, u64 iova, void *buf, size_t bytes,
		      bool write)
{
	if (write)
		memcpy_to_page(page, offset_in_page(iova), buf, bytes);
	else
		memcpy_from_page(buf, page, offset_in_page(iova), bytes);
}

/*
 * The leaf is gone, or is another, and was not invalidated. That may be on its
 * way still, and then the page is pinned; who lets go of it first is wrong. The
 * reference is for that case: the page is not to become somebody else's.
 */
static int copy_late(struct sim_domain *domain, struct page *page, u64 iova,
		     void *buf, size_t bytes, bool write)
{
	struct folio *folio = page_folio(page);
	bool pinned = false;

	if (folio_try_get(folio)) {
		/* a plain reference does not make it look pinned */
		pinned = folio_maybe_dma_pinned(folio);
		if (pinned)
			copy_part(page, iova, buf, bytes, write);
		folio_put(folio);
	}
	atomic64_inc(pinned ? &domain->iommu->late : &domain->iommu->stale);
	return pinned ? 0 : -EIO;
}

/* What lies in one page. Takes @fresh if it needs it. */
static int dma_part(struct sim_domain *domain, struct entry **fresh, u64 iova,
		    void *buf, size_t bytes, bool write)
{
	struct entry *e = lookup(domain, iova, iova);
	struct page *page;
	bool hit;

	if (e && !serves(e, write)) {
		drop(domain, e);
		e = NULL;
	}
	hit = e;
	if (!hit) {
		if (!walk(domain, iova, write, *fresh))
			return -EIO;
		e = *fresh;
		*fresh = NULL;
	}
	page = page_of(e, iova);
	if (!page)
		return -EIO;
	if (hit && sim_leaf_id(domain, iova) != e->walk.id)
		return copy_late(domain, page, iova, buf, bytes, write);
	copy_part(page, iova, buf, bytes, write);
	return 0;
}

/* An order that comes in between must not find DMA under way on its domain. */
static int dma_locked(struct sim_port *port, struct entry **fresh, u64 iova,
		      void *buf, size_t bytes, bool write)
{
	struct sim_domain *domain;
	int ret = -EIO;

	mutex_lock(&port->lock);
	domain = port->domain;
	if (domain) {
		mutex_lock(&domain->iotlb_lock);
		ret = dma_part(domain, fresh, iova, buf, bytes, write);
		mutex_unlock(&domain->iotlb_lock);
	}
	mutex_unlock(&port->lock);
	return ret;
}

int sim_dma(struct sim_port *port, u64 iova, void *buf, size_t bytes,
	    bool write)
{
	struct entry *fresh = NULL;
	int ret = 0;

	while (bytes && !ret) {
		size_t part = min(bytes, PAGE_SIZE - offset_in_page(iova));

		if (!fresh)
			fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
		ret = fresh ? dma_locked(port, &fresh, iova, buf, part, write) :
			      -ENOMEM;
		iova += part;
		buf += part;
		bytes -= part;
	}
	kfree(fresh);
	return ret;
}
