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

static unsigned int nr_groups(const struct hwdbm_domain *d)
{
	const struct hwdbm_group *g;
	unsigned int n = 0;

	list_for_each_entry(g, &d->groups, next)
		n++;
	return n;
}

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
	facts->domains++;
	facts->domains_tracking += tracks(c, d);
	facts->domains_failed += READ_ONCE(d->failed);
	facts->groups_unpinned += nr_groups(d);
}

/* The policy once @joins (or NULL) has come and @leaves (or NULL) has gone. */
static enum hwdbm_policy policy_with(const struct hwdbm_container *c,
				     const struct hwdbm_domain *joins,
				     const struct hwdbm_domain *leaves,
				     u32 *reason)
{
	struct hwdbm_policy_facts facts = {};
	const struct hwdbm_domain *d;

	lockdep_assert_held(&c->domains_sem);
	list_for_each_entry(d, &c->domains, next)
		if (d != leaves)
			count_domain(c, d, &facts);
	if (joins)
		count_domain(c, joins, &facts);
	return hwdbm_dirty_policy_choose(&facts, reason);
}

enum hwdbm_policy hwdbm_dirty_policy(const struct hwdbm_container *c,
				     u32 *reason)
{
	return policy_with(c, NULL, NULL, reason);
}

/* From here on everything mapped counts as dirty, until STOP or @d is gone. */
static void degrade(struct hwdbm_container *c, struct hwdbm_domain *d, int err)
{
	char name[32] = "a detached device";
	const struct hwdbm_group *g;

	WRITE_ONCE(d->failed, true);
	if (test_and_set_bit(0, &c->warned))
		return;
	g = list_first_entry_or_null(&d->groups, struct hwdbm_group, next);
	if (g)
		hwdbm_group_device_name(g, name, sizeof(name));
	pr_warn("reading dirty bits of %s failed (%d): every mapped page counts as dirty until logging is stopped\n",
		name, err);
}

/*
 * The drivers' walk wraps around at the end of the address space and would go
 * on at 0. The mapping that ends there is never asked about: always dirty.
 */
static bool readable(const struct hwdbm_mapping *m)
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
	if (!readable(p->m)) {
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
			degrade(c, d, ret);
			return ret;
		}
	}
	return 0;
}

static bool is_full(const struct hwdbm_container *c)
{
	u32 reason;

	return hwdbm_dirty_policy(c, &reason) == HWDBM_POLICY_FULL;
}

/*
 * Under the full policy the log is left as it is: leaving that policy makes
 * everything dirty anyway.
 */
void hwdbm_dirty_piece_get(struct hwdbm_container *c,
			   const struct hwdbm_piece *p, bool clear,
			   unsigned long *dst)
{
	struct hwdbm_mapping *m = p->m;

	lockdep_assert_held(&m->lock);
	bitmap_zero(dst, HWDBM_CHUNK_PAGES);
	if (!c->logging || is_full(c) ||
	    harvest(c, p, NULL, clear ? NULL : dst)) {
		bitmap_fill(dst, p->nr);
		return;
	}
	hwdbm_dirty_log_report(&m->log, p->page, p->nr, dst);
	if (clear)
		hwdbm_dirty_log_clear(&m->log, p->page, p->nr);
}

void hwdbm_dirty_piece_clear(struct hwdbm_container *c,
			     const struct hwdbm_piece *p,
			     const unsigned long *pages)
{
	lockdep_assert_held(&p->m->lock);
	if (is_full(c) || harvest(c, p, pages, NULL))
		return;
	hwdbm_dirty_log_clear_bits(&p->m->log, p->page, p->nr, pages);
}

/*
 * The hardware sets bits all the time; what is old is cleared, and every
 * translation that is cached as dirty invalidated. A write in between is
 * cleaned away, or goes unseen: it is older than the log.
 */
static void start_domain(struct hwdbm_container *c, struct hwdbm_domain *d)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	lockdep_assert_held(&c->lock);
	d->tracking = true;
	hwdbm_mapping_tree_for_each(m, &c->mappings) {
		int ret = 0;

		if (readable(m))
			ret = hwdbm_domain_forget(d, m->iova, m->last);
		if (ret) {
			degrade(c, d, ret);
			return;
		}
	}
}

void hwdbm_dirty_start_domain(struct hwdbm_container *c,
			      struct hwdbm_domain *d)
{
	lockdep_assert_held_write(&c->domains_sem);
	mutex_lock(&c->lock);
	start_domain(c, d);
	mutex_unlock(&c->lock);
}

