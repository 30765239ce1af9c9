// SPDX-License-Identifier: GPL-2.0-only
/* The container's ioctls: sizes, copies, flags; nothing else. */

#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include <linux/vfio_iommu_type1_hwdbm.h>

#include "attach.h"
#include "container.h"
#include "dirty.h"
#include "info.h"
#include "ioctl.h"
#include "map.h"
#include "vaddr.h"

bool hwdbm_ioctl_serves(unsigned long type)
{
	switch (type) {
	case VFIO_TYPE1_HWDBM_IOMMU:
		return true;
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		return hwdbm_params.claim != HWDBM_CLAIM_NONE;
	default:
		return false;
	}
}

long hwdbm_ioctl_check_extension(struct hwdbm_container *c,
				 unsigned long extension)
{
	switch (extension) {
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_UPDATE_VADDR:
		return c ? hwdbm_vaddr_updatable(c) : 0;
	case VFIO_DMA_CC_IOMMU:
		return c ? hwdbm_attach_coherent(c) : 0;
	case VFIO_DIRTY_LOG_MANUAL_CLEAR:
		return c && c->v2;
	default:
		return hwdbm_ioctl_serves(extension);
	}
}

/*
 * Copy the fixed part of an argument, which begins with its argsz. Fields past
 * it belong to callers that are newer than we are.
 */
static int copy_arg(void *to, const void __user *from, size_t size)
{
	if (copy_from_user(to, from, size))
		return -EFAULT;
	return *(u32 *)to < size ? -EINVAL : 0;
}

#define MAP_FLAGS \
	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE | \
	 VFIO_DMA_MAP_FLAG_VADDR)

static long map_dma(struct hwdbm_container *c, void __user *arg)
{
	struct vfio_iommu_type1_dma_map map;
	int ret, prot = 0;

	ret = copy_arg(&map, arg,
		       offsetofend(struct vfio_iommu_type1_dma_map, size));
	if (ret)
		return ret;
	if (map.flags & ~MAP_FLAGS)
		return -EINVAL;
	if (map.flags == VFIO_DMA_MAP_FLAG_VADDR)
		return hwdbm_vaddr_update(c, map.iova, map.size, map.vaddr);
	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	if (!prot || map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		return -EINVAL;
	return hwdbm_map_add(c, map.iova, map.size, map.vaddr, prot);
}

#define UNMAP_FLAGS \
	(VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL | \
	 VFIO_DMA_UNMAP_FLAG_VADDR)

/* Range of an UNMAP, checked; for everything, *last is the end of it all. */
static int unmap_range(struct hwdbm_container *c,
		       const struct vfio_iommu_type1_dma_unmap *unmap,
		       u64 *last)
{
	u64 pgsize;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		*last = U64_MAX;
		return unmap->iova || unmap->size ? -EINVAL : 0;
	}
	if (down_read_killable(&c->domains_sem))
		return -EINTR;
	pgsize = hwdbm_container_pgsize(c);
	up_read(&c->domains_sem);
	if (!unmap->size || (unmap->iova | unmap->size) & (pgsize - 1))
		return -EINVAL;
	return check_add_overflow(unmap->iova, unmap->size - 1, last) ?
		       -EOVERFLOW : 0;
}

#define UNMAP_MINSZ	offsetofend(struct vfio_iommu_type1_dma_unmap, size)

static int unmap_bitmap(const struct vfio_iommu_type1_dma_unmap *unmap,
			void __user *arg, struct vfio_bitmap *bitmap)
{
	if (unmap->argsz < UNMAP_MINSZ + sizeof(*bitmap))
		return -EINVAL;
	return copy_from_user(bitmap, arg + UNMAP_MINSZ, sizeof(*bitmap)) ?
		       -EFAULT : 0;
}

static int unmap_reporting(struct hwdbm_container *c,
			   const struct vfio_iommu_type1_dma_unmap *unmap,
			   const struct vfio_bitmap *bitmap, u64 last,
			   u64 *unmapped)
{
	struct hwdbm_dirty_request req;
	int ret;

	ret = hwdbm_dirty_request_init(c, HWDBM_DIRTY_UNMAP,
		&(struct hwdbm_dirty_args){
			.iova = unmap->iova,
			.size = unmap->size,
			.whole = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL,
			.pgsize = bitmap->pgsize,
			.data = (void __user *)bitmap->data,
			.bytes = bitmap->size,
		}, &req);
	if (ret)
		return ret;
	ret = hwdbm_map_remove(c, unmap->iova, last, &req, unmapped);
	hwdbm_dirty_request_fini(&req);
	return ret;
}

