// SPDX-License-Identifier: GPL-2.0-only
/* DIRTY_PAGES, and the bitmap of UNMAP: flags, sizes, ranges. */
#define _GNU_SOURCE
#include "badinput.h"
#include "bitmap.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define HEAD	sizeof(struct vfio_iommu_type1_dirty_bitmap)
#define FULL	(HEAD + sizeof(struct vfio_iommu_type1_dirty_bitmap_get))
#define TOP	0xfffffffffffff000ULL	/* last page of the address space */

static const struct op {
	const char *name;
	uint32_t flag;		/* 0: UNMAP with bitmap */
} ops[] = {
	{ "GET", DIRTY_GET }, { "NOCLEAR", DIRTY_NOCLEAR },
	{ "CLEAR", DIRTY_CLEAR }, { "UNMAP with bitmap", 0 },
};

#define NR_OPS	(sizeof(ops) / sizeof(ops[0]))

struct row {
	const char *name;
	uint64_t iova, size, pgsize, bytes;
	int want;
};

static int call(struct bad *b, const struct op *op, const struct row *r,
		void *data)
{
	struct vfio_bitmap bitmap = {
		.pgsize = r->pgsize, .size = r->bytes, .data = data,
	};

	if (op->flag)
		return vfio_dirty_range(b->rig.container, op->flag, r->iova,
					r->size, r->pgsize, data, r->bytes);
	return vfio_unmap_dirty(b->rig.container, r->iova, r->size,
				VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
				NULL);
}

#define S16 (NR * PAGE_4K)

static const struct row rows[] = {
	{ "size 0", IOVA, 0, PAGE_4K, 8, -EINVAL },
	{ "iova + 1", IOVA + 1, S16, PAGE_4K, 8, -EINVAL },
	{ "iova + 2048", IOVA + 2048, S16, PAGE_4K, 8, -EINVAL },
	{ "size + 1", IOVA, S16 + 1, PAGE_4K, 8, -EINVAL },
	{ "size - 1", IOVA, S16 - 1, PAGE_4K, 8, -EINVAL },
	{ "size 2048", IOVA, 2048, PAGE_4K, 8, -EINVAL },
	{ "pgsize 0", IOVA, S16, 0, 8, -EINVAL },
	{ "pgsize 1", IOVA, S16, 1, 8192, -EINVAL },
	{ "pgsize 3", IOVA, S16, 3, 8192, -EINVAL },
	{ "pgsize 2048", IOVA, S16, 2048, 8, -EINVAL },
	{ "pgsize 4097", IOVA, S16, 4097, 8, -EINVAL },
	{ "pgsize 12288", IOVA, 12 * PAGE_4K, 12288, 8, -EINVAL },
	{ "pgsize 2 GiB", IOVA, 1ULL << 31, 1ULL << 31, 8, -EINVAL },
	{ "pgsize 2^63", 0, 1ULL << 63, 1ULL << 63, 8, -EINVAL },
	{ "pgsize 2^64 - 4096", IOVA, S16, TOP, 8, -EINVAL },
	{ "iova not a multiple of pgsize", IOVA - PAGE_4K, 32 * PAGE_4K,
	  2 * PAGE_4K, 8, -EINVAL },
	{ "size not a multiple of pgsize", IOVA, S16, PAGE_2M, 8, -EINVAL },
	{ "bitmap of 0 bytes", IOVA, S16, PAGE_4K, 0, -EINVAL },
	{ "bitmap of 7 bytes", IOVA, S16, PAGE_4K, 7, -EINVAL },
	{ "65 bits in 8 bytes", IOVA, 65 * PAGE_4K, PAGE_4K, 8, -EINVAL },
	{ "65 bits in 15 bytes", IOVA, 65 * PAGE_4K, PAGE_4K, 15, -EINVAL },
	{ "128 coarse bits in 15 bytes", IOVA, 256 * PAGE_4K, 2 * PAGE_4K, 15,
	  -EINVAL },
	{ "2^63 bytes in 8 bytes", 0, 1ULL << 63, PAGE_4K, 8, -EINVAL },
	{ "2^64 - 4096 bytes in 8 bytes", PAGE_4K, TOP, PAGE_4K, 8, -EINVAL },
	{ "iova + size beyond 2^64", TOP, 2 * PAGE_4K, PAGE_4K, 8, -EOVERFLOW },
	{ "iova + size far beyond 2^64", IOVA, TOP, PAGE_4K, 8, -EOVERFLOW },
	{ "the last page there is", TOP, PAGE_4K, PAGE_4K, 8, 0 },
	{ "the last 64 pages there are", TOP - 63 * PAGE_4K, 64 * PAGE_4K,
	  PAGE_4K, 8, 0 },
	{ "the last GiB there is", -(1ULL << 30), 1ULL << 30, 1ULL << 30, 8, 0 },
};

