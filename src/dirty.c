// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log of a mapping: where its bits come from and where they go.
 *
 * Two threads and a device, for every path here. A mapping's lock is held from
 * before a hardware bit is cleared until the invalidation for it has finished.
 * So what one thread has moved into the software log, and has not flushed yet,
 * no other thread can report or clear: its caller would copy the page while
 * the device still writes through its cached translation without setting the
 * bit again. The order is always: clear in hardware, record in software,
 * invalidate, wait, then answer.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "container.h"
#include "dirty.h"
#include "dirty_piece.h"
#include "domain.h"

/* Able to tell: cleared at START, or going to be, and not failed since. */
static bool tracks(const struct hwdbm_container *c,
		   const struct hwdbm_domain *d)
{
	return hwdbm_domain_capable(d) && !READ_ONCE(d->failed) &&
	       (d->tracking || !c->logging);
}

static void count_domain(const struct hwdbm_container *c,
			 const struct hwdbm_domain *d,
			 struct hwdbm_policy_facts *facts)
{
	const struct hwdbm_group *g;

	/* Its last group has left: it is about to go. */
	if (list_empty(&d->groups))
		return;
	facts->domains++;
	facts->domains_tracking += tracks(c, d);
	facts->domains_failed += READ_ONCE(d->failed);
	list_for_each_entry(g, &d->groups, next)
		facts->groups_unpinned += !g->pinned;
}

enum hwdbm_policy hwdbm_dirty_policy_with(const struct hwdbm_container *c,
					  const struct hwdbm_domain *joins,
					  u32 *reason)
{
	struct hwdbm_policy_facts facts = {};
	const struct hwdbm_domain *d;

	lockdep_assert_held(&c->domains_sem);
	list_for_each_entry(d, &c->domains, next)
		count_domain(c, d, &facts);
	if (joins)
		count_domain(c, joins, &facts);
	return hwdbm_dirty_policy_choose(&facts, reason);
}

enum hwdbm_policy hwdbm_dirty_policy(const struct hwdbm_container *c,
				     u32 *reason)
{
	return hwdbm_dirty_policy_with(c, NULL, reason);
}

/* From here on everything mapped counts as dirty, until STOP or @d is gone. */
void hwdbm_dirty_degrade(struct hwdbm_domain *d, int err)
{
	/* Two threads may find out at once; one of them says so. */
	if (xchg(&d->failed, true))
		return;
	pr_warn("reading dirty bits of %s failed (%d): every mapped page counts as dirty until logging is stopped or that IOMMU is out of the container\n",
		d->name, err);
}

/*
 * The drivers' walk wraps around at the end of the address space and would go
 * on at 0. The mapping that ends there is never asked about: always dirty.
 */
bool hwdbm_dirty_readable(const struct hwdbm_mapping *m)
{
	return m->last != U64_MAX;
}

/* Where a harvest puts what it finds: pages of @m from @page on. */
struct sink {
	struct hwdbm_mapping *m;
	unsigned long page;
	unsigned long nr;
	unsigned long *dst;
};

static unsigned long page_at(const struct hwdbm_mapping *m, u64 iova)
{
	return (iova - m->iova) >> PAGE_SHIFT;
}

/* All of a cleaned leaf, also what is not asked for: nobody else will know. */
static void record_in_log(void *ctx, u64 first, u64 last)
{
	struct hwdbm_mapping *m = ((struct sink *)ctx)->m;
	unsigned long from = page_at(m, max(first, m->iova));
	unsigned long to = page_at(m, min(last, m->last));

	hwdbm_dirty_log_set(&m->log, from, to - from + 1);
}

/* Nothing is cleaned, so what lies outside the piece will be found again. */
static void record_in_piece(void *ctx, u64 first, u64 last)
{
	struct sink *sink = ctx;
	struct hwdbm_mapping *m = sink->m;
	unsigned long from = page_at(m, max(first, m->iova));
	unsigned long to = page_at(m, min(last, m->last));

	from = max(from, sink->page);
	to = min(to, sink->page + sink->nr - 1);
	if (from <= to)
		bitmap_set(sink->dst, from - sink->page, to - from + 1);
}

static int harvest_domain(struct hwdbm_domain *d, const struct hwdbm_piece *p,
			  const unsigned long *only, unsigned long *dst)
{
	struct sink sink = {
		.m = p->m,
		.page = p->page,
		.nr = p->nr,
		.dst = dst,
	};
	struct hwdbm_harvest h = {
		.first = p->m->iova + ((u64)p->page << PAGE_SHIFT),
		.clear = !dst,
		.only = only,
		.record = dst ? record_in_piece : record_in_log,
		.ctx = &sink,
	};

	h.last = h.first + ((u64)p->nr << PAGE_SHIFT) - 1;
	return hwdbm_domain_harvest(d, &h);
}

