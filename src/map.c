// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP and UNMAP.
 *
 * A mapping is in the tree for longer than it is live, so that its range is
 * taken from before its first page is mapped until after its last is gone.
 * What is not live is nobody's business but of the call that is at work on it:
 * a reader of the dirty log passes over it, and UNMAP waits for its lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "container.h"
#include "dirty.h"
#include "domain.h"
#include "emul.h"
#include "map.h"
#include "pin.h"

struct hwdbm_mapping *hwdbm_map_next(struct hwdbm_container *c, u64 first,
				     u64 last)
{
	struct hwdbm_mapping *m;

	mutex_lock(&c->lock);
	m = hwdbm_mapping_tree_first(&c->mappings, first, last);
	if (m)
		hwdbm_mapping_get(m);
	mutex_unlock(&c->lock);
	return m;
}

static struct hwdbm_domain *first_domain(struct hwdbm_container *c)
{
	return list_first_entry_or_null(&c->domains, struct hwdbm_domain, next);
}

/* Where pages are mapped as they are pinned: @only, or (NULL) everywhere. */
struct map_ctx {
	struct hwdbm_container *c;
	struct hwdbm_domain *only;
	int prot;
};

static int map_run(void *data, u64 iova, u64 phys, u64 bytes)
{
	struct map_ctx *ctx = data;
	struct hwdbm_domain *d;
	int ret;

	if (ctx->only)
		return hwdbm_domain_map(ctx->only, iova, phys, bytes,
					ctx->prot);
	list_for_each_entry(d, &ctx->c->domains, next) {
		ret = hwdbm_domain_map(d, iova, phys, bytes, ctx->prot);
		if (ret)
			goto unwind;
	}
	return 0;

unwind:
	list_for_each_entry_continue_reverse(d, &ctx->c->domains, next)
		hwdbm_domain_unmap(d, iova, bytes);
	return ret;
}

/* Runs come in ascending order from the mapping's start, without a gap. */
struct release_ctx {
	const struct hwdbm_mapping *m;
	u64 iova;
};

static void release_run(void *data, u64 phys, u64 bytes)
{
	struct release_ctx *ctx = data;

	hwdbm_unpin_run(ctx->m, ctx->iova, phys, bytes);
	ctx->iova += bytes;
}

static void keep_run(void *data, u64 phys, u64 bytes)
{
}

/*
 * Unmap the first @bytes of a mapping from the last domain that has them, unpin
 * and uncharge. Its tables are where we remember which pages are pinned, and a
 * page is unpinned only when no device can reach it: where another domain's
 * driver would not unmap (@reachable) they stay pinned, though nobody is charged
 * for them any more. That leaks them, but harms no other user of the memory.
 * (A MAP that fails and whose pages cannot be unmapped again is not covered.)
 */
static void let_go(struct hwdbm_domain *d, struct hwdbm_mapping *m, u64 bytes,
		   bool reachable)
{
	struct release_ctx ctx = { .m = m, .iova = m->iova };

	lockdep_assert_held(&m->lock);
	if (bytes)
		hwdbm_domain_unmap_runs(d, m->iova, m->iova + bytes - 1,
					reachable ? keep_run : release_run,
					&ctx);
	hwdbm_unpin_end(m);
}

/* The same where every domain has them. Without one nothing is pinned. */
static void teardown(struct hwdbm_container *c, struct hwdbm_mapping *m,
		     u64 bytes)
{
	struct hwdbm_domain *first = first_domain(c), *d = first;
	bool reachable = false;

	lockdep_assert_held(&c->domains_sem);
	lockdep_assert_held(&m->lock);
	if (!first) {
		hwdbm_unpin_end(m);
		return;
	}
	if (bytes)
		list_for_each_entry_continue(d, &c->domains, next)
			reachable |= !hwdbm_domain_unmap(d, m->iova, bytes);
	let_go(first, m, bytes, reachable);
}

static int pin_and_map(struct hwdbm_container *c, struct hwdbm_mapping *m,
		       struct hwdbm_domain *only, u64 *done)
{
	struct map_ctx ctx = { .c = c, .only = only, .prot = m->prot };

	lockdep_assert_held(&c->domains_sem);
	return hwdbm_pin_mapping(m, READ_ONCE(hwdbm_params.disable_hugepages),
				 map_run, &ctx, done);
}

