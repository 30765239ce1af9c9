// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that goes on at another address or in another process
 * (VFIO_UPDATE_VADDR): a virtual machine monitor that replaces itself while
 * its devices run.
 *
 * What changes an address holds domains_sem for writing: rare calls, that are
 * alone with the mappings and so need none of their locks.
 */

#include <linux/list.h>

#include "container.h"
#include "map.h"
#include "vaddr.h"

static bool valid_in(struct hwdbm_container *c, u64 first, u64 last)
{
	struct hwdbm_mapping *m;

	for (m = hwdbm_mapping_tree_first(&c->mappings, first, last);
	     m && m->iova <= last; m = hwdbm_mapping_tree_next(m))
		if (m->vaddr_invalid)
			return false;
	return true;
}

static u64 invalidate(struct hwdbm_container *c, u64 first, u64 last)
{
	struct hwdbm_mapping *m;
	u64 bytes = 0;

	for (m = hwdbm_mapping_tree_first(&c->mappings, first, last);
	     m && m->iova <= last; m = hwdbm_mapping_tree_next(m)) {
		m->vaddr_invalid = true;
		c->vaddr_invalid++;
		bytes += hwdbm_mapping_bytes(m);
	}
	return bytes;
}

static int invalidate_locked(struct hwdbm_container *c, u64 first, u64 last,
			     u64 *bytes)
{
	const struct hwdbm_mapping *m;

	lockdep_assert_held_write(&c->domains_sem);
	if (!list_empty(&c->emulated))
		return -EBUSY;
	if (c->v2) {
		if (hwdbm_mapping_tree_bisected(&c->mappings, first, last))
			return -EINVAL;
	} else {
		m = hwdbm_mapping_tree_first(&c->mappings, first, last);
		if (m && m->iova < first)
			return 0;
	}
	if (!valid_in(c, first, last))
		return -EINVAL;
	*bytes = invalidate(c, first, last);
	return 0;
}

/* A driver's dma_rw may still copy to or from an address that was valid. */
static int wait_for_copies(struct hwdbm_container *c, u64 first, u64 last)
{
	struct hwdbm_mapping *m;
	int ret = 0;

	while (!ret && (m = hwdbm_map_next(c, first, last))) {
		u64 m_last = m->last;

		if (down_write_killable(&m->io))
			ret = -EINTR;
		else
			up_write(&m->io);
		hwdbm_mapping_put(m);
		if (m_last >= last)
			break;
		first = m_last + 1;
	}
	return ret;
}

int hwdbm_vaddr_invalidate(struct hwdbm_container *c, u64 first, u64 last,
			   u64 *bytes)
{
	int ret;

	*bytes = 0;
	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	ret = invalidate_locked(c, first, last, bytes);
	up_write(&c->domains_sem);
	if (ret || !*bytes)
		return ret;
	return wait_for_copies(c, first, last);
}

static int update(struct hwdbm_container *c, struct hwdbm_mapping *m, u64 iova,
		  u64 last, u64 vaddr)
{
	int ret;

	lockdep_assert_held_write(&c->domains_sem);
	if (!m)
		return -ENOENT;
	if (!m->vaddr_invalid || m->iova != iova || m->last != last)
		return -EINVAL;
	ret = hwdbm_acct_move(&m->acct);
	if (ret)
		return ret;
	m->vaddr = vaddr;
	m->vaddr_invalid = false;
	c->vaddr_invalid--;
	return 0;
}

int hwdbm_vaddr_update(struct hwdbm_container *c, u64 iova, u64 size, u64 vaddr)
{
	struct hwdbm_mapping *m;
	u64 last;
	int ret;

	if (down_write_killable(&c->domains_sem))
		return -EINTR;
	ret = hwdbm_map_check_range(c, iova, size, vaddr, &last);
	if (!ret) {
		m = hwdbm_map_next(c, iova, last);
		ret = update(c, m, iova, last, vaddr);
		if (m)
			hwdbm_mapping_put(m);
	}
	up_write(&c->domains_sem);
	return ret;
}

int hwdbm_vaddr_updatable(struct hwdbm_container *c)
{
	int ret;

	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	ret = list_empty(&c->emulated);
	up_read(&c->domains_sem);
	return ret;
}
