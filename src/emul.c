// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices without an IOMMU of their own.
 *
 * A driver calls in here with locks of its own held, which it also takes when
 * it is told of an unmap. So none that these calls take is held while drivers
 * are told: only devices_lock is, which nothing here takes inside another.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "attach.h"
#include "container.h"
#include "emul.h"
#include "map.h"
#include "pin.h"

static unsigned long page_at(const struct hwdbm_mapping *m, u64 iova)
{
	return (iova - m->iova) >> PAGE_SHIFT;
}

/* With its lock held, and a reference for unlock_mapping() to drop. */
static struct hwdbm_mapping *lock_mapping(struct hwdbm_container *c, u64 iova)
{
	struct hwdbm_mapping *m = hwdbm_map_next(c, iova, iova);

	if (m)
		mutex_lock(&m->lock);
	return m;
}

static void unlock_mapping(struct hwdbm_mapping *m)
{
	mutex_unlock(&m->lock);
	hwdbm_mapping_put(m);
}

/* Where there are IOMMU domains, all of a mapping is charged as it is. */
static bool charges(const struct hwdbm_container *c)
{
	lockdep_assert_held(&c->domains_sem);
	return list_empty(&c->domains);
}

static int pin_new(struct hwdbm_container *c, struct hwdbm_mapping *m,
		   unsigned long page, struct page **what)
{
	int ret = hwdbm_pin_page(m, page, charges(c), what);

	if (ret)
		return ret;
	ret = hwdbm_ext_pins_add(&m->pins, page, *what);
	if (ret)
		hwdbm_unpin_page(m, *what, charges(c));
	return ret;
}

static int pin_in(struct hwdbm_container *c, struct hwdbm_mapping *m, u64 iova,
		  int prot, struct page **what)
{
	struct hwdbm_ext_pin *pin;

	/* One that is being made is not there yet; one that goes is gone. */
	if (!m->live || atomic_read(&m->going))
		return -EINVAL;
	if ((m->prot & prot) != prot)
		return -EPERM;
	pin = hwdbm_ext_pins_find(&m->pins, page_at(m, iova));
	if (!pin)
		return pin_new(c, m, page_at(m, iova), what);
	pin->count++;
	*what = pin->page;
	return 0;
}

static int pin_one(struct hwdbm_container *c, u64 iova, int prot,
		   struct page **what)
{
	struct hwdbm_mapping *m = lock_mapping(c, iova);
	int ret;

	if (!m)
		return -EINVAL;
	ret = pin_in(c, m, iova, prot, what);
	unlock_mapping(m);
	return ret;
}

/*
 * The device may have written until now: the page goes over to the log under
 * the lock under which a reader asks both.
 */
static bool unpin_in(struct hwdbm_container *c, struct hwdbm_mapping *m,
		     unsigned long page)
{
	struct hwdbm_ext_pin *pin = hwdbm_ext_pins_find(&m->pins, page);

	if (!pin)
		return false;
	if (--pin->count)
		return true;
	if (c->logging)
		hwdbm_dirty_log_set(&m->log, page, 1);
	hwdbm_unpin_page(m, pin->page, charges(c));
	hwdbm_ext_pins_del(&m->pins, page);
	return true;
}

static bool unpin_one(struct hwdbm_container *c, u64 iova)
{
	struct hwdbm_mapping *m = lock_mapping(c, iova);
	bool ret;

	if (!m)
		return false;
	ret = unpin_in(c, m, page_at(m, iova));
	unlock_mapping(m);
	return ret;
}

/* At address 0 somebody else's memory begins. @bytes: not 0. */
static bool wraps(u64 iova, u64 bytes)
{
	u64 last;

	return check_add_overflow(iova, bytes - 1, &last);
}

static int pin_locked(struct hwdbm_container *c, u64 iova, int npage, int prot,
		      struct page **pages)
{
	int i, ret;

	lockdep_assert_held(&c->domains_sem);
	if (READ_ONCE(c->vaddr_invalid))
		return -EBUSY;
	/* Without a lock: the caller's own device is in the list, or not. */
	if (list_empty(&c->devices) || wraps(iova, (u64)npage << PAGE_SHIFT))
		return -EINVAL;
	for (i = 0; i < npage; i++) {
		ret = pin_one(c, iova + ((u64)i << PAGE_SHIFT), prot,
			      &pages[i]);
		if (ret)
			goto unwind;
	}
	return npage;

unwind:
	pages[i] = NULL;
	while (i--) {
		unpin_one(c, iova + ((u64)i << PAGE_SHIFT));
		pages[i] = NULL;
	}
	return ret;
}

int hwdbm_emul_pin(struct hwdbm_container *c, struct iommu_group *group,
		   u64 iova, int npage, int prot, struct page **pages)
{
	int ret;

	if (!c->v2)
		return -EACCES;
	down_read(&c->domains_sem);
	ret = pin_locked(c, iova, npage, prot, pages);
	up_read(&c->domains_sem);
	if (ret > 0 && prot & IOMMU_WRITE)
		hwdbm_attach_group_pins(c, group);
	return ret;
}

void hwdbm_emul_unpin(struct hwdbm_container *c, u64 iova, int npage)
{
	bool all = true;
	int i;

	down_read(&c->domains_sem);
	for (i = 0; i < npage; i++)
		all &= unpin_one(c, iova + ((u64)i << PAGE_SHIFT));
	up_read(&c->domains_sem);
	if (!all)
		pr_warn_once("a driver unpins pages that it has not pinned\n");
}