/* The log comes first: a device may write as soon as a page is mapped. */
static int populate(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	u64 done;
	int ret;

	lockdep_assert_held(&c->domains_sem);
	lockdep_assert_held(&m->lock);
	/* Now, before a log is made for a size that there cannot be. */
	if (first_domain(c) && !hwdbm_pin_possible(m))
		return -EFAULT;
	if (c->logging) {
		ret = hwdbm_dirty_log_init(&m->log, hwdbm_mapping_pages(m));
		if (ret)
			return ret;
	}
	if (first_domain(c)) {
		ret = pin_and_map(c, m, NULL, &done);
		if (ret) {
			teardown(c, m, done);
			return ret;
		}
	}
	WRITE_ONCE(m->live, true);
	return 0;
}

int hwdbm_map_check_range(const struct hwdbm_container *c, u64 iova, u64 size,
			  u64 vaddr, u64 *last)
{
	u64 pgsize = hwdbm_container_pgsize(c), vaddr_last;

	if (!size || (size | iova | vaddr) & (pgsize - 1))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, last) ||
	    check_add_overflow(vaddr, size - 1, &vaddr_last))
		return -EOVERFLOW;
	return 0;
}

/*
 * On success the mapping's lock is held: nobody finds it unlocked before it is
 * live or gone. What is wrong is told in stock's order.
 */
static int insert_locked(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	int ret;

	mutex_lock(&c->lock);
	ret = hwdbm_mapping_tree_insert(&c->mappings, m);
	if (ret)
		goto unlock;
	if (!c->dma_avail)
		ret = -ENOSPC;
	else if (c->iova_ranges &&
		 !hwdbm_iova_ranges_contain(c->iova_ranges, m->iova, m->last))
		ret = -EINVAL;
	if (ret) {
		hwdbm_mapping_tree_erase(&c->mappings, m);
		goto unlock;
	}
	c->dma_avail--;
	mutex_lock(&m->lock);
unlock:
	mutex_unlock(&c->lock);
	return ret;
}

static void erase(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	mutex_lock(&c->lock);
	hwdbm_mapping_tree_erase(&c->mappings, m);
	c->dma_avail++;
	c->vaddr_invalid -= m->vaddr_invalid;
	mutex_unlock(&c->lock);
	hwdbm_mapping_put(m);
}

int hwdbm_map_add(struct hwdbm_container *c, u64 iova, u64 size, u64 vaddr,
		  int prot)
{
	struct hwdbm_mapping *m;
	u64 last;
	int ret;

	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	/*
	 * The last group may have left while this call was on its way, and
	 * nobody would take the mapping down again.
	 */
	ret = -ENODEV;
	if (hwdbm_container_empty(c))
		goto unlock;
	ret = hwdbm_map_check_range(c, iova, size, vaddr, &last);
	if (ret)
		goto unlock;
	ret = -ENOMEM;
	m = hwdbm_mapping_alloc(iova, last, vaddr, prot);
	if (!m)
		goto unlock;

	ret = insert_locked(c, m);
	if (ret) {
		hwdbm_mapping_put(m);
		goto unlock;
	}
	ret = populate(c, m);
	mutex_unlock(&m->lock);
	if (ret)
		erase(c, m);
unlock:
	up_read(&c->domains_sem);
	return ret;
}

/*
 * The report is made before the tables are taken down. Where the hardware's
 * tables can be changed, devices can no longer write by then; elsewhere what they
 * write meanwhile is undefined by contract.
 *
 * Returns -EAGAIN if drivers have pages pinned, which have to be told first.
 */
static int remove_locked(struct hwdbm_container *c, struct hwdbm_mapping *m,
			 struct hwdbm_dirty_request *report, u64 *unmapped)
{
	int ret = 0;

	lockdep_assert_held_write(&m->io);
	if (mutex_lock_killable(&m->lock))
		return -EINTR;
	/* Whoever clears live erases; another UNMAP may have been quicker. */
	if (!m->live)
		goto unlock;
	ret = -EAGAIN;
	if (!hwdbm_ext_pins_empty(&m->pins))
		goto unlock;
	ret = 0;
	if (report)
		hwdbm_dirty_report(c, m, report);
	WRITE_ONCE(m->live, false);
	teardown(c, m, hwdbm_mapping_bytes(m));
	*unmapped += hwdbm_mapping_bytes(m);
	mutex_unlock(&m->lock);
	erase(c, m);
	return 0;

unlock:
	mutex_unlock(&m->lock);
	return ret;
}

