// SPDX-License-Identifier: GPL-2.0-only
/* Pinning user pages: of whole mappings run by run, and single ones. */

#include <linux/iommu.h>
#include <linux/minmax.h>
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

/**
 * struct hwdbm_raw_range - addresses of a mapping without memory behind them
 * @next: in hwdbm_mapping.raw, ascending
 * @page: first page, counted from the mapping's start
 * @nr: pages
 */
struct hwdbm_raw_range {
	struct list_head next;
	unsigned long page;
	unsigned long nr;
};

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

static bool written(const struct hwdbm_mapping *m)
{
	return m->prot & IOMMU_WRITE;
}

static unsigned long page_address_of(const struct hwdbm_mapping *m,
				     unsigned long page)
{
	return m->vaddr + (page << PAGE_SHIFT);
}

static int note_raw(struct hwdbm_mapping *m, unsigned long page,
		    unsigned long nr)
{
	struct hwdbm_raw_range *r = NULL;

	if (!list_empty(&m->raw))
		r = list_last_entry(&m->raw, struct hwdbm_raw_range, next);
	if (r && r->page + r->nr == page) {
		r->nr += nr;
		return 0;
	}
	r = kmalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->page = page;
	r->nr = nr;
	list_add_tail(&r->next, &m->raw);
	return 0;
}

/*
 * Pages from @page on, at most @nr, that are alike: memory or (*raw) not. Raw
 * ranges are few: a mapping has one for each BAR that it spans.
 */
static unsigned long alike(const struct hwdbm_mapping *m, unsigned long page,
			   unsigned long nr, bool *raw)
{
	const struct hwdbm_raw_range *r;

	list_for_each_entry(r, &m->raw, next) {
		if (page >= r->page + r->nr)
			continue;
		*raw = page >= r->page;
		return min(nr, (*raw ? r->page + r->nr : r->page) - page);
	}
	*raw = false;
	return nr;
}

void hwdbm_unpin_run(const struct hwdbm_mapping *m, u64 iova, u64 phys,
		     u64 bytes)
{
	unsigned long page = (iova - m->iova) >> PAGE_SHIFT;
	unsigned long pfn = phys >> PAGE_SHIFT;
	unsigned long left = bytes >> PAGE_SHIFT;

	while (left) {
		bool raw;
		unsigned long nr = alike(m, page, left, &raw);

		if (!raw)
			unpin_user_page_range_dirty_lock(pfn_to_page(pfn), nr,
							 written(m));
		page += nr;
		pfn += nr;
		left -= nr;
	}
}

