// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's memory management: pinning.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>

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