static const struct row cuts[] = {
	{ "cuts a mapping's head", IOVA + PAGE_4K, 15 * PAGE_4K, PAGE_4K, 8,
	  -EINVAL },
	{ "cuts a mapping's tail", IOVA, 15 * PAGE_4K, PAGE_4K, 8, -EINVAL },
	{ "inside of a mapping", IOVA + 4 * PAGE_4K, 4 * PAGE_4K, PAGE_4K, 8,
	  -EINVAL },
	{ "one mapping and a part of the next", IOVA, 34 * PAGE_4K, PAGE_4K, 8,
	  -EINVAL },
	{ "cuts two mappings", IOVA + PAGE_4K, 32 * PAGE_4K, PAGE_4K, 8,
	  -EINVAL },
};

/* A bitmap as long as the row says, all 0, so that a CLEAR clears nothing. */
static void try_row(struct bad *b, const struct op *op, const struct row *r,
		    int want)
{
	size_t bytes = r->bytes ? r->bytes : 1;
	void *data = guard_alloc(bytes);

	memset(data, 0, bytes);
	refused(b, call(b, op, r, data), want, "%s: %s", op->name, r->name);
	guard_free(data, bytes);
}

void test_ranges(struct bad *b)
{
	size_t op, i;

	for (op = 0; op < NR_OPS; op++) {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			try_row(b, &ops[op], &rows[i], rows[i].want);
		for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
			try_row(b, &ops[op], &cuts[i],
				ops[op].flag == DIRTY_CLEAR ? 0 : cuts[i].want);
	}
}

void test_logging_off(struct bad *b)
{
	static const struct row good = { "", IOVA, S16, PAGE_4K, 8, 0 };
	uint64_t map;
	size_t op;

	for (op = 0; op < NR_OPS; op++) {
		map = ~0ULL;
		refused(b, call(b, &ops[op], &good, &map), -EINVAL,
			"%s while logging is off", ops[op].name);
		tap_ok(map == ~0ULL, "and the bitmap is untouched");
	}
}

static struct vfio_iommu_type1_dirty_bitmap_get range_of(void *data)
{
	return (struct vfio_iommu_type1_dirty_bitmap_get){
		.iova = IOVA,
		.size = S16,
		.bitmap = { .pgsize = PAGE_4K, .size = 8, .data = data },
	};
}

static void bad_flags(struct bad *b)
{
	uint64_t map = 0;
	struct vfio_iommu_type1_dirty_bitmap_get range = range_of(&map);
	int fd = b->rig.container, i, j;

	refused(b, vfio_dirty_raw(fd, FULL, 0, &range), -EINVAL, "no flag");
	for (i = 5; i < 32; i++)
		refused(b, vfio_dirty_raw(fd, FULL, 1u << i, &range), -EINVAL,
			"unknown flag 1 << %d", i);
	for (i = 0; i < 5; i++)
		for (j = i + 1; j < 5; j++)
			refused(b, vfio_dirty_raw(fd, FULL, 1u << i | 1u << j,
						  &range), -EINVAL,
				"flags 1 << %d and 1 << %d", i, j);
	for (i = 0; i < 5; i++)
		refused(b, vfio_dirty_raw(fd, FULL, 1u << i | 1u << 31, &range),
			-EINVAL, "flag 1 << %d with an unknown one", i);
	refused(b, vfio_dirty_raw(fd, FULL, ~0u, &range), -EINVAL, "all flags");
	refused(b, vfio_dirty_raw(fd, FULL, 0x1f, &range), -EINVAL,
		"all flags that there are");
}

void test_flags(struct bad *b)
{
	static const uint32_t flags[] = { DIRTY_GET, DIRTY_NOCLEAR, DIRTY_CLEAR };
	static const uint32_t sizes[] = { 0, 4, 7 }, short_ones[] = { 8, 24, 47 };
	int fd = b->rig.container, ret;
	uint64_t map = 0;
	struct vfio_iommu_type1_dirty_bitmap_get range = range_of(&map);
	size_t i, j;

	bad_flags(b);
	for (i = 0; i < 3; i++) {
		refused(b, vfio_dirty_raw(fd, sizes[i], DIRTY_STOP, NULL),
			-EINVAL, "STOP, argsz %u", sizes[i]);
		refused(b, vfio_dirty_raw(fd, sizes[i], DIRTY_START, NULL),
			-EINVAL, "START, argsz %u", sizes[i]);
	}
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			refused(b, vfio_dirty_raw(fd, sizes[j], flags[i], &range),
				-EINVAL, "%s, argsz %u", ops[i].name, sizes[j]);
			refused(b, vfio_dirty_raw(fd, short_ones[j], flags[i],
						  &range), -EINVAL,
				"%s, argsz %u", ops[i].name, short_ones[j]);
		}
	}
	/* larger than what is there: only what is known may be read */
	refused(b, vfio_dirty_raw(fd, 4096, DIRTY_NOCLEAR, &range), 0,
		"NOCLEAR, argsz 4096 of which 48 bytes are there");
	refused(b, vfio_dirty_raw(fd, 4096, DIRTY_START, &range), 0,
		"START, argsz 4096 of which 48 bytes are there");
	ret = ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, NULL) ? -errno : 0;
	refused(b, ret, -EFAULT, "DIRTY_PAGES(NULL)");
}