static int copy(void __user *user, void *data, size_t count, bool write)
{
	unsigned long left;

	if (write)
		left = copy_to_user(user, data, count);
	else
		left = copy_from_user(data, user, count);
	return left ? -EFAULT : 0;
}

/*
 * Where the bytes are: looked up under domains_sem, as the address may change
 * and the owner with it; a change waits for @io.
 */
struct place {
	struct mm_struct *mm;
	void __user *user;
};

static int find_place(struct hwdbm_container *c, struct hwdbm_mapping *m,
		      u64 iova, bool write, struct place *at)
{
	lockdep_assert_held(&c->domains_sem);
	if (READ_ONCE(c->vaddr_invalid))
		return -EBUSY;
	if (!READ_ONCE(m->live))
		return -EINVAL;
	if (!(m->prot & IOMMU_READ) || (write && !(m->prot & IOMMU_WRITE)))
		return -EPERM;
	at->user = (void __user *)(m->vaddr + (iova - m->iova));
	at->mm = hwdbm_acct_get_mm(&m->acct);
	return at->mm ? 0 : -EPERM;
}

/* -EXDEV if this thread cannot reach the memory, and nothing was copied. */
static int copy_as_owner(const struct place *at, void *data, size_t count,
			 bool write)
{
	int ret;

	if (current->mm == at->mm)
		return copy(at->user, data, count, write);
	/* Another process, or one that has no memory any more. */
	if (!(current->flags & PF_KTHREAD) || current->mm)
		return -EXDEV;
	kthread_use_mm(at->mm);
	ret = copy(at->user, data, count, write);
	kthread_unuse_mm(at->mm);
	return ret;
}

static void mark_written(struct hwdbm_container *c, struct hwdbm_mapping *m,
			 u64 iova, size_t count)
{
	unsigned long page = page_at(m, iova);
	unsigned long last = page_at(m, iova + count - 1);

	down_read(&c->domains_sem);
	mutex_lock(&m->lock);
	if (c->logging)
		hwdbm_dirty_log_set(&m->log, page, last - page + 1);
	mutex_unlock(&m->lock);
	up_read(&c->domains_sem);
}

/*
 * Marked after the copy: a GET that comes in between reports the page now or
 * later, but never before the bytes are there. UNMAP waits for @io, so it
 * cannot report without the mark, nor return with a copy still to come.
 */
static int rw_in(struct hwdbm_container *c, struct hwdbm_mapping *m, u64 iova,
		 void *data, size_t count, bool write)
{
	struct place at;
	int ret;

	lockdep_assert_held_read(&m->io);
	down_read(&c->domains_sem);
	ret = find_place(c, m, iova, write, &at);
	up_read(&c->domains_sem);
	if (ret)
		return ret;
	ret = copy_as_owner(&at, data, count, write);
	hwdbm_acct_put_mm(at.mm);
	if (ret == -EXDEV)
		return -EFAULT;
	if (write)
		mark_written(c, m, iova, count);
	return ret;
}

int hwdbm_emul_rw(struct hwdbm_container *c, u64 iova, void *data, size_t count,
		  bool write)
{
	int ret = 0;

	if (count && wraps(iova, count))
		return -EINVAL;
	while (!ret && count) {
		struct hwdbm_mapping *m = hwdbm_map_next(c, iova, iova);
		size_t n;

		if (!m)
			return -EINVAL;
		n = min_t(u64, count - 1, m->last - iova) + 1;
		down_read(&m->io);
		ret = rw_in(c, m, iova, data, n, write);
		up_read(&m->io);
		hwdbm_mapping_put(m);
		iova += n;
		data += n;
		count -= n;
	}
	return ret;
}

static void tell_group(struct hwdbm_container *c, struct vfio_device *device,
		       void (*tell)(struct hwdbm_container *c,
				    const struct iommu_group *group))
{
	struct iommu_group *group = iommu_group_get(device->dev);

	if (group)
		tell(c, group);
	iommu_group_put(group);
}

void hwdbm_emul_register(struct hwdbm_container *c, struct vfio_device *device)
{
	tell_group(c, device, hwdbm_attach_device_opens);
	if (!device->ops->dma_unmap)
		return;
	mutex_lock(&c->devices_lock);
	list_add(&device->iommu_entry, &c->devices);
	mutex_unlock(&c->devices_lock);
}

void hwdbm_emul_unregister(struct hwdbm_container *c,
			   struct vfio_device *device)
{
	if (device->ops->dma_unmap) {
		mutex_lock(&c->devices_lock);
		list_del(&device->iommu_entry);
		mutex_unlock(&c->devices_lock);
	}
	tell_group(c, device, hwdbm_attach_device_closed);
}

void hwdbm_emul_notify(struct hwdbm_container *c,
		       const struct hwdbm_mapping *m)
{
	struct vfio_device *device;

	mutex_lock(&c->devices_lock);
	list_for_each_entry(device, &c->devices, iommu_entry) {
		/* Another UNMAP was quicker: this may be a new mapping's place. */
		if (!READ_ONCE(m->live))
			break;
		device->ops->dma_unmap(device, m->iova, hwdbm_mapping_bytes(m));
	}
	mutex_unlock(&c->devices_lock);
}
