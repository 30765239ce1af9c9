// SPDX-License-Identifier: GPL-2.0-only
/* What VFIO calls: the table of operations, open and release. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "attach.h"
#include "compat/vfio_ops.h"
#include "container.h"
#include "ioctl.h"

static void *container_open(unsigned long type)
{
	struct hwdbm_container *c;

	if (type != VFIO_TYPE1_HWDBM_IOMMU)
		return ERR_PTR(-EINVAL);
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return ERR_PTR(-ENOMEM);
	init_rwsem(&c->domains_sem);
	mutex_init(&c->lock);
	INIT_LIST_HEAD(&c->domains);
	c->pgsize_bitmap = PAGE_MASK;
	c->mappings.root = RB_ROOT;
	c->dma_avail = READ_ONCE(hwdbm_params.dma_entry_limit);
	return c;
}

static void container_release(void *data)
{
	struct hwdbm_container *c = data;

	hwdbm_detach_all(c);
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&c->mappings.root));
	kvfree(c->iova_ranges);
	mutex_destroy(&c->lock);
	kfree(c);
}

static long container_ioctl(void *data, unsigned int cmd, unsigned long arg)
{
	/* VFIO asks for extensions before there is a container of ours. */
	if (!data)
		return cmd == VFIO_CHECK_EXTENSION ?
			       hwdbm_ioctl_check_extension(NULL, arg) :
			       -ENOTTY;
	return hwdbm_ioctl_run(data, cmd, arg);
}

/*
 * Groups whose driver pins what it touches (mdev) come with the pinned scope
 * of the dirty policy, which is not there yet: declined, VFIO asks the next
 * backend.
 */
static int container_attach_group(void *data, struct iommu_group *group,
				  enum vfio_group_type type)
{
	if (type != VFIO_IOMMU)
		return -EOPNOTSUPP;
	return hwdbm_attach_group(data, group);
}

static void container_detach_group(void *data, struct iommu_group *group)
{
	hwdbm_detach_group(data, group);
}

const struct vfio_iommu_driver_ops hwdbm_vfio_ops = {
	.name = "vfio-iommu-type1-hwdbm",
	.owner = THIS_MODULE,
	.open = container_open,
	.release = container_release,
	.ioctl = container_ioctl,
	.attach_group = container_attach_group,
	.detach_group = container_detach_group,
};