static int vaddr_allowed(struct hwdbm_container *c)
{
	int ret = hwdbm_vaddr_updatable(c);

	if (!ret)
		return -EBUSY;
	return ret < 0 ? ret : 0;
}

static long unmap_dma(struct hwdbm_container *c, void __user *arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	u64 last, unmapped;
	bool report, vaddr;
	int ret;

	ret = copy_arg(&unmap, arg, UNMAP_MINSZ);
	if (ret)
		return ret;
	report = unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	vaddr = unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	if (unmap.flags & ~UNMAP_FLAGS || (report && vaddr))
		return -EINVAL;
	if (vaddr)
		ret = vaddr_allowed(c);
	else if (report)
		ret = unmap_bitmap(&unmap, arg, &bitmap);
	if (!ret)
		ret = unmap_range(c, &unmap, &last);
	if (ret)
		return ret;
	if (report)
		ret = unmap_reporting(c, &unmap, &bitmap, last, &unmapped);
	else if (vaddr)
		ret = hwdbm_vaddr_invalidate(c, unmap.iova, last, &unmapped);
	else
		ret = hwdbm_map_remove(c, unmap.iova, last, NULL, &unmapped);
	if (ret)
		return ret;
	unmap.size = unmapped;
	return copy_to_user(arg, &unmap, UNMAP_MINSZ) ? -EFAULT : 0;
}

static long dirty_range(struct hwdbm_container *c, void __user *arg,
			const struct vfio_iommu_type1_dirty_bitmap *dirty,
			enum hwdbm_dirty_mode mode)
{
	struct vfio_iommu_type1_dirty_bitmap_get range;
	struct hwdbm_dirty_request req;
	long ret;

	if (dirty->argsz < sizeof(*dirty) + sizeof(range))
		return -EINVAL;
	if (copy_from_user(&range, arg + sizeof(*dirty), sizeof(range)))
		return -EFAULT;
	ret = hwdbm_dirty_request_init(c, mode, &(struct hwdbm_dirty_args){
		.iova = range.iova,
		.size = range.size,
		.pgsize = range.bitmap.pgsize,
		.data = (void __user *)range.bitmap.data,
		.bytes = range.bitmap.size,
	}, &req);
	if (ret)
		return ret;
	ret = hwdbm_dirty_run(c, &req);
	hwdbm_dirty_request_fini(&req);
	return ret;
}

static long dirty_pages(struct hwdbm_container *c, void __user *arg)
{
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret;

	if (!c->v2)
		return -EACCES;
	ret = copy_arg(&dirty, arg, sizeof(dirty));
	if (ret)
		return ret;
	/* Exactly one flag: equality, so that two are as unknown as a new one. */
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return hwdbm_dirty_start(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return hwdbm_dirty_stop(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return dirty_range(c, arg, &dirty, HWDBM_DIRTY_GET);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP_NOCLEAR:
		return dirty_range(c, arg, &dirty, HWDBM_DIRTY_NOCLEAR);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_CLEAR_BITMAP:
		return dirty_range(c, arg, &dirty, HWDBM_DIRTY_CLEAR);
	default:
		return -EINVAL;
	}
}

static const struct command {
	unsigned int cmd;
	long (*run)(struct hwdbm_container *c, void __user *arg);
} commands[] = {
	{ VFIO_IOMMU_GET_INFO, hwdbm_info_get },
	{ VFIO_IOMMU_MAP_DMA, map_dma },
	{ VFIO_IOMMU_UNMAP_DMA, unmap_dma },
	{ VFIO_IOMMU_DIRTY_PAGES, dirty_pages },
};

long hwdbm_ioctl_run(struct hwdbm_container *c, unsigned int cmd,
		     unsigned long arg)
{
	unsigned int i;

	if (cmd == VFIO_CHECK_EXTENSION)
		return hwdbm_ioctl_check_extension(c, arg);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return commands[i].run(c, (void __user *)arg);
	return -ENOTTY;
}
