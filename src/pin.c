// SPDX-License-Identifier: GPL-2.0-only
/* Pinning runs of user pages. */

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "acct.h"
#include "compat/compat.h"
#include "mapping_tree.h"
#include "pin.h"

/* One page of pointers: 2 MiB of 4 KiB pages a call into the mm. */
#define BATCH_PAGES	(PAGE_SIZE / sizeof(struct page *))

/* Pinned but not handed on: a run that the next batch may continue. */
struct pending_run {
	u64 iova;
	u64 phys;
	u64 bytes;
};

struct pin_state {
	struct hwdbm_mapping *m;
	bool single;
	hwdbm_pin_run_fn *run;
	void *ctx;
	struct page **pages;
	struct pending_run pending;
};

bool hwdbm_pin_possible(u64 bytes)
{
	return bytes <= current->mm->task_size;
}

void hwdbm_unpin_run(u64 phys, u64 bytes, bool written)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(phys >> PAGE_SHIFT),
					 bytes >> PAGE_SHIFT, written);
}

static int hand_on(struct pin_state *s)
{
	struct pending_run *p = &s->pending;
	int ret;

	if (!p->bytes)
		return 0;
	ret = s->run(s->ctx, p->iova, p->phys, p->bytes);
	if (!ret) {
		p->iova += p->bytes;
		p->bytes = 0;
	}
	return ret;
}

/* The zero page and a driver's reserved pages are nobody's locked memory. */
static int charge_batch(struct pin_state *s, unsigned long nr)
{
	unsigned long i, locked = 0;

	for (i = 0; i < nr; i++)
		locked += !PageReserved(s->pages[i]);
	return hwdbm_acct_charge(&s->m->acct, locked);
}

/* Sets *taken to the pages that have become part of the pending run or more. */
static int take_batch(struct pin_state *s, unsigned long nr,
		      unsigned long *taken)
{
	struct pending_run *p = &s->pending;

	for (*taken = 0; *taken < nr; ++*taken) {
		u64 phys = page_to_phys(s->pages[*taken]);

		if (p->bytes && (s->single || phys != p->phys + p->bytes)) {
			int ret = hand_on(s);

			if (ret)
				return ret;
		}
		if (!p->bytes)
			p->phys = phys;
		p->bytes += PAGE_SIZE;
	}
	return 0;
}

static int pin_batch(struct pin_state *s, unsigned long page,
		     unsigned long nr, unsigned long *pinned)
{
	unsigned int flags = FOLL_LONGTERM;
	bool write = s->m->prot & IOMMU_WRITE;
	unsigned long taken = 0;
	long got;
	int ret;

	*pinned = 0;
	if (write)
		flags |= FOLL_WRITE;
	got = hwdbm_compat_pin_user_pages(s->m->acct.mm,
					  s->m->vaddr + (page << PAGE_SHIFT),
					  nr, flags, s->pages);
	if (got < 0)
		return got;
	ret = charge_batch(s, got);
	if (!ret)
		ret = take_batch(s, got, &taken);
	if (ret)
		unpin_user_pages_dirty_lock(s->pages + taken, got - taken,
					    write);
	*pinned = got;
	return ret;
}

int hwdbm_pin_mapping(struct hwdbm_mapping *m, bool single,
		      hwdbm_pin_run_fn *run, void *ctx, u64 *done)
{
	unsigned long page = 0, nr = hwdbm_mapping_pages(m), pinned;
	struct pin_state s = {
		.m = m,
		.single = single,
		.run = run,
		.ctx = ctx,
		.pending.iova = m->iova,
	};
	int ret = 0;

	lockdep_assert_held(&m->lock);
	*done = 0;
	s.pages = kmalloc_array(BATCH_PAGES, sizeof(*s.pages),
				GFP_KERNEL_ACCOUNT);
	if (!s.pages)
		return -ENOMEM;
	while (!ret && page < nr) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		ret = pin_batch(&s, page, min(nr - page, BATCH_PAGES),
				&pinned);
		page += pinned;
		cond_resched();
	}
	if (!ret)
		ret = hand_on(&s);
	if (ret && s.pending.bytes)
		hwdbm_unpin_run(s.pending.phys, s.pending.bytes,
				m->prot & IOMMU_WRITE);
	*done = s.pending.iova - m->iova;
	kfree(s.pages);
	return ret;
}
