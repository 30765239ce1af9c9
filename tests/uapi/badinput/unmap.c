// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "badinput.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#define ALL	VFIO_DMA_UNMAP_FLAG_ALL
#define BITMAP	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define TOP	0xfffffffffffff000ULL
#define S16	(NR * PAGE_4K)

static int raw(struct bad *b, uint32_t argsz, uint32_t flags, size_t have)
{
	uint64_t map = 0;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = {
			.argsz = argsz, .flags = flags,
			.iova = IOVA, .size = S16,
		},
		.bitmap = {
			.pgsize = PAGE_4K, .size = 8, .data = (void *)&map,
		},
	};

	return vfio_raw(b->rig.container, VFIO_IOMMU_UNMAP_DMA, &arg, have);
}

static void sizes(struct bad *b)
{
	int ret;

	refused(b, raw(b, 0, 0, 24), -EINVAL, "UNMAP, argsz 0");
	refused(b, raw(b, 4, 0, 24), -EINVAL, "UNMAP, argsz 4");
	refused(b, raw(b, 23, 0, 24), -EINVAL, "UNMAP, argsz 23");
	refused(b, raw(b, 24, BITMAP, 24), -EINVAL,
		"UNMAP with bitmap, argsz 24");
	refused(b, raw(b, 47, BITMAP, 48), -EINVAL,
		"UNMAP with bitmap, argsz 47");
	refused(b, raw(b, 48, BITMAP, 24), -EFAULT,
		"UNMAP with bitmap, the argument ends too early");
	ret = ioctl(b->rig.container, VFIO_IOMMU_UNMAP_DMA, NULL) ? -errno : 0;
	refused(b, ret, -EFAULT, "UNMAP(NULL)");
}

static void flags(struct bad *b)
{
	int i;

	refused(b, raw(b, 48, VFIO_DMA_UNMAP_FLAG_VADDR | BITMAP, 48), -EINVAL,
		"UNMAP of VADDR with bitmap");
	for (i = 3; i < 32; i++)
		refused(b, raw(b, 48, 1u << i, 48), -EINVAL,
			"UNMAP, unknown flag 1 << %d", i);
	refused(b, raw(b, 48, BITMAP | 1u << 31, 48), -EINVAL,
		"UNMAP with bitmap and an unknown flag");
	refused(b, raw(b, 48, ALL, 48), -EINVAL,
		"UNMAP of everything, with iova and size");
}

void test_unmap(struct bad *b)
{
	static const struct {
		const char *name;
		uint64_t iova, size;
		uint32_t flags;
		int want;
	} rows[] = {
		{ "size 0", IOVA, 0, 0, -EINVAL },
		{ "iova + 1", IOVA + 1, S16, 0, -EINVAL },
		{ "iova + 2048", IOVA + 2048, S16, 0, -EINVAL },
		{ "size + 1", IOVA, S16 + 1, 0, -EINVAL },
		{ "size 2048", IOVA, 2048, 0, -EINVAL },
		{ "iova + size beyond 2^64", TOP, 2 * PAGE_4K, 0, -EOVERFLOW },
		{ "all but the first page, twice", IOVA, TOP, 0, -EOVERFLOW },
		{ "cuts a mapping's head", IOVA + PAGE_4K, S16, 0, -EINVAL },
		{ "cuts a mapping's tail", IOVA, S16 - PAGE_4K, 0, -EINVAL },
		{ "inside of a mapping", IOVA + PAGE_4K, PAGE_4K, 0, -EINVAL },
		{ "up to the middle of the last", 0, OTHER + PAGE_4K, 0,
		  -EINVAL },
		{ "everything, with iova", IOVA, 0, ALL, -EINVAL },
		{ "everything, with size", 0, S16, ALL, -EINVAL },
		{ "the last page there is", TOP, PAGE_4K, 0, 0 },
		{ "the upper half", 1ULL << 63, 1ULL << 63, 0, 0 },
		{ "between the mappings", IOVA + S16, PAGE_4K, 0, 0 },
	};
	uint64_t unmapped;
	size_t i;
	int ret;

	sizes(b);
	flags(b);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unmapped = 0;
		ret = vfio_unmap(b->rig.container, rows[i].iova, rows[i].size,
				 rows[i].flags, &unmapped);
		refused(b, ret, rows[i].want, "UNMAP: %s", rows[i].name);
		if (!ret)
			tap_ok(!unmapped, "says that it was nothing");
	}
}