static int try_remove(struct hwdbm_container *c, struct hwdbm_mapping *m,
		      struct hwdbm_dirty_request *report, u64 *unmapped)
{
	int ret = -EINTR;

	if (down_write_killable(&m->io))
		return ret;
	if (down_read_killable(&c->domains_sem))
		goto unlock;
	ret = remove_locked(c, m, report, unmapped);
	up_read(&c->domains_sem);
unlock:
	up_write(&m->io);
	return ret;
}

/* A driver has this many chances to unpin. */
#define UNPIN_TRIES	10

/*
 * Whose pin has returned a moment ago may not have noted it yet, so that the
 * first calls find nothing to undo: some time between the later ones.
 */
static void notify(struct hwdbm_container *c, struct hwdbm_mapping *m,
		   unsigned int tries)
{
	if (tries > 1)
		schedule_timeout_killable(msecs_to_jiffies(10));
	hwdbm_emul_notify(c, m);
}

static int remove_one(struct hwdbm_container *c, struct hwdbm_mapping *m,
		      struct hwdbm_dirty_request *report, u64 *unmapped)
{
	unsigned int tries = 0;
	int ret;

	atomic_inc(&m->going);
	while ((ret = try_remove(c, m, report, unmapped)) == -EAGAIN &&
	       tries < UNPIN_TRIES)
		notify(c, m, tries++);
	atomic_dec(&m->going);
	return ret == -EAGAIN ? -EBUSY : ret;
}

static bool bisected(struct hwdbm_container *c, u64 first, u64 last)
{
	bool ret;

	mutex_lock(&c->lock);
	ret = hwdbm_mapping_tree_bisected(&c->mappings, first, last);
	mutex_unlock(&c->lock);
	return ret;
}

/* A glance, without a lock of the mapping's. */
static bool has_pins(const struct hwdbm_mapping *m)
{
	return !hwdbm_ext_pins_empty(&m->pins);
}

static int ask_to_unpin(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	unsigned int tries;
	bool kept;

	atomic_inc(&m->going);
	for (tries = 0; has_pins(m) && tries < UNPIN_TRIES; tries++)
		notify(c, m, tries);
	kept = has_pins(m);
	atomic_dec(&m->going);
	if (!kept)
		return 0;
	pr_warn_ratelimited("a driver does not unpin what is to be unmapped\n");
	return -EBUSY;
}

/* Does a mapping that meets a range go with it? */
static bool concerns(const struct hwdbm_container *c,
		     const struct hwdbm_mapping *m, u64 first, u64 last)
{
	return m->iova >= first && (!c->v2 || m->last <= last);
}

/* Visit what goes with a range, in ascending order, until @visit fails. */
static int for_range(struct hwdbm_container *c, u64 first, u64 last,
		     int (*visit)(struct hwdbm_container *c,
				  struct hwdbm_mapping *m, void *ctx),
		     void *ctx)
{
	struct hwdbm_mapping *m;
	int ret = 0;

	while (!ret && (m = hwdbm_map_next(c, first, last))) {
		bool goes = concerns(c, m, first, last);
		u64 m_last = m->last;

		if (goes)
			ret = visit(c, m, ctx);
		hwdbm_mapping_put(m);
		if (m_last >= last || (!c->v2 && !goes))
			break;
		first = m_last + 1;
		cond_resched();
	}
	return ret;
}

struct remove_ctx {
	struct hwdbm_dirty_request *report;
	u64 *unmapped;
};

static int visit_unpin(struct hwdbm_container *c, struct hwdbm_mapping *m,
		       void *ctx)
{
	return ask_to_unpin(c, m);
}

static int visit_remove(struct hwdbm_container *c, struct hwdbm_mapping *m,
			void *data)
{
	struct remove_ctx *ctx = data;

	/* Too new: there is no room for it in the report. */
	if (ctx->report && !hwdbm_dirty_covers(ctx->report, m))
		return 0;
	return remove_one(c, m, ctx->report, ctx->unmapped);
}

/*
 * Drivers unpin all of the range before any of it goes, so that a driver that
 * does not fails the call with nothing done.
 */
