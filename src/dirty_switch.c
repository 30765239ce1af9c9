// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log as a whole: START, STOP, and what has to be saved as the
 * source of dirtiness changes. All of it is alone: domains_sem is held for
 * writing. So the tree stays as it is without the container's lock, which
 * others wait for unkillably, and this may take long.
 */

#include "container.h"
#include "dirty.h"
#include "dirty_piece.h"
#include "domain.h"

/*
 * The hardware sets bits all the time; what is old is cleared, and every
 * translation that is cached as dirty invalidated. A write in between is
 * cleaned away, or goes unseen: it is older than the log.
 */
void hwdbm_dirty_start_domain(struct hwdbm_container *c,
			      struct hwdbm_domain *d)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	d->tracking = true;
	hwdbm_mapping_tree_for_each(m, &c->mappings) {
		int ret = 0;

		if (hwdbm_dirty_readable(m))
			ret = hwdbm_domain_forget(d, m->iova, m->last);
		if (ret) {
			hwdbm_dirty_degrade(d, ret);
			return;
		}
	}
}

static void free_logs(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		hwdbm_dirty_log_fini(&m->log);
}

static int alloc_logs(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
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
	if (c->logging)
		goto unlock;
	ret = alloc_logs(c);
	if (ret)
		goto unlock;
	list_for_each_entry(d, &c->domains, next)
		if (hwdbm_domain_capable(d))
			hwdbm_dirty_start_domain(c, d);
	c->logging = true;
unlock:
	up_write(&c->domains_sem);
	return ret;
}

/* From here on the hardware sets bits that nobody reads; START clears them. */
int hwdbm_dirty_stop(struct hwdbm_container *c)
{
	struct hwdbm_domain *d;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	if (c->logging) {
		c->logging = false;
		list_for_each_entry(d, &c->domains, next) {
			d->tracking = false;
			WRITE_ONCE(d->failed, false);
		}
		free_logs(c);
	}
	up_write(&c->domains_sem);
	return 0;
}

static void populate(struct hwdbm_container *c)
{
	struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	hwdbm_mapping_tree_for_each(m, &c->mappings)
		hwdbm_dirty_log_set_all(&m->log);
}

/* @only NULL: of every domain. */
static int save_mapping(struct hwdbm_container *c, struct hwdbm_mapping *m,
			struct hwdbm_domain *only)
{
	struct hwdbm_piece p = {
		.m = m,
		.nr = hwdbm_mapping_pages(m),
	};
	int ret;

	mutex_lock(&m->lock);
	ret = hwdbm_dirty_piece_save(c, &p, only);
	mutex_unlock(&m->lock);
	return ret;
}

static int save_all(struct hwdbm_container *c, struct hwdbm_domain *only)
{
	struct hwdbm_mapping *m;
	int ret = 0;

	lockdep_assert_held_write(&c->domains_sem);
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
	if (step == HWDBM_STEP_POPULATE ||
	    (step == HWDBM_STEP_HARVEST && save_all(c, only)))
		populate(c);
}

/*
 * If the policy stays, only what a leaving domain knows goes away; if it
 * changes, what every domain knows has to be kept.
 */
static void change_policy(struct hwdbm_container *c, enum hwdbm_policy from,
			  enum hwdbm_policy to, struct hwdbm_domain *leaves)
{
	lockdep_assert_held_write(&c->domains_sem);
	if (c->logging)
		take_step(c, hwdbm_dirty_policy_step(from, to, leaves),
			  from == to ? leaves : NULL);
}

void hwdbm_dirty_before_join(struct hwdbm_container *c, enum hwdbm_policy from,
			     const struct hwdbm_domain *d)
{
	u32 reason;

	change_policy(c, from, hwdbm_dirty_policy_with(c, d, &reason), NULL);
}

void hwdbm_dirty_after_leave(struct hwdbm_container *c, enum hwdbm_policy from,
			     struct hwdbm_domain *d)
{
	u32 reason;

	change_policy(c, from, hwdbm_dirty_policy(c, &reason),
		      list_empty(&d->groups) ? d : NULL);
}

void hwdbm_dirty_promote(struct hwdbm_container *c, struct hwdbm_group *g)
{
	enum hwdbm_policy from;
	u32 reason;

	from = hwdbm_dirty_policy(c, &reason);
	g->pinned = true;
	change_policy(c, from, hwdbm_dirty_policy(c, &reason), NULL);
}
