// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP and UNMAP.
 *
 * A mapping is in the tree for longer than it is live, so that its range is
 * taken from before its first page is mapped until after its last is gone.
 * What is not live is nobody's business but of the call that is at work on it:
 * a reader of the dirty log passes over it, and UNMAP waits for its lock.
 */

#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/sched.h>

#include "container.h"
#include "dirty.h"
#include "domain.h"
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

struct map_ctx {
	struct hwdbm_container *c;
	int prot;
};

static int map_run(void *data, u64 iova, u64 phys, u64 bytes)
{
	struct map_ctx *ctx = data;
	struct hwdbm_domain *d;
	int ret;

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

static void release_run(void *data, u64 phys, u64 bytes)
{
	const struct hwdbm_mapping *m = data;

	hwdbm_unpin_run(phys, bytes, m->prot & IOMMU_WRITE);
}

/*
 * Unmap the first @bytes of a mapping everywhere, unpin and uncharge. The
 * first domain goes last: its tables are where we remember which pages are
 * pinned, and a page is unpinned only when no device can reach it.
 */
static void teardown(struct hwdbm_container *c, struct hwdbm_mapping *m,
		     u64 bytes)
{
	struct hwdbm_domain *first = first_domain(c), *d = first;

	lockdep_assert_held(&c->domains_sem);
	lockdep_assert_held(&m->lock);
	if (first && bytes) {
		list_for_each_entry_continue(d, &c->domains, next)
			hwdbm_domain_unmap(d, m->iova, bytes);
		hwdbm_domain_unmap_runs(first, m->iova, m->iova + bytes - 1,
					release_run, m);
	}
	hwdbm_acct_uncharge(&m->acct);
}

/* The log comes first: a device may write as soon as a page is mapped. */
static int populate(struct hwdbm_container *c, struct hwdbm_mapping *m)
{
	struct map_ctx ctx = { .c = c, .prot = m->prot };
	u64 done;
	int ret;

	lockdep_assert_held(&c->domains_sem);
	lockdep_assert_held(&m->lock);
	if (c->logging) {
		ret = hwdbm_dirty_log_init(&m->log, hwdbm_mapping_pages(m));
		if (ret)
			return ret;
	}
	ret = hwdbm_pin_mapping(m, READ_ONCE(hwdbm_params.disable_hugepages),
				map_run, &ctx, &done);
	if (ret) {
		teardown(c, m, done);
		return ret;
	}
	WRITE_ONCE(m->live, true);
	return 0;
}

/* Sets *last to the last byte for the device. */
static int check_range(const struct hwdbm_container *c, u64 iova, u64 size,
		       u64 vaddr, u64 *last)
{
	u64 pgsize = hwdbm_container_pgsize(c), vaddr_last;

	if (!size || (size | iova | vaddr) & (pgsize - 1))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, last) ||
	    check_add_overflow(vaddr, size - 1, &vaddr_last))
		return -EOVERFLOW;
	/* Now, before a log is made for a size that there cannot be. */
	return hwdbm_pin_possible(size) ? 0 : -EFAULT;
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
	else if (!hwdbm_iova_ranges_contain(c->iova_ranges, m->iova, m->last))
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
	 * The last group may have left while this call was on its way: no
	 * tables would remember the pages, and nobody would unpin them.
	 */
	ret = -ENODEV;
	if (list_empty(&c->domains))
		goto unlock;
	ret = check_range(c, iova, size, vaddr, &last);
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
 * Device writes that race with this are undefined by contract, so the report
 * may be made before the tables are taken down.
 */
static int remove_one(struct hwdbm_container *c, struct hwdbm_mapping *m,
		      struct hwdbm_dirty_request *report, u64 *unmapped)
{
	bool was_live;

	if (mutex_lock_killable(&m->lock))
		return -EINTR;
	was_live = m->live;
	if (was_live) {
		if (report)
			hwdbm_dirty_report(c, m, report);
		WRITE_ONCE(m->live, false);
		teardown(c, m, hwdbm_mapping_bytes(m));
		*unmapped += hwdbm_mapping_bytes(m);
	}
	mutex_unlock(&m->lock);
	/* Whoever cleared live erases; another UNMAP may have been quicker. */
	if (was_live)
		erase(c, m);
	return 0;
}

static bool bisected(struct hwdbm_container *c, u64 first, u64 last)
{
	bool ret;

	mutex_lock(&c->lock);
	ret = hwdbm_mapping_tree_bisected(&c->mappings, first, last);
	mutex_unlock(&c->lock);
	return ret;
}

int hwdbm_map_remove(struct hwdbm_container *c, u64 first, u64 last,
		     struct hwdbm_dirty_request *report, u64 *unmapped)
{
	struct hwdbm_mapping *m;
	int ret = 0;

	*unmapped = 0;
	if (c->v2 && bisected(c, first, last))
		return -EINVAL;
	while (!ret && (m = hwdbm_map_next(c, first, last))) {
		bool begins = m->iova >= first;
		u64 m_last = m->last;

		if (down_read_killable(&c->domains_sem)) {
			hwdbm_mapping_put(m);
			return -EINTR;
		}
		if (begins && (!c->v2 || m_last <= last) &&
		    (!report || hwdbm_dirty_covers(report, m)))
			ret = remove_one(c, m, report, unmapped);
		up_read(&c->domains_sem);
		hwdbm_mapping_put(m);
		if (m_last >= last || (!c->v2 && !begins))
			break;
		first = m_last + 1;
		cond_resched();
	}
	return ret;
}

void hwdbm_map_remove_all(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	while ((m = hwdbm_map_next(c, 0, U64_MAX))) {
		mutex_lock(&m->lock);
		WRITE_ONCE(m->live, false);
		teardown(c, m, hwdbm_mapping_bytes(m));
		mutex_unlock(&m->lock);
		erase(c, m);
		hwdbm_mapping_put(m);
		cond_resched();
	}
}

static int replay_mapping(const struct hwdbm_domain *from,
			  struct hwdbm_domain *to,
			  const struct hwdbm_mapping *m)
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

int hwdbm_map_replay(struct hwdbm_container *c, struct hwdbm_domain *d)
{
	const struct hwdbm_domain *from = first_domain(c);
	struct hwdbm_mapping *m;
	int ret = 0;

	lockdep_assert_held_write(&c->domains_sem);
	mutex_lock(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings) {
		ret = replay_mapping(from, d, m);
		if (ret)
			break;
	}
	mutex_unlock(&c->lock);
	return ret;
}
