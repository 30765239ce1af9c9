// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that come and go: build a candidate, replay the mappings onto it,
 * commit. A group does no DMA for user space before attach has returned (its
 * devices cannot be opened yet), so the order of steps up to the commit is
 * about errors, not about lost writes.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "attach.h"
#include "container.h"
#include "dirty.h"
#include "domain.h"
#include "map.h"

/**
 * struct candidate - what an attach is about to commit
 * @group: the new group, attached to @domain until it joins another
 * @domain: its own domain, NULL once it has joined one that was there
 * @capable: its domain tracks dirty pages, whichever it is in the end
 * @ranges: valid IOVAs with the new group in
 */
struct candidate {
	struct hwdbm_group *group;
	struct hwdbm_domain *domain;
	bool capable;
	struct hwdbm_iova_ranges *ranges;
};

/* A group without an IOMMU: it is in, and no more is to be known of it. */
struct emulated_group {
	struct list_head next;
	struct iommu_group *iommu_group;
};

static struct emulated_group *
find_emulated(struct hwdbm_container *c, const struct iommu_group *iommu_group)
{
	struct emulated_group *g;

	list_for_each_entry(g, &c->emulated, next)
		if (g->iommu_group == iommu_group)
			return g;
	return NULL;
}

static struct hwdbm_group *find_group(struct hwdbm_container *c,
				      const struct iommu_group *iommu_group,
				      struct hwdbm_domain **in)
{
	struct hwdbm_domain *d;
	struct hwdbm_group *g;

	list_for_each_entry(d, &c->domains, next)
		list_for_each_entry(g, &d->groups, next)
			if (g->iommu_group == iommu_group) {
				*in = d;
				return g;
			}
	return NULL;
}

static size_t count_resv(const struct hwdbm_domain *d)
{
	const struct hwdbm_group *g;
	size_t n = 0;

	list_for_each_entry(g, &d->groups, next)
		n += g->nr_resv;
	return n;
}

/* Cannot run out: each reserved range adds one range at most. */
static void shrink_ranges(struct hwdbm_iova_ranges *r,
			  const struct hwdbm_domain *d)
{
	struct hwdbm_iova_range aperture = hwdbm_domain_aperture(d);
	const struct hwdbm_group *g;
	unsigned int i;

	hwdbm_iova_ranges_clip(r, aperture.first, aperture.last);
	list_for_each_entry(g, &d->groups, next)
		for (i = 0; i < g->nr_resv; i++)
			WARN_ON_ONCE(hwdbm_iova_ranges_exclude(
				r, g->resv[i].first, g->resv[i].last));
}

static void compute_ranges(const struct hwdbm_container *c,
			   const struct hwdbm_domain *extra,
			   struct hwdbm_iova_ranges *r)
{
	const struct hwdbm_domain *d;

	hwdbm_iova_ranges_reset(r, 0, U64_MAX);
	list_for_each_entry(d, &c->domains, next)
		shrink_ranges(r, d);
	if (extra)
		shrink_ranges(r, extra);
}

