/* SPDX-License-Identifier: GPL-2.0-only */
/* Locked memory: who is charged for a mapping's pages. */
#ifndef HWDBM_ACCT_H
#define HWDBM_ACCT_H

#include <linux/types.h>

struct mm_struct;
struct task_struct;

/**
 * struct hwdbm_acct - the owner of a mapping and what it was charged
 * @task: thread group leader whose RLIMIT_MEMLOCK counts; a reference
 * @mm: address space charged; an mmgrab reference, so it may be dying
 * @may_exceed: owner had CAP_IPC_LOCK when it mapped
 * @locked_pages: pages charged to @mm now
 *
 * Locks: the mapping's lock, or the container's domains_sem held for writing, under
 * which hwdbm_acct_move() changes the owner.
 */
struct hwdbm_acct {
	struct task_struct *task;
	struct mm_struct *mm;
	bool may_exceed;
	unsigned long locked_pages;
};

/** hwdbm_acct_init() - the calling process becomes the owner */
void hwdbm_acct_init(struct hwdbm_acct *acct);

/** hwdbm_acct_fini() - drop the owner; nothing may be charged any more */
void hwdbm_acct_fini(struct hwdbm_acct *acct);

/**
 * hwdbm_acct_move() - the calling process takes over, with all that is charged
 * @acct: the owner, may have exited
 *
 * Return: 0, or an errno of hwdbm_acct_charge() with nothing changed.
 */
int hwdbm_acct_move(struct hwdbm_acct *acct);

/**
 * hwdbm_acct_get_mm() - keep the owner's address space for a while
 * @acct: the owner; the container's domains_sem is held, so that it stays that
 *
 * Return: NULL if it is gone; else hwdbm_acct_put_mm() it, for the owner may be
 * another by then.
 */
struct mm_struct *hwdbm_acct_get_mm(const struct hwdbm_acct *acct);

/** hwdbm_acct_put_mm() - let it go; does not wait for it to be torn down */
void hwdbm_acct_put_mm(struct mm_struct *mm);

/**
 * hwdbm_acct_charge() - charge locked pages to the owner
 * @acct: the owner; the calling process, or its address space is held
 * @pages: pages of PAGE_SIZE
 *
 * Takes the owner's mmap_lock.
 *
 * Return: 0; -ENOMEM past RLIMIT_MEMLOCK; -EINTR on a fatal signal.
 */
int hwdbm_acct_charge(struct hwdbm_acct *acct, unsigned long pages);

/**
 * hwdbm_acct_uncharge() - give back what was charged
 * @acct: the owner, from any process; it may have exited
 * @pages: pages of PAGE_SIZE; no more is given back than was charged. A page
 *	may be reserved for one who pins it (the zero page) and not for another
 *
 * Takes the owner's mmap_lock. Cannot fail.
 */
void hwdbm_acct_uncharge(struct hwdbm_acct *acct, unsigned long pages);

#endif /* HWDBM_ACCT_H */