/*
 * What the hardware of every domain knows of a piece: moved to the mapping's
 * log if @dst is NULL, else only looked at and ORed to @dst.
 */
static int harvest(struct hwdbm_container *c, const struct hwdbm_piece *p,
		   const unsigned long *only, unsigned long *dst)
{
	struct hwdbm_domain *d;

	lockdep_assert_held(&p->m->lock);
	if (!hwdbm_dirty_readable(p->m)) {
		if (dst)
			bitmap_fill(dst, p->nr);
		else
			hwdbm_dirty_log_set(&p->m->log, p->page, p->nr);
		return 0;
	}
	list_for_each_entry(d, &c->domains, next) {
		/*
		 * Asked only under the hwdbm policy, so each tracked a moment
		 * ago; if another thread has found its hardware failing since,
		 * what it knows of this piece is unknown, not clean.
		 */
		int ret = tracks(c, d) ? harvest_domain(d, p, only, dst) : -EIO;

		if (ret) {
			hwdbm_dirty_degrade(d, ret);
			return ret;
		}
	}
	return 0;
}

int hwdbm_dirty_piece_save(struct hwdbm_container *c,
			   const struct hwdbm_piece *p,
			   struct hwdbm_domain *only)
{
	int ret = 0;

	if (!only || !hwdbm_dirty_readable(p->m))
		return harvest(c, p, NULL, NULL);
	if (tracks(c, only))
		ret = harvest_domain(only, p, NULL, NULL);
	if (ret)
		hwdbm_dirty_degrade(only, ret);
	return ret;
}

/* Pages that a driver has pinned are dirty for as long as they are. */
static void report_pins(const struct hwdbm_piece *p, unsigned long *dst)
{
	unsigned long page = p->page;

	while (hwdbm_ext_pins_next(&p->m->pins, &page,
				    p->page + p->nr - 1))
		__set_bit(page++ - p->page, dst);
}

static enum hwdbm_policy policy(const struct hwdbm_container *c)
{
	u32 reason;

	return hwdbm_dirty_policy(c, &reason);
}

void hwdbm_dirty_seal(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	struct hwdbm_domain *d;

	lockdep_assert_held(&m->lock);
	if (!c->logging || policy(c) != HWDBM_POLICY_HWDBM ||
	    !hwdbm_dirty_readable(m) || !(m->prot & IOMMU_WRITE))
		return;
	list_for_each_entry(d, &c->domains, next) {
		int ret = hwdbm_domain_seal(d, m->iova, m->last);

		if (ret)
			hwdbm_dirty_degrade(d, ret);
	}
}

/*
 * Under the full policy the log is left as it is: leaving that policy makes
 * everything dirty anyway. Under the pinned one the hardware is not asked:
 * no device writes but what its driver has pinned.
 */
void hwdbm_dirty_piece_get(struct hwdbm_container *c,
			   const struct hwdbm_piece *p, bool clear,
			   unsigned long *dst)
{
	struct hwdbm_mapping *m = p->m;
	enum hwdbm_policy from;

	lockdep_assert_held(&m->lock);
	bitmap_zero(dst, HWDBM_CHUNK_PAGES);
	from = policy(c);
	if (!c->logging || from == HWDBM_POLICY_FULL ||
	    (from == HWDBM_POLICY_HWDBM &&
	     harvest(c, p, NULL, clear ? NULL : dst))) {
		bitmap_fill(dst, p->nr);
		return;
	}
	hwdbm_dirty_log_report(&m->log, p->page, p->nr, dst);
	report_pins(p, dst);
	if (clear)
		hwdbm_dirty_log_clear(&m->log, p->page, p->nr);
}

void hwdbm_dirty_piece_clear(struct hwdbm_container *c,
			     const struct hwdbm_piece *p,
			     const unsigned long *pages)
{
	enum hwdbm_policy from = policy(c);

	lockdep_assert_held(&p->m->lock);
	if (from == HWDBM_POLICY_FULL ||
	    (from == HWDBM_POLICY_HWDBM && harvest(c, p, pages, NULL)))
		return;
	hwdbm_dirty_log_clear_bits(&p->m->log, p->page, p->nr, pages);
}
