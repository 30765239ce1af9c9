// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"
#include "tap.h"
#include "target.h"
#include "vfio.h"

#include <stdlib.h>

struct real {
	struct target target;
	struct vfio_dev dev;
	struct edu edu;
	uint32_t failed_before;
	int container;
};

static struct real *real(struct target *t)
{
	return (struct real *)t;
}

static int real_map(struct target *t, void *vaddr, uint64_t iova, uint64_t size)
{
	return vfio_map(real(t)->container, vaddr, iova, size, MAP_RW);
}

static int real_unmap(struct target *t, uint64_t iova, uint64_t size)
{
	uint64_t unmapped;
	int ret;

	ret = vfio_unmap(real(t)->container, iova, size, 0, &unmapped);
	if (!ret && unmapped != size)
		tap_bail("UNMAP of %#lx bytes says %#lx", size, unmapped);
	return ret;
}

static int real_unmap_dirty(struct target *t, uint64_t iova, uint64_t size,
			    uint64_t pgsize, void *bitmap, uint64_t bytes)
{
	struct vfio_bitmap out = {
		.pgsize = pgsize,
		.size = bytes,
		.data = bitmap,
	};
	uint64_t unmapped;
	int ret;

	ret = vfio_unmap_dirty(real(t)->container, iova, size,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out,
			       &unmapped);
	if (!ret && unmapped != size)
		tap_bail("UNMAP of %#lx bytes says %#lx", size, unmapped);
	return ret;
}

static int real_flag(struct target *t, uint32_t flag)
{
	return vfio_dirty_flag(real(t)->container, flag);
}

static int real_range(struct target *t, uint32_t flag, uint64_t iova,
		      uint64_t size, uint64_t pgsize, void *bitmap,
		      uint64_t bytes)
{
	return vfio_dirty_range(real(t)->container, flag, iova, size, pgsize,
				bitmap, bytes);
}

static void real_fetch(struct target *t, uint64_t iova, uint32_t offset,
		       uint32_t n)
{
	edu_fetch(&real(t)->edu, iova, offset, n);
}

static void real_store(struct target *t, uint64_t iova, uint32_t offset,
		       uint32_t n)
{
	edu_store(&real(t)->edu, iova, offset, n);
}

static uint32_t real_failed(struct target *t)
{
	return edu_failed(&real(t)->edu) - real(t)->failed_before;
}

static void real_close(struct target *t)
{
	struct real *r = real(t);

	edu_close(&r->edu);
	vfio_teardown(&r->dev, r->container);
	free(r);
}

static const struct target_ops real_ops = {
	.map = real_map,
	.unmap = real_unmap,
	.unmap_dirty = real_unmap_dirty,
	.flag = real_flag,
	.range = real_range,
	.fetch = real_fetch,
	.store = real_store,
	.failed = real_failed,
	.close = real_close,
};

struct target *target_open_vfio(unsigned long type, int policy)
{
	struct real *r = calloc(1, sizeof(*r));

	if (!r)
		tap_bail("no memory");
	r->target.ops = &real_ops;
	if (vfio_find_edus(&r->dev, 1) != 1)
		tap_bail("no edu device is bound to vfio-pci");
	r->container = vfio_setup(&r->dev, type);
	if (type == VFIO_TYPE1_HWDBM_IOMMU)
		vfio_expect_policy(r->container, (unsigned int)policy);
	edu_open(&r->edu, r->dev.fd);
	r->failed_before = edu_failed(&r->edu);
	return &r->target;
}