int hwdbm_map_remove(struct hwdbm_container *c, u64 first, u64 last,
		     struct hwdbm_dirty_request *report, u64 *unmapped)
{
	struct remove_ctx ctx = { .report = report, .unmapped = unmapped };
	int ret;

	*unmapped = 0;
	if (c->v2 && bisected(c, first, last))
		return -EINVAL;
	/* Also with no device open: a driver may have kept pins as it closed. */
	ret = for_range(c, first, last, visit_unpin, NULL);
	if (!ret)
		ret = for_range(c, first, last, visit_remove, &ctx);
	/*
	 * One that has pinned in between, and keeps it: what is gone, and
	 * reported, is told now; the rest by the next call.
	 */
	return ret == -EBUSY && *unmapped ? 0 : ret;
}

/* No device is open, so nothing copies (io) and nothing should be pinned. */
void hwdbm_map_remove_all(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	while ((m = hwdbm_map_next(c, 0, U64_MAX))) {
		mutex_lock(&m->lock);
		WRITE_ONCE(m->live, false);
		teardown(c, m, hwdbm_mapping_bytes(m));
		/* Should a driver have left pins, their owner is let off. */
		hwdbm_acct_uncharge(&m->acct, m->acct.locked_pages);
		mutex_unlock(&m->lock);
		erase(c, m);
		hwdbm_mapping_put(m);
		cond_resched();
	}
}

/*
 * Every mapping in ascending order, held by a reference during the body. The
 * tree stays as it is: domains_sem is held for writing.
 */
#define for_each_mapping_held(c, m)					\
	for (m = hwdbm_map_next(c, 0, U64_MAX); m; m = after(c, m))

static struct hwdbm_mapping *after(struct hwdbm_container *c,
				   struct hwdbm_mapping *m)
{
	u64 last = m->last;

	hwdbm_mapping_put(m);
	return last == U64_MAX ? NULL : hwdbm_map_next(c, last + 1, U64_MAX);
}

void hwdbm_map_withdraw_all(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	for_each_mapping_held(c, m) {
		mutex_lock(&m->lock);
		teardown(c, m, hwdbm_mapping_bytes(m));
		mutex_unlock(&m->lock);
		cond_resched();
	}
}

static int copy_mapping(const struct hwdbm_domain *from,
			struct hwdbm_domain *to, const struct hwdbm_mapping *m)
{
	bool single = READ_ONCE(hwdbm_params.disable_hugepages);
	u64 left = hwdbm_mapping_bytes(m), iova = m->iova;

	while (left) {
		u64 last = single ? iova + (PAGE_SIZE - 1) : m->last;
		u64 phys, bytes = hwdbm_domain_run(from, iova, last, &phys);
		int ret = hwdbm_domain_map(to, iova, phys, bytes, m->prot);

		if (ret)
			return ret;
		iova += bytes;
		left -= bytes;
		cond_resched();
	}
	return 0;
}

/* Nothing of the mapping is pinned on error. */
static int pin_into(struct hwdbm_container *c, struct hwdbm_domain *d,
		    struct hwdbm_mapping *m)
{
	u64 done;
	int ret;

	mutex_lock(&m->lock);
	ret = pin_and_map(c, m, d, &done);
	if (ret)
		let_go(d, m, done, false);
	mutex_unlock(&m->lock);
	return ret;
}

/* Undo pin_into() of every mapping below @end. */
static void unpin_from(struct hwdbm_container *c, struct hwdbm_domain *d,
		       u64 end)
{
	struct hwdbm_mapping *m;

	for_each_mapping_held(c, m) {
		if (m->iova >= end) {
			hwdbm_mapping_put(m);
			return;
		}
		mutex_lock(&m->lock);
		let_go(d, m, hwdbm_mapping_bytes(m), false);
		mutex_unlock(&m->lock);
		cond_resched();
	}
}

int hwdbm_map_replay(struct hwdbm_container *c, struct hwdbm_domain *d)
{
	const struct hwdbm_domain *from = first_domain(c);
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	for_each_mapping_held(c, m) {
		u64 iova = m->iova;
		int ret = from ? copy_mapping(from, d, m) : pin_into(c, d, m);

		if (!ret)
			continue;
		hwdbm_mapping_put(m);
		if (!from)
			unpin_from(c, d, iova);
		return ret;
	}
	return 0;
}
