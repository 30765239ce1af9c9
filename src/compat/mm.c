// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's memory management: pinning, and what cannot be pinned.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched.h>

#include "compat.h"
#include "probes.h"

/*
 * GUP may not drop the mmap lock here, so it does not wait for userfaultfd:
 * the caller holds locks of ours, and user space would choose for how long.
 */
static long pin_locked(struct mm_struct *mm, unsigned long vaddr,
		       unsigned long nr, unsigned int gup_flags,
		       struct page **pages)
{
#if HWDBM_HAS_PIN_REMOTE_NO_VMAS
	return pin_user_pages_remote(mm, vaddr, nr, gup_flags, pages, NULL);
#else
	return pin_user_pages_remote(mm, vaddr, nr, gup_flags, pages, NULL,
				     NULL);
#endif
}

long hwdbm_compat_pin_user_pages(struct mm_struct *mm, unsigned long vaddr,
				 unsigned long nr, unsigned int gup_flags,
				 struct page **pages)
{
	long pinned;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	pinned = pin_locked(mm, vaddr, nr, gup_flags, pages);
	mmap_read_unlock(mm);

	/* GUP's answer to arguments that it finds senseless. */
	return pinned ?: -EFAULT;
}

/* Faults tried for one address, which another thread may unmap each time. */
#define PFNMAP_TRIES	8

/* Ordinary memory must be pinned, so it is not to be had this way. */
static bool is_memory(unsigned long pfn)
{
	return pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn));
}

#if HWDBM_HAS_FOLLOW_PFNMAP
static int look_up(struct vm_area_struct *vma, unsigned long vaddr, bool write,
		   unsigned long *pfn)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vaddr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	ret = write && !args.writable ? -EFAULT : 0;
	follow_pfnmap_end(&args);
	return ret;
}
#else
static int look_up(struct vm_area_struct *vma, unsigned long vaddr, bool write,
		   unsigned long *pfn)
{
	spinlock_t *lock;
	pte_t *pte;
	int ret = follow_pte(vma->vm_mm, vaddr, &pte, &lock);

	if (ret)
		return ret;
	*pfn = pte_pfn(*pte);
	ret = write && !pte_write(*pte) ? -EFAULT : 0;
	pte_unmap_unlock(pte, lock);
	return ret;
}
#endif

/* The mmap lock may be dropped in here, and @vma be gone: *vmap says. */
static int look_up_faulting(struct mm_struct *mm, struct vm_area_struct **vmap,
			    unsigned long vaddr, bool write, unsigned long *pfn)
{
	unsigned int flags = FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0);
	unsigned int tries;
	int ret;

	for (tries = 0; tries < PFNMAP_TRIES; tries++) {
		bool unlocked = false;

		*vmap = vma_lookup(mm, vaddr);
		if (!*vmap || !((*vmap)->vm_flags & VM_PFNMAP))
			return -EFAULT;
		ret = look_up(*vmap, vaddr, write, pfn);
		if (ret != -EINVAL)
			return ret;
		ret = fixup_user_fault(mm, vaddr, flags, &unlocked);
		if (ret)
			return ret;
	}
	return -EFAULT;
}

static long follow_locked(struct mm_struct *mm, unsigned long vaddr,
			  unsigned long nr, bool write, u64 *phys)
{
	struct vm_area_struct *vma;
	unsigned long first, pfn;
	unsigned long n;
	int ret;

	ret = look_up_faulting(mm, &vma, vaddr, write, &first);
	if (ret)
		return ret;
	if (is_memory(first))
		return -EFAULT;
	*phys = (u64)first << PAGE_SHIFT;
	/* As far as it goes without a fault; the caller comes again. */
	for (n = 1; n < nr; n++) {
		vaddr += PAGE_SIZE;
		if (vaddr >= vma->vm_end || look_up(vma, vaddr, write, &pfn) ||
		    pfn != first + n || is_memory(pfn))
			break;
	}
	return n;
}

static unsigned long without_tags(struct mm_struct *mm, unsigned long vaddr)
{
#if HWDBM_HAS_UNTAGGED_ADDR_REMOTE
	return untagged_addr_remote(mm, vaddr);
#else
	return untagged_addr(vaddr);
#endif
}

long hwdbm_compat_follow_pfnmap(struct mm_struct *mm, unsigned long vaddr,
				unsigned long nr, bool write, u64 *phys)
{
	long ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = follow_locked(mm, without_tags(mm, vaddr), nr, write, phys);
	mmap_read_unlock(mm);
	return ret;
}
