// SPDX-License-Identifier: GPL-2.0-only
/* Bitmaps that are not memory, not writable, or not all there. */
#define _GNU_SOURCE
#include "badinput.h"
#include "bitmap.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static const uint32_t flags[] = { DIRTY_GET, DIRTY_NOCLEAR, DIRTY_CLEAR };
static const char *const names[] = { "GET", "NOCLEAR", "CLEAR" };

static int unmap_into(struct bad *b, uint64_t iova, uint64_t pages, void *data,
		      uint64_t bytes)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_4K, .size = bytes, .data = data,
	};

	return vfio_unmap_dirty(b->rig.container, iova, pages * PAGE_4K,
				VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
				NULL);
}

static void bad_bitmap(struct bad *b, void *data, int want, int want_clear,
		       const char *what)
{
	int i;

	for (i = 0; i < 3; i++)
		refused(b, vfio_dirty_range(b->rig.container, flags[i], IOVA,
					    NR * PAGE_4K, PAGE_4K, data, 8),
			flags[i] == DIRTY_CLEAR ? want_clear : want,
			"%s: %s", names[i], what);
	refused(b, unmap_into(b, IOVA, NR, data, 8), want,
		"UNMAP with bitmap: %s", what);
}

/* The head is there and says argsz 48, what should follow is not. */
static void missing_argument(struct bad *b)
{
	struct vfio_iommu_type1_dirty_bitmap *head = guard_alloc(sizeof(*head));
	int i, ret;

	for (i = 0; i < 3; i++) {
		head->argsz = 48;
		head->flags = flags[i];
		ret = ioctl(b->rig.container, VFIO_IOMMU_DIRTY_PAGES, head);
		refused(b, ret ? -errno : 0, -EFAULT,
			"%s: the argument ends too early", names[i]);
	}
	guard_free(head, sizeof(*head));
}

void test_pointers(struct bad *b)
{
	char *page = guard_alloc(PAGE_4K);

	bad_bitmap(b, KERNEL_ADDRESS, -EINVAL, -EINVAL, "kernel address");
	bad_bitmap(b, (void *)-8L, -EINVAL, -EINVAL, "last 8 bytes there are");
	bad_bitmap(b, NULL, -EFAULT, -EFAULT, "NULL");
	bad_bitmap(b, page + PAGE_4K, -EFAULT, -EFAULT, "PROT_NONE");
	/* 16 bits are 2 bytes: a bitmap of 8 of which only one is there */
	bad_bitmap(b, page + PAGE_4K - 1, -EFAULT, -EFAULT,
		   "the second byte is PROT_NONE");
	mprotect(page, PAGE_4K, PROT_READ);
	bad_bitmap(b, page, -EFAULT, 0, "PROT_READ");
	mprotect(page, PAGE_4K, PROT_READ | PROT_WRITE);
	guard_free(page, PAGE_4K);
	missing_argument(b);
}

#define BIG		40000ULL	/* pages: a bitmap of 5000 bytes */
#define BIG_BYTES	(BIG / 8)
#define HAVE_BYTES	(4096 + 256)	/* of them: the log's first chunk, and more */
#define BIG_IOVA	(IOVA + (1ULL << 30))
#define STEP		37

static bool whole_log(struct bad *b, uint32_t flag)
{
	uint8_t *map = guard_alloc(BIG_BYTES);
	uint64_t page;
	bool good = true;

	memset(map, 0xff, BIG_BYTES);
	if (vfio_dirty_range(b->rig.container, flag, BIG_IOVA, BIG * PAGE_4K,
			     PAGE_4K, map, BIG_BYTES))
		good = false;
	for (page = 0; good && page < BIG; page++) {
		if (bit_get(map, page) == !(page % STEP))
			continue;
		tap_diag("page %lu: %d", page, bit_get(map, page));
		good = false;
	}
	guard_free(map, BIG_BYTES);
	return good;
}

/*
 * The end of the bitmap is not there, in the log's second chunk. Whatever was taken out of the log
 * before that was noticed must be back for the next call.
 */
void test_half_mapped(struct bad *b)
{
	void *mem = rig_map(&b->rig, BIG_IOVA, BIG);
	char *edge = (char *)guard_alloc(2 * PAGE_4K) + 2 * PAGE_4K;
	char *half = edge - HAVE_BYTES;
	uint64_t page;
	int i, ret;

	rig_report_once(&b->rig, BIG_IOVA, BIG);
	for (page = 0; page < BIG; page += STEP)
		rig_write(&b->rig, BIG_IOVA + page * PAGE_4K);
	memset(half, 0xff, HAVE_BYTES);
	for (i = 2; i >= 0; i--) {
		ret = vfio_dirty_range(b->rig.container, flags[i], BIG_IOVA,
				       BIG * PAGE_4K, PAGE_4K, half, BIG_BYTES);
		tap_ret(ret, -EFAULT, "%s with a half-mapped bitmap", names[i]);
		tap_ok(whole_log(b, DIRTY_NOCLEAR),
		       "and every dirty page is still reported");
	}
	tap_ret(unmap_into(b, BIG_IOVA, BIG, half, BIG_BYTES), -EFAULT,
		"UNMAP with a half-mapped bitmap");
	ret = vfio_dirty_range(b->rig.container, DIRTY_GET, BIG_IOVA,
			       BIG * PAGE_4K, PAGE_4K, half, BIG_BYTES);
	tap_ret(ret, -EFAULT, "GET into a bitmap whose second half is unmapped");
	tap_ok(whole_log(b, DIRTY_GET),
	       "then a GET of the whole range still reports every dirty page");
	guard_free(edge - 2 * PAGE_4K, 2 * PAGE_4K);
	rig_unmap(&b->rig, mem, BIG_IOVA, BIG);
}
