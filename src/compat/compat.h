/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that depends on the kernel's version, behind functions that do
 * not. The layer below all others: it knows none of our structs.
 */
#ifndef HWDBM_COMPAT_H
#define HWDBM_COMPAT_H

#include <linux/iommu.h>
#include <linux/types.h>

struct device;
struct mm_struct;
struct page;

/**
 * hwdbm_compat_dev_tracks_dirty() - whether a device's IOMMU can track for it
 * @dev: a device of an IOMMU group, kept alive by the caller
 *
 * Ask this for every device before a domain with dirty tracking is allocated:
 * SMMUv3 without HTTU hands out such a domain all the same, and then DMA dies.
 *
 * Return: true if dirty bits of DMA by @dev are recorded in hardware; false
 * also where the kernel has no notion of it or @dev has no IOMMU.
 */
bool hwdbm_compat_dev_tracks_dirty(struct device *dev);

/**
 * hwdbm_compat_domain_alloc() - allocate a paging domain
 * @dev: a device that the domain is going to serve
 * @dirty_tracking: the domain must be able to track dirty pages
 *
 * The domain is whole (type, owner, ops and page sizes set), nothing is
 * attached to it and tracking is off. Free it with iommu_domain_free(). May
 * sleep; takes no lock of ours.
 *
 * Return: the domain, never NULL, or ERR_PTR: -ENODEV if @dev has no IOMMU,
 * -EOPNOTSUPP if @dirty_tracking is asked for and this kernel, driver or
 * device cannot, -ENOMEM, or what the driver says.
 */
struct iommu_domain *hwdbm_compat_domain_alloc(struct device *dev,
					       bool dirty_tracking);

/**
 * hwdbm_compat_iommu_map() - map a physically contiguous range
 * @domain: the domain
 * @iova: first IOVA, aligned to the domain's smallest page
 * @paddr: first physical address, aligned likewise
 * @size: bytes, a multiple of that page
 * @prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 *
 * Page tables are charged to the caller's memory cgroup. May sleep.
 *
 * Return: 0, or a negative errno. Then nothing of the range should be mapped, but
 * VT-d's driver leaves some (6.12, out of memory): see hwdbm_domain_map().
 */
int hwdbm_compat_iommu_map(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t size, int prot);

/**
 * hwdbm_compat_group_isolated_msi() - whether a group's interrupts are confined
 * @group: an IOMMU group with at least one device
 *
 * Return: true if no device of @group can raise another's interrupt by a DMA
 * write.
 */
bool hwdbm_compat_group_isolated_msi(struct iommu_group *group);

/**
 * hwdbm_compat_iotlb_sync_range() - invalidate a range in the IOTLB and wait
 * @domain: the domain
 * @first: first IOVA in bytes
 * @last: last IOVA in bytes, inclusive, not below @first
 * @sizes: one bit a size in bytes, of the leaves that were changed
 *
 * For a range whose entries were changed behind the driver's back or by a
 * clearing read. SMMUv3 does nothing unless the gather has a page size, and tells
 * the hardware that only leaves of that size are meant: so for each size once.
 * When it returns, no device translates through an older copy of an entry in
 * the range. The caller keeps the range from being unmapped meanwhile.
 */
void hwdbm_compat_iotlb_sync_range(struct iommu_domain *domain,
				   unsigned long first, unsigned long last,
				   u64 sizes);

/**
 * hwdbm_compat_has_dirty_ops() - whether a domain can track dirty pages
 * @domain: the domain
 *
 * Return: true if it was allocated with dirty tracking and its driver both
 * switches and reads it.
 */
bool hwdbm_compat_has_dirty_ops(const struct iommu_domain *domain);

/**
 * hwdbm_compat_set_dirty_tracking() - switch a domain's dirty tracking
 * @domain: the domain
 * @enable: on or off; what it already is, is no error
 *
 * Dirty bits from before are not cleared. A device attached later follows.
 *
 * Return: 0, -EOPNOTSUPP without dirty ops, or what the driver says: then the
 * state is the one before.
 */
int hwdbm_compat_set_dirty_tracking(struct iommu_domain *domain, bool enable);

enum hwdbm_compat_iopt_format {
	HWDBM_COMPAT_IOPT_AMDV1,
	HWDBM_COMPAT_IOPT_VTDSS,
};

/**
 * struct hwdbm_compat_iopt - where a domain's page tables are
 * @format: layout of the entries
 * @levels: of tables, the top's included
 * @top: physical address of the top table
 * @encrypted: bit of an entry's address that says that memory is encrypted
 */
struct hwdbm_compat_iopt {
	enum hwdbm_compat_iopt_format format;
	unsigned int levels;
	phys_addr_t top;
	u64 encrypted;
};