void hwdbm_unpin_end(struct hwdbm_mapping *m)
{
	struct hwdbm_raw_range *r, *next;
	unsigned long keep;

	list_for_each_entry_safe(r, next, &m->raw, next) {
		list_del(&r->next);
		kfree(r);
	}
	keep = min(hwdbm_ext_pins_locked(&m->pins), m->acct.locked_pages);
	hwdbm_acct_uncharge(&m->acct, m->acct.locked_pages - keep);
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

/* Add to the pending run, or hand that on and begin a new one. */
static int take_page(struct pin_state *s, u64 phys)
{
	struct pending_run *p = &s->pending;

	if (p->bytes && (s->single || phys != p->phys + p->bytes)) {
		int ret = hand_on(s);

		if (ret)
			return ret;
	}
	if (!p->bytes)
		p->phys = phys;
	p->bytes += PAGE_SIZE;
	return 0;
}

/* The zero page and a driver's reserved pages are nobody's locked memory. */
static int charge_batch(struct pin_state *s, unsigned long page,
			unsigned long nr)
{
	unsigned long i, locked = 0;

	for (i = 0; i < nr; i++)
		locked += !PageReserved(s->pages[i]) &&
			  !hwdbm_ext_pins_find(&s->m->pins, page + i);
	return hwdbm_acct_charge(&s->m->acct, locked);
}

/* Returns the pages pinned, all of them part of the pending run or more. */
static long pin_memory(struct pin_state *s, unsigned long page,
		       unsigned long nr)
{
	unsigned long taken = 0;
	long got;
	int ret;

	got = hwdbm_compat_pin_user_pages(s->m->acct.mm,
					  page_address_of(s->m, page), nr,
					  FOLL_LONGTERM |
					  (written(s->m) ? FOLL_WRITE : 0),
					  s->pages);
	if (got < 0)
		return got;
	ret = charge_batch(s, page, got);
	while (!ret && taken < got) {
		ret = take_page(s, page_to_phys(s->pages[taken]));
		taken += !ret;
	}
	if (!ret)
		return got;
	unpin_user_pages_dirty_lock(s->pages + taken, got - taken,
				    written(s->m));
	return ret;
}

/* The same for addresses without memory, which have only to be noted. */
static long take_raw(struct pin_state *s, unsigned long page, unsigned long nr)
{
	long got, i;
	u64 phys;
	int ret;

	got = hwdbm_compat_follow_pfnmap(s->m->acct.mm,
					 page_address_of(s->m, page), nr,
					 written(s->m), &phys);
	if (got < 0)
		return got;
	ret = note_raw(s->m, page, got);
	for (i = 0; !ret && i < got; i++)
		ret = take_page(s, phys + ((u64)i << PAGE_SHIFT));
	return ret ?: got;
}

static int pin_all(struct pin_state *s)
{
	unsigned long page = 0, nr = hwdbm_mapping_pages(s->m);

	while (page < nr) {
		unsigned long batch = min(nr - page, BATCH_PAGES);
		long got;

		if (fatal_signal_pending(current))
			return -EINTR;
		got = pin_memory(s, page, batch);
		if (got == -EFAULT)
			got = take_raw(s, page, batch);
		if (got < 0)
			return got;
		page += got;
		cond_resched();
	}
	return hand_on(s);
}

bool hwdbm_pin_possible(const struct hwdbm_mapping *m)
{
	return hwdbm_mapping_bytes(m) <= m->acct.mm->task_size;
}

int hwdbm_pin_mapping(struct hwdbm_mapping *m, bool single,
		      hwdbm_pin_run_fn *run, void *ctx, u64 *done)
{
	struct pin_state s = {
		.m = m,
		.single = single,
		.run = run,
		.ctx = ctx,
		.pending.iova = m->iova,
	};
	struct mm_struct *mm;
	int ret;

	lockdep_assert_held(&m->lock);
	*done = 0;
	if (!hwdbm_pin_possible(m))
		return -EFAULT;
	mm = hwdbm_acct_get_mm(&m->acct);
	if (!mm)
		return -ENODEV;
	ret = -ENOMEM;
	s.pages = kmalloc_array(BATCH_PAGES, sizeof(*s.pages),
				GFP_KERNEL_ACCOUNT);
	if (!s.pages)
		goto put_mm;
	ret = pin_all(&s);
	if (ret && s.pending.bytes)
		hwdbm_unpin_run(m, s.pending.iova, s.pending.phys,
				s.pending.bytes);
	*done = s.pending.iova - m->iova;
	kfree(s.pages);
put_mm:
	hwdbm_acct_put_mm(mm);
	return ret;
}

static int pin_page_of(struct hwdbm_mapping *m, unsigned long page,
		       struct page **what)
{
	unsigned long vaddr = page_address_of(m, page);
	struct mm_struct *mm = m->acct.mm;
	long got;
	u64 phys;

	got = hwdbm_compat_pin_user_pages(mm, vaddr, 1, FOLL_LONGTERM |
					  (written(m) ? FOLL_WRITE : 0), what);
	if (got == -EFAULT &&
	    hwdbm_compat_follow_pfnmap(mm, vaddr, 1, written(m), &phys) > 0)
		return -EINVAL;
	return got < 0 ? got : 0;
}

int hwdbm_pin_page(struct hwdbm_mapping *m, unsigned long page, bool charge,
		   struct page **what)
{
	struct mm_struct *mm;
	int ret;

	lockdep_assert_held(&m->lock);
	mm = hwdbm_acct_get_mm(&m->acct);
	if (!mm)
		return -ENODEV;
	ret = pin_page_of(m, page, what);
	if (!ret && charge && !PageReserved(*what)) {
		ret = hwdbm_acct_charge(&m->acct, 1);
		if (ret)
			unpin_user_page(*what);
	}
	hwdbm_acct_put_mm(mm);
	return ret;
}

void hwdbm_unpin_page(struct hwdbm_mapping *m, struct page *what, bool charged)
{
	lockdep_assert_held(&m->lock);
	if (charged && !PageReserved(what))
		hwdbm_acct_uncharge(&m->acct, 1);
	unpin_user_pages_dirty_lock(&what, 1, written(m));
}
