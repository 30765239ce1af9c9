// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's memory management: pinning.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>

#include "compat.h"
#include "probes.h"

/*
 * GUP may drop the lock to wait for a page and then says so in @locked; pages
 * that it pinned before stay pinned, and we keep no VMA across the call.
 */
static long pin_locked(struct mm_struct *mm, unsigned long vaddr,
		       unsigned long nr, unsigned int gup_flags,
		       struct page **pages, int *locked)
{
#if HWDBM_HAS_PIN_REMOTE_NO_VMAS
	return pin_user_pages_remote(mm, vaddr, nr, gup_flags, pages, locked);
#else
	/* Here FOLL_LONGTERM and a lock that may be dropped exclude each other. */
	return pin_user_pages_remote(mm, vaddr, nr, gup_flags, pages, NULL,
				     NULL);
#endif
}

long hwdbm_compat_pin_user_pages(struct mm_struct *mm, unsigned long vaddr,
				 unsigned long nr, unsigned int gup_flags,
				 struct page **pages)
{
	int locked = 1;
	long pinned;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	pinned = pin_locked(mm, vaddr, nr, gup_flags, pages, &locked);
	if (locked)
		mmap_read_unlock(mm);

	/* GUP's answer to arguments that it finds senseless. */
	return pinned ?: -EFAULT;
}