static struct hwdbm_iova_ranges *alloc_ranges(const struct hwdbm_container *c,
					      const struct hwdbm_domain *extra)
{
	const struct hwdbm_domain *d;
	struct hwdbm_iova_ranges *r;
	size_t cap = 1 + count_resv(extra);

	list_for_each_entry(d, &c->domains, next)
		cap += count_resv(d);
	r = kvzalloc(struct_size(r, range, cap), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	r->cap = cap;
	compute_ranges(c, extra, r);
	return r;
}

static bool mappings_fit(struct hwdbm_container *c,
			 const struct hwdbm_iova_ranges *r)
{
	struct hwdbm_mapping *m;
	bool fit = true;

	mutex_lock(&c->lock);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		fit &= hwdbm_iova_ranges_contain(r, m->iova, m->last);
	mutex_unlock(&c->lock);
	return fit;
}

/* We pin whole pages, so smaller IOMMU pages are nobody's business. */
static unsigned long whole_pages(unsigned long sizes)
{
	return sizes & ~PAGE_MASK ? (sizes & PAGE_MASK) | PAGE_SIZE : sizes;
}

/* Leaves that every domain can have, and @extra; 0 if there are none. */
static unsigned long common_pgsizes(const struct hwdbm_container *c,
				    const struct hwdbm_domain *extra)
{
	unsigned long sizes = PAGE_MASK;
	const struct hwdbm_domain *d;

	list_for_each_entry(d, &c->domains, next)
		sizes &= whole_pages(hwdbm_domain_pgsizes(d));
	if (extra)
		sizes &= whole_pages(hwdbm_domain_pgsizes(extra));
	return sizes;
}

/*
 * Move the group from its own domain to one that is there already and does all
 * that its own could. If a domain refuses it, the group goes back.
 */
static int join(struct hwdbm_container *c, struct candidate *cand)
{
	struct hwdbm_domain *d;

	list_for_each_entry(d, &c->domains, next) {
		if (!hwdbm_domain_joinable(d, cand->domain))
			continue;
		hwdbm_domain_detach(cand->domain, cand->group);
		if (!hwdbm_domain_attach(d, cand->group)) {
			hwdbm_domain_free(cand->domain);
			cand->domain = NULL;
			return 0;
		}
		if (hwdbm_domain_attach(cand->domain, cand->group))
			return -EBUSY;
	}
	return 0;
}

/*
 * Let a domain of its own do all that the container's domains do. Replay comes
 * last of what may fail: into a first domain it pins.
 */
static int equip(struct hwdbm_container *c, struct candidate *cand)
{
	struct hwdbm_domain *d = cand->domain;
	int ret = hwdbm_domain_set_msi(d, cand->group);

	if (!ret)
		ret = hwdbm_map_replay(c, d);
	if (!ret && c->logging && hwdbm_domain_capable(d))
		hwdbm_dirty_start_domain(c, d);
	return ret;
}

static void discard(struct candidate *cand)
{
	if (!list_empty(&cand->domain->groups))
		hwdbm_domain_detach(cand->domain, cand->group);
	hwdbm_domain_free(cand->domain);
}

/*
 * With claim=hwdbm a container whose first group has no dirty bits is better
 * off with stock: VFIO asks there next.
 */
static bool picky_first(const struct hwdbm_container *c)
{
	return c->picky && hwdbm_container_empty(c);
}

static bool declined(const struct hwdbm_container *c,
		     const struct candidate *cand)
{
	char name[32];

	if (!picky_first(c) || cand->capable)
		return false;
	hwdbm_group_device_name(cand->group, name, sizeof(name));
	pr_info_ratelimited("%s: no dirty bits in hardware, its container is left to another backend (claim=hwdbm)\n",
			    name);
	return true;
}

static int build(struct hwdbm_container *c, struct candidate *cand)
{
	int ret;

	cand->domain = hwdbm_domain_alloc(cand->group);
	if (IS_ERR(cand->domain))
		return PTR_ERR(cand->domain);

	cand->capable = hwdbm_domain_capable(cand->domain);
	ret = -EOPNOTSUPP;
	if (declined(c, cand))
		goto discard;
	ret = -ENOMEM;
	cand->ranges = alloc_ranges(c, cand->domain);
	if (!cand->ranges)
		goto discard;
	ret = -EINVAL;
	if (!cand->ranges->nr || !mappings_fit(c, cand->ranges) ||
	    !common_pgsizes(c, cand->domain))
		goto free_ranges;
	ret = join(c, cand);
	if (!ret && cand->domain)
		ret = equip(c, cand);
	if (ret)
		goto free_ranges;
	return 0;

free_ranges:
	kvfree(cand->ranges);
discard:
	discard(cand);
	return ret;
}

/* For as long as it is in, the user does not get what we are for. */
static void tell_incapable(const struct candidate *cand)
{
	char name[32];

	if (cand->capable)
		return;
	hwdbm_group_device_name(cand->group, name, sizeof(name));
	pr_info_ratelimited("%s: dirty policy of its container is %s: %s\n", name,
		hwdbm_dirty_policy_name(HWDBM_POLICY_FULL),
		hwdbm_dirty_policy_reason_name(VFIO_HWDBM_REASON_INCAPABLE));
}

/* Once for each domain: where its dirty bits come from. */
static void tell_reader(const struct hwdbm_domain *d)
{
	if (hwdbm_domain_capable(d))
		pr_info_ratelimited("%s: dirty bits are read by %s\n", d->name,
				    d->reader->name);
}

static void commit(struct hwdbm_container *c, struct candidate *cand,
		   enum hwdbm_policy from)
{
	hwdbm_dirty_before_join(c, from, cand->domain);
	if (cand->domain) {
		tell_reader(cand->domain);
		list_add_tail(&cand->domain->next, &c->domains);
		c->pgsize_bitmap = common_pgsizes(c, NULL);
	}
	tell_incapable(cand);
	kvfree(c->iova_ranges);
	c->iova_ranges = cand->ranges;
}

static void warn_unsafe(const struct hwdbm_group *g)
{
	char name[32];

	hwdbm_group_device_name(g, name, sizeof(name));
	pr_warn_ratelimited("%s: interrupts are not remapped; load with allow_unsafe_interrupts=1 to use it all the same\n",
		name);
}

static int check_new(struct hwdbm_container *c,
		     const struct iommu_group *iommu_group)
{
	struct hwdbm_domain *d;

	lockdep_assert_held_write(&c->domains_sem);
	/* A replay may have to pin memory whose address is not known now. */
	if (c->vaddr_invalid)
		return -EBUSY;
	if (find_group(c, iommu_group, &d) || find_emulated(c, iommu_group))
		return -EINVAL;
	return 0;
}

static int attach_locked(struct hwdbm_container *c,
			 struct iommu_group *iommu_group)
{
	struct candidate cand = {};
	enum hwdbm_policy from;
	u32 reason;
	int ret;

	ret = check_new(c, iommu_group);
	if (ret)
		return ret;
	from = hwdbm_dirty_policy(c, &reason);
	cand.group = hwdbm_group_alloc(iommu_group);
	if (IS_ERR(cand.group))
		return PTR_ERR(cand.group);
	if (!hwdbm_params.allow_unsafe_interrupts &&
	    !hwdbm_group_msi_safe(cand.group)) {
		warn_unsafe(cand.group);
		ret = -EPERM;
		goto free;
	}
	ret = build(c, &cand);
	if (ret)
		goto free;
	commit(c, &cand, from);
	return 0;

free:
	kfree(cand.group);
	return ret;
}

int hwdbm_attach_group(struct hwdbm_container *c,
		       struct iommu_group *iommu_group)
{
	int ret;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	ret = attach_locked(c, iommu_group);
	if (ret && ret != -EOPNOTSUPP && picky_first(c))
		pr_info_ratelimited("a first group cannot come in (%d), its container is left to another backend (claim=hwdbm)\n",
				    ret);
	up_write(&c->domains_sem);
	return ret;
}

static int attach_emulated_locked(struct hwdbm_container *c,
				  struct iommu_group *iommu_group)
{
	struct emulated_group *g;
	int ret = check_new(c, iommu_group);

	if (ret)
		return ret;
	if (picky_first(c)) {
		pr_info_ratelimited("a group without an IOMMU comes first, its container is left to another backend (claim=hwdbm)\n");
		return -EOPNOTSUPP;
	}
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	g->iommu_group = iommu_group;
	list_add_tail(&g->next, &c->emulated);
	return 0;
}

int hwdbm_attach_emulated(struct hwdbm_container *c,
			  struct iommu_group *iommu_group)
{
	int ret;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	ret = attach_emulated_locked(c, iommu_group);
	up_write(&c->domains_sem);
	return ret;
}

/*
 * An IOMMU-backed device whose driver pins what the device writes. Of a group
 * of several devices the others may write what nobody pins, so such a group
 * stays out of the pinned scope.
 */
static bool may_promote(const struct hwdbm_group *g)
{
	return g && !g->pinned && hwdbm_group_single(g);
}

/* Between the pin and the promotion more counts as dirty, not less. */
void hwdbm_attach_group_pins(struct hwdbm_container *c,
			     const struct iommu_group *iommu_group)
{
	struct hwdbm_domain *d;
	struct hwdbm_group *g;
	bool promote;

	down_read(&c->domains_sem);
	promote = may_promote(find_group(c, iommu_group, &d));
	up_read(&c->domains_sem);
	if (!promote)
		return;
	/* Its device is open, so it is still in; another may have been first. */
	down_write(&c->domains_sem);
	g = find_group(c, iommu_group, &d);
	if (may_promote(g))
		hwdbm_dirty_promote(c, g);
	up_write(&c->domains_sem);
}

static void demote(struct hwdbm_container *c,
		   const struct iommu_group *iommu_group,
		   bool (*wanted)(const struct hwdbm_group *g))
{
	struct hwdbm_domain *d;
	struct hwdbm_group *g;
	bool change;

	down_read(&c->domains_sem);
	g = find_group(c, iommu_group, &d);
	change = g && g->pinned && wanted(g);
	up_read(&c->domains_sem);
	if (!change)
		return;
	/*
	 * VFIO is about to open or close a device, so the group is still in.
	 * From the pinned policy to any other nothing has to be saved.
	 */
	down_write(&c->domains_sem);
	g->pinned = false;
	up_write(&c->domains_sem);
}

/* The next driver, or the same one in another mode, may not pin. */
static bool always(const struct hwdbm_group *g)
{
	return true;
}

void hwdbm_attach_device_closed(struct hwdbm_container *c,
				const struct iommu_group *iommu_group)
{
	demote(c, iommu_group, always);
}

/* A second device may have been plugged in; VFIO has not opened it yet. */
static bool not_single(const struct hwdbm_group *g)
{
	return !hwdbm_group_single(g);
}

void hwdbm_attach_device_opens(struct hwdbm_container *c,
			       const struct iommu_group *iommu_group)
{
	demote(c, iommu_group, not_single);
}

/* With the last domain the pages go; with the last group the mappings too. */
static void drop_domain(struct hwdbm_container *c, struct hwdbm_domain *d)
{
	if (list_is_singular(&c->domains)) {
		if (list_empty(&c->emulated))
			hwdbm_map_remove_all(c);
		else
			hwdbm_map_withdraw_all(c);
	}
	list_del(&d->next);
	hwdbm_domain_free(d);
	c->pgsize_bitmap = common_pgsizes(c, NULL);
}

static bool is_only_group(const struct hwdbm_container *c,
			  const struct hwdbm_domain *d)
{
	return list_is_singular(&c->domains) && list_empty(&c->emulated) &&
	       list_is_singular(&d->groups);
}

/*
 * In this order: the group's devices can write no more; what its domain knows
 * goes to the software log; then the tables go. After the last group there is
 * nobody to report to.
 */
static void drop_group(struct hwdbm_container *c, struct hwdbm_domain *d,
		       struct hwdbm_group *g)
{
	bool only = is_only_group(c, d);
	enum hwdbm_policy from;
	u32 reason;

	lockdep_assert_held_write(&c->domains_sem);
	from = hwdbm_dirty_policy(c, &reason);
	hwdbm_domain_detach(d, g);
	kfree(g);
	if (!only)
		hwdbm_dirty_after_leave(c, from, d);
	if (list_empty(&d->groups))
		drop_domain(c, d);
	compute_ranges(c, NULL, c->iova_ranges);
}

/* It writes only what its driver pins, and has unpinned: nothing to save. */
static void drop_emulated(struct hwdbm_container *c, struct emulated_group *g)
{
	lockdep_assert_held_write(&c->domains_sem);
	list_del(&g->next);
	kfree(g);
	if (hwdbm_container_empty(c))
		hwdbm_map_remove_all(c);
}

void hwdbm_detach_group(struct hwdbm_container *c,
			struct iommu_group *iommu_group)
{
	struct emulated_group *e;
	struct hwdbm_domain *d;
	struct hwdbm_group *g;

	down_write(&c->domains_sem);
	g = find_group(c, iommu_group, &d);
	e = find_emulated(c, iommu_group);
	if (g)
		drop_group(c, d, g);
	else if (e)
		drop_emulated(c, e);
	up_write(&c->domains_sem);
}

static struct hwdbm_domain *any_domain(struct hwdbm_container *c)
{
	return list_first_entry_or_null(&c->domains, struct hwdbm_domain, next);
}

void hwdbm_detach_all(struct hwdbm_container *c)
{
	struct emulated_group *e, *next;
	struct hwdbm_domain *d;

	down_write(&c->domains_sem);
	/* Nobody is left to ask: nothing needs to be saved. */
	c->logging = false;
	/* First, so that the last domain takes the mappings with it. */
	list_for_each_entry_safe(e, next, &c->emulated, next)
		drop_emulated(c, e);
	/* Dropping a domain's last group frees the domain. */
	while ((d = any_domain(c)))
		drop_group(c, d, list_first_entry(&d->groups,
						  struct hwdbm_group, next));
	up_write(&c->domains_sem);
}

int hwdbm_attach_coherent(struct hwdbm_container *c)
{
	const struct hwdbm_domain *d;
	int ret = 1;

	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	list_for_each_entry(d, &c->domains, next)
		ret &= d->coherent;
	up_read(&c->domains_sem);
	return ret;
}