/**
 * hwdbm_compat_iopt() - find a domain's page tables
 * @domain: the domain
 * @iopt: out, as they are now: a mapping may put a new top over the old
 *
 * Only where the kernel's generic page table code made them, in a format with
 * dirty bits, and the hardware reads them coherently: its functions in the
 * domain's table of operations say which format it is.
 *
 * Return: false if that is not so.
 */
bool hwdbm_compat_iopt(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt);

/**
 * hwdbm_compat_gather_reader_works() - whether hwdbm_compat_read_dirty() reads
 * @domain: the domain
 *
 * Return: true if this kernel's driver of @domain records what it finds in the
 * gather. False where that is not positively known.
 */
bool hwdbm_compat_gather_reader_works(const struct iommu_domain *domain);

/**
 * hwdbm_compat_read_dirty() - look for dirty leaves in a range
 * @domain: a domain for which hwdbm_compat_gather_reader_works()
 * @iova: first IOVA in bytes, see below
 * @size: bytes, a power of two; @iova is a multiple of it
 * @clear: clean the dirty leaves as well
 * @found: set here, whatever was in it; read it with hwdbm_compat_found_dirty()
 *
 * Afterwards [@found->start, @found->end], end inclusive, runs from the first
 * to the last dirty leaf that begins in the range; what lies between need not
 * be dirty. With @clear every leaf in the range is cleaned, so it must cover
 * one leaf only or leaves that are recorded already (policy: "Moving bits").
 * A cleaned leaf needs hwdbm_compat_iotlb_sync_range() before its bit may be
 * reported. @found is not for iommu_iotlb_sync().
 *
 * The drivers step by leaf from @iova as given: from the middle of a leaf they
 * land in the middle of the next and report a range that is shifted by as
 * much, or step over the last leaf. A naturally aligned window begins with a
 * leaf, or is all inside of one. The caller keeps the range mapped and
 * keeps unmaps of it away; nothing here sleeps.
 *
 * Return: 0, -EOPNOTSUPP without dirty ops, -EINVAL for a size of 0 or a range
 * that wraps, or what the driver says; @found is empty on error.
 */
int hwdbm_compat_read_dirty(struct iommu_domain *domain, unsigned long iova,
			    size_t size, bool clear,
			    struct iommu_iotlb_gather *found);

/**
 * hwdbm_compat_found_dirty() - whether a read found anything
 * @found: as hwdbm_compat_read_dirty() left it
 *
 * Return: true if start and end of @found are those of dirty leaves.
 */
static inline bool
hwdbm_compat_found_dirty(const struct iommu_iotlb_gather *found)
{
	return found->start <= found->end;
}

/**
 * hwdbm_compat_pin_user_pages() - pin pages of an address space
 * @mm: the address space, its users held by the caller
 * @vaddr: first address, page aligned
 * @nr: pages wanted, at least 1
 * @gup_flags: FOLL_WRITE, FOLL_LONGTERM; the rest is set here
 * @pages: room for @nr
 *
 * Takes the mmap lock for reading, so no lock that nests inside it may be held;
 * a fatal signal ends the wait. A page that userfaultfd would have to supply is
 * not waited for: -EFAULT, as stock VFIO says. Undo with
 * unpin_user_pages_dirty_lock() or its kin.
 *
 * Return: pages pinned, from the first on and possibly fewer than @nr, never
 * 0; or -EINTR, -EFAULT, -ENOMEM and what else the kernel's GUP says.
 */
long hwdbm_compat_pin_user_pages(struct mm_struct *mm, unsigned long vaddr,
				 unsigned long nr, unsigned int gup_flags,
				 struct page **pages);

/**
 * hwdbm_compat_follow_pfnmap() - the pages behind a mapping of raw addresses
 * @mm: the address space, its users held by the caller
 * @vaddr: first address, page aligned
 * @nr: pages wanted, at least 1
 * @write: the mapping must allow writing
 * @phys: out, first physical byte
 *
 * For what a driver let user space mmap without pages that could be pinned,
 * such as a PCI BAR (VM_PFNMAP). Faults it in. Nothing keeps the addresses
 * from being taken away later, as with stock VFIO.
 *
 * Takes the mmap lock for reading; a fatal signal ends the wait.
 *
 * Return: pages that follow @phys physically, at least 1; -EFAULT if there is
 * no such mapping, or ordinary memory in it; -EINTR; or what the fault says.
 */
long hwdbm_compat_follow_pfnmap(struct mm_struct *mm, unsigned long vaddr,
				unsigned long nr, bool write, u64 *phys);

#endif /* HWDBM_COMPAT_H */
