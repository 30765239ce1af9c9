// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "guard.h"
#include "tap.h"
#include "vfio.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define ARENA 4096

/* Bytes that end at the PROT_NONE page; one arena a thread, kept for good. */
static void *argument(size_t n)
{
	static __thread char *arena;

	if (n > ARENA)
		tap_bail("argument of %zu bytes", n);
	if (!arena)
		arena = guard_alloc(ARENA);
	return arena + ARENA - n;
}

int vfio_raw(int container, unsigned long cmd, void *arg, size_t have)
{
	void *at = argument(have);
	int ret;

	memcpy(at, arg, have);
	ret = ioctl(container, cmd, at);
	if (ret < 0)
		ret = -errno;
	memcpy(arg, at, have);
	return ret;
}

int vfio_dirty_raw(int container, uint32_t argsz, uint32_t flags,
		   const struct vfio_iommu_type1_dirty_bitmap_get *range)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = { .head = { .argsz = argsz, .flags = flags } };
	size_t have = argsz < sizeof(arg) ? argsz : sizeof(arg);

	if (range)
		arg.range = *range;
	/* argsz itself is always there: the kernel reads it to know */
	if (have < sizeof(arg.head))
		have = sizeof(arg.head);
	return vfio_raw(container, VFIO_IOMMU_DIRTY_PAGES, &arg, have);
}

int vfio_dirty_flag(int container, uint32_t flags)
{
	return vfio_dirty_raw(container,
			      sizeof(struct vfio_iommu_type1_dirty_bitmap),
			      flags, NULL);
}

int vfio_dirty_range(int container, uint32_t flag, uint64_t iova,
		     uint64_t size, uint64_t pgsize, void *bitmap,
		     uint64_t bytes)
{
	struct vfio_iommu_type1_dirty_bitmap_get range = {
		.iova = iova,
		.size = size,
		.bitmap = {
			.pgsize = pgsize,
			.size = bytes,
			.data = bitmap,
		},
	};

	return vfio_dirty_raw(container,
			      sizeof(struct vfio_iommu_type1_dirty_bitmap) +
			      sizeof(range), flag, &range);
}
