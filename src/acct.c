// SPDX-License-Identifier: GPL-2.0-only
/* Locked memory: who is charged for a mapping's pages. */

#include <linux/capability.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#include "acct.h"

void hwdbm_acct_init(struct hwdbm_acct *acct)
{
	acct->task = get_task_struct(current->group_leader);
	acct->mm = current->mm;
	mmgrab(acct->mm);
	acct->may_exceed = capable(CAP_IPC_LOCK);
	acct->locked_pages = 0;
}

void hwdbm_acct_fini(struct hwdbm_acct *acct)
{
	WARN_ON_ONCE(acct->locked_pages);
	mmdrop(acct->mm);
	put_task_struct(acct->task);
}

struct mm_struct *hwdbm_acct_get_mm(const struct hwdbm_acct *acct)
{
	return mmget_not_zero(acct->mm) ? acct->mm : NULL;
}

/*
 * Should its process have exited meanwhile, all of its memory is freed now, and
 * what its mappings belong to may be closed: not under locks of ours.
 */
void hwdbm_acct_put_mm(struct mm_struct *mm)
{
	mmput_async(mm);
}

int hwdbm_acct_charge(struct hwdbm_acct *acct, unsigned long pages)
{
	int ret;

	if (!pages)
		return 0;
	if (mmap_write_lock_killable(acct->mm))
		return -EINTR;
	ret = __account_locked_vm(acct->mm, pages, true, acct->task,
				  acct->may_exceed);
	mmap_write_unlock(acct->mm);
	if (!ret)
		acct->locked_pages += pages;
	return ret;
}

void hwdbm_acct_uncharge(struct hwdbm_acct *acct, unsigned long pages)
{
	struct mm_struct *mm;

	pages = min(pages, acct->locked_pages);
	if (!pages)
		return;
	/* An address space that has gone took its counter with it. */
	mm = hwdbm_acct_get_mm(acct);
	if (mm) {
		mmap_write_lock(mm);
		__account_locked_vm(mm, pages, false, acct->task,
				    acct->may_exceed);
		mmap_write_unlock(mm);
		hwdbm_acct_put_mm(mm);
	}
	acct->locked_pages -= pages;
}

int hwdbm_acct_move(struct hwdbm_acct *acct)
{
	struct hwdbm_acct to;
	int ret;

	if (acct->mm == current->mm)
		return 0;
	hwdbm_acct_init(&to);
	ret = hwdbm_acct_charge(&to, acct->locked_pages);
	if (ret) {
		hwdbm_acct_fini(&to);
		return ret;
	}
	hwdbm_acct_uncharge(acct, acct->locked_pages);
	hwdbm_acct_fini(acct);
	*acct = to;
	return 0;
}