static void free_logs(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	lockdep_assert_held(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		hwdbm_dirty_log_fini(&m->log);
}

static int alloc_logs(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	lockdep_assert_held(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings) {
		int ret = hwdbm_dirty_log_init(&m->log, hwdbm_mapping_pages(m));

		if (ret) {
			free_logs(c);
			return ret;
		}
	}
	return 0;
}

/* domains_sem held for writing: no MAP is under way, every mapping is live. */
int hwdbm_dirty_start(struct hwdbm_container *c)
{
	struct hwdbm_domain *d;
	int ret = 0;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	mutex_lock(&c->lock);
	if (c->logging)
		goto unlock;
	ret = alloc_logs(c);
	if (ret)
		goto unlock;
	c->warned = 0;
	list_for_each_entry(d, &c->domains, next)
		if (hwdbm_domain_capable(d))
			start_domain(c, d);
	c->logging = true;
unlock:
	mutex_unlock(&c->lock);
	up_write(&c->domains_sem);
	return ret;
}

/* From here on the hardware sets bits that nobody reads; START clears them. */
int hwdbm_dirty_stop(struct hwdbm_container *c)
{
	struct hwdbm_domain *d;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	mutex_lock(&c->lock);
	if (c->logging) {
		c->logging = false;
		list_for_each_entry(d, &c->domains, next) {
			d->tracking = false;
			WRITE_ONCE(d->failed, false);
		}
		free_logs(c);
	}
	mutex_unlock(&c->lock);
	up_write(&c->domains_sem);
	return 0;
}

static void populate(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	lockdep_assert_held(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		hwdbm_dirty_log_set_all(&m->log);
}

/* Harvest one mapping, of @only or (NULL) of every domain. */
static int save_mapping(struct hwdbm_container *c, struct hwdbm_mapping *m,
			struct hwdbm_domain *only)
{
	struct hwdbm_piece p = {
		.m = m,
		.nr = hwdbm_mapping_pages(m),
	};
	int ret = 0;

	mutex_lock(&m->lock);
	if (!only || !readable(m))
		ret = harvest(c, &p, NULL, NULL);
	else if (tracks(c, only))
		ret = harvest_domain(only, &p, NULL, NULL);
	if (ret && only)
		degrade(c, only, ret);
	mutex_unlock(&m->lock);
	return ret;
}

static int save_all(struct hwdbm_container *c, struct hwdbm_domain *only)
{
	struct hwdbm_mapping *m;
	int ret = 0;

	lockdep_assert_held_write(&c->domains_sem);
	lockdep_assert_held(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings) {
		ret = save_mapping(c, m, only);
		if (ret)
			break;
	}
	return ret;
}

/* A harvest that fails leaves unknown what is dirty: all of it, then. */
static void take_step(struct hwdbm_container *c, enum hwdbm_policy_step step,
		      struct hwdbm_domain *only)
{
	mutex_lock(&c->lock);
	if (step == HWDBM_STEP_POPULATE ||
	    (step == HWDBM_STEP_HARVEST && save_all(c, only)))
		populate(c);
	mutex_unlock(&c->lock);
}

void hwdbm_dirty_before_join(struct hwdbm_container *c,
			     const struct hwdbm_domain *d)
{
	enum hwdbm_policy from, to;
	u32 reason;

	lockdep_assert_held_write(&c->domains_sem);
	if (!c->logging || list_empty(&c->domains))
		return;
	from = policy_with(c, NULL, NULL, &reason);
	to = policy_with(c, d, NULL, &reason);
	take_step(c, hwdbm_dirty_policy_step(from, to, false), NULL);
}

/*
 * The group is detached, so @d counts with no groups; its tables are whole.
 * If the policy stays, only @d's bits go away; if it changes, what every
 * domain knows has to be kept.
 */
void hwdbm_dirty_before_leave(struct hwdbm_container *c,
			      struct hwdbm_domain *d)
{
	enum hwdbm_policy from, to;
	u32 reason;

	lockdep_assert_held_write(&c->domains_sem);
	if (!c->logging)
		return;
	from = policy_with(c, NULL, NULL, &reason);
	to = policy_with(c, NULL, d, &reason);
	take_step(c, hwdbm_dirty_policy_step(from, to, true),
		  from == to ? d : NULL);
}
