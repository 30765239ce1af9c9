// SPDX-License-Identifier: GPL-2.0-only
/* What VFIO calls: the table of operations, open and release. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "attach.h"
#include "compat/vfio_ops.h"
#include "container.h"
#include "emul.h"
#include "ioctl.h"

/*
 * VFIO passes what open returned to an ioctl without a lock or a reference,
 * and calls release as soon as the last group has left, whoever is inside an
 * ioctl then. So what we hand out is a number, not a pointer: an ioctl that
 * comes too late finds nothing under it, and one that was in time holds the
 * container (and our code) until it is done, with no groups and no mappings.
 * Numbers are given out in a cycle, so that a stale one does not soon name
 * another's container.
 */
static DEFINE_XARRAY_ALLOC1(containers);
static u32 next_number;

static void container_free(struct kref *ref)
{
	struct hwdbm_container *c = container_of(ref, struct hwdbm_container,
						 ref);

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&c->mappings.root));
	kvfree(c->iova_ranges);
	WARN_ON_ONCE(!list_empty(&c->devices));
	mutex_destroy(&c->devices_lock);
	mutex_destroy(&c->lock);
	kfree(c);
}

static void *container_open(unsigned long type)
{
	struct hwdbm_container *c;
	u32 number;
	int ret;

	if (!hwdbm_ioctl_serves(type))
		return ERR_PTR(-EINVAL);
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return ERR_PTR(-ENOMEM);
	kref_init(&c->ref);
	c->v2 = type != VFIO_TYPE1_IOMMU;
	c->picky = type != VFIO_TYPE1_HWDBM_IOMMU &&
		   hwdbm_params.claim == HWDBM_CLAIM_HWDBM;
	init_rwsem(&c->domains_sem);
	mutex_init(&c->lock);
	INIT_LIST_HEAD(&c->domains);
	INIT_LIST_HEAD(&c->emulated);
	mutex_init(&c->devices_lock);
	INIT_LIST_HEAD(&c->devices);
	c->pgsize_bitmap = PAGE_MASK;
	c->mappings.root = RB_ROOT;
	c->dma_avail = READ_ONCE(hwdbm_params.dma_entry_limit);
	ret = xa_alloc_cyclic(&containers, &number, c, XA_LIMIT(1, INT_MAX),
			      &next_number, GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		container_free(&c->ref);
		return ERR_PTR(ret);
	}
	return (void *)(unsigned long)number;
}

/* For calls that VFIO keeps apart from release. */
static struct hwdbm_container *container_of_number(void *number)
{
	return xa_load(&containers, (unsigned long)number);
}

/* The module is there while a container is listed: VFIO holds it till then. */
static struct hwdbm_container *container_get(void *number)
{
	struct hwdbm_container *c;

	xa_lock(&containers);
	c = container_of_number(number);
	if (c) {
		kref_get(&c->ref);
		__module_get(THIS_MODULE);
	}
	xa_unlock(&containers);
	return c;
}

static void container_release(void *number)
{
	struct hwdbm_container *c = xa_erase(&containers,
					     (unsigned long)number);

	hwdbm_detach_all(c);
	kref_put(&c->ref, container_free);
}

static long container_ioctl(void *number, unsigned int cmd, unsigned long arg)
{
	struct hwdbm_container *c;
	long ret;

	/* VFIO asks for extensions before there is a container of ours. */
	if (!number)
		return cmd == VFIO_CHECK_EXTENSION ?
			       hwdbm_ioctl_check_extension(NULL, arg) :
			       -ENOTTY;
	c = container_get(number);
	if (!c)
		return -EINVAL;
	ret = hwdbm_ioctl_run(c, cmd, arg);
	kref_put(&c->ref, container_free);
	module_put(THIS_MODULE);
	return ret;
}

static int container_attach_group(void *number, struct iommu_group *group,
				  enum vfio_group_type type)
{
	struct hwdbm_container *c = container_of_number(number);

	switch (type) {
	case VFIO_IOMMU:
		return hwdbm_attach_group(c, group);
	case VFIO_EMULATED_IOMMU:
		return hwdbm_attach_emulated(c, group);
	default:
		return -EINVAL;
	}
}

static void container_detach_group(void *number, struct iommu_group *group)
{
	hwdbm_detach_group(container_of_number(number), group);
}

/*
 * Below: calls for a device that is open, which keeps its group in and so the
 * container listed.
 */

static int container_pin_pages(void *number, struct iommu_group *group,
			       dma_addr_t iova, int npage, int prot,
			       struct page **pages)
{
	return hwdbm_emul_pin(container_of_number(number), group, iova, npage,
			      prot, pages);
}

static void container_unpin_pages(void *number, dma_addr_t iova, int npage)
{
	hwdbm_emul_unpin(container_of_number(number), iova, npage);
}

static int container_dma_rw(void *number, dma_addr_t iova, void *data,
			    size_t count, bool write)
{
	return hwdbm_emul_rw(container_of_number(number), iova, data, count,
			     write);
}

static void container_register_device(void *number, struct vfio_device *device)
{
	hwdbm_emul_register(container_of_number(number), device);
}

static void container_unregister_device(void *number,
					struct vfio_device *device)
{
	hwdbm_emul_unregister(container_of_number(number), device);
}

const struct vfio_iommu_driver_ops hwdbm_vfio_ops = {
	.name = "vfio-iommu-type1-hwdbm",
	.owner = THIS_MODULE,
	.open = container_open,
	.release = container_release,
	.ioctl = container_ioctl,
	.attach_group = container_attach_group,
	.detach_group = container_detach_group,
	.pin_pages = container_pin_pages,
	.unpin_pages = container_unpin_pages,
	.register_device = container_register_device,
	.unregister_device = container_unregister_device,
	.dma_rw = container_dma_rw,
};
