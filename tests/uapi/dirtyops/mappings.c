// SPDX-License-Identifier: GPL-2.0-only
/* Mappings that come and go while the log is on, and who may write to them. */
#include "bitmap.h"
#include "dirtyops.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE	"0000000000000000"
#define NR	16

bool unmap_reports(struct rig *rig, uint64_t iova, uint64_t pages, uint32_t flags,
		   const char *want, uint64_t mapped)
{
	uint64_t bits = strlen(want), bytes = bit_bytes(bits), bit, unmapped = 0;
	uint8_t *map = guard_alloc(bytes);
	struct vfio_bitmap out = { .pgsize = PAGE_4K, .size = bytes };
	bool good;
	int ret;

	out.data = (void *)map;
	memset(map, 0x96, bytes);
	ret = vfio_unmap_dirty(rig->container, iova, pages * PAGE_4K,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | flags,
			       &out, &unmapped);
	good = !ret && unmapped == mapped * PAGE_4K;
	if (!good)
		tap_diag("UNMAP: %s, %#lx bytes", strerror(-ret), unmapped);
	for (bit = 0; bit < bytes * 8; bit++) {
		char c = bit < bits ? want[bit] : '.';
		bool old = 0x96 >> (bit % 8) & 1;

		if (bit_get(map, bit) == (c == '.' ? old : c == '1'))
			continue;
		tap_diag("UNMAP: bit %lu is %d where '%c' is wanted", bit,
			 bit_get(map, bit), c);
		good = false;
	}
	guard_free(map, bytes);
	return good;
}

static void unmap_with_bitmap(struct rig *rig)
{
	void *a = rig_map(rig, page_at(0), 4), *b = rig_map(rig, page_at(8), 4);
	uint64_t unmapped;

	start_logging(rig);
	rig_write(rig, page_at(1));
	rig_write(rig, page_at(11));
	rig_read(rig, page_at(2));
	tap_ok(unmap_reports(rig, page_at(0), 4, 0, "0100", 4),
	       "UNMAP with bitmap reports what was dirty");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K,
			  "........0001...."), "and nobody else's pages");
	tap_ret(vfio_map(rig->container, a, page_at(0), 4 * PAGE_4K, MAP_RW), 0,
		"MAP the same again");
	rig_report_once(rig, page_at(0), 4);
	rig_write(rig, page_at(3));
	tap_ret(rig_clear(rig, page_at(11), PAGE_4K, "1"), 0, "CLEAR");
	rig_write(rig, page_at(8));
	tap_ok(unmap_reports(rig, page_at(0) - PAGE_4K, 16, 0,
			     ".0001....1000...", 8),
	       "UNMAP with bitmap of two mappings and the holes around");
	tap_ok(unmap_reports(rig, page_at(0), 16, 0, "................", 0),
	       "UNMAP with bitmap of nothing");
	stop_logging(rig);

	tap_ret(vfio_map(rig->container, a, page_at(0), 4 * PAGE_4K, MAP_RW), 0,
		"MAP");
	tap_ret(vfio_map(rig->container, b, page_at(8), 4 * PAGE_4K, MAP_RW), 0,
		"MAP");
	tap_ret(vfio_unmap(rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			   &unmapped), 0, "UNMAP of everything");
	tap_ok(unmapped == 8 * PAGE_4K, "says how much it was: %#lx", unmapped);
	mem_free(a, 4 * PAGE_4K);
	mem_free(b, 4 * PAGE_4K);
}

/* The bitmap of UNMAP of everything begins at IOVA 0. */
static void unmap_all_with_bitmap(struct rig *rig)
{
	uint64_t low = 8 * PAGE_4K;
	void *a = rig_map(rig, low, 4), *b = rig_map(rig, low + 6 * PAGE_4K, 2);
	struct vfio_bitmap out = { .pgsize = PAGE_4K, .size = 8 };
	uint8_t *map = guard_alloc(8);
	uint64_t unmapped;
	void *far;

	start_logging(rig);
	rig_write(rig, low);
	rig_write(rig, low + 7 * PAGE_4K);
	far = rig_map(rig, 64 * PAGE_4K, 1);
	out.data = (void *)map;
	tap_ret(vfio_unmap_dirty(rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL |
				 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out,
				 &unmapped), -EINVAL,
		"UNMAP of everything, the bitmap ends before the last mapping");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, low, PAGE_4K, "1000..01"),
	       "has unmapped nothing, and nothing is forgotten");
	rig_unmap(rig, far, 64 * PAGE_4K, 1);
	tap_ok(unmap_reports(rig, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			     "........1000..01", 6),
	       "UNMAP of everything, with bitmap");
	stop_logging(rig);
	guard_free(map, 8);
	mem_free(a, 4 * PAGE_4K);
	mem_free(b, 2 * PAGE_4K);
}

static void map_while_logging(struct rig *rig)
{
	void *mem;

	start_logging(rig);
	mem = rig_map(rig, IOVA, NR);
	rig_report_once(rig, IOVA, NR);
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, NONE),
	       "a mapping made while logging starts clean");
	write_pages(rig, "1");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, "1000000000000000"),
	       "and is logged");
	write_pages(rig, "01");
	rig_unmap(rig, mem, IOVA, NR);
	mem = rig_map(rig, IOVA, NR);
	rig_report_once(rig, IOVA, NR);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "one in the place of another inherits nothing");
	stop_logging(rig);
	rig_unmap(rig, mem, IOVA, NR);
}

static void protection(struct rig *rig)
{
	unsigned char *mem = mem_alloc(NR * PAGE_4K, LEAF_4K);
	uint32_t failed = edu_failed(&rig->edu);

	tap_ret(vfio_map(rig->container, mem, IOVA, NR * PAGE_4K,
			 VFIO_DMA_MAP_FLAG_READ), 0, "MAP for reading only");
	start_logging(rig);
	rig_read(rig, IOVA);
	tap_ok(edu_failed(&rig->edu) == failed, "the device can read it");
	memset(mem, 0x11, PAGE_4K);
	rig_write(rig, IOVA);
	tap_ok(edu_failed(&rig->edu) == failed + 1, "a device write is blocked");
	tap_ok(mem[1000] == 0x11, "and does not land");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "and dirties nothing");
	tap_ret(vfio_unmap(rig->container, IOVA, NR * PAGE_4K, 0, NULL), 0,
		"UNMAP");
	rig_write(rig, IOVA);
	tap_ok(edu_failed(&rig->edu) == failed + 2,
	       "after UNMAP the device cannot reach it");
	stop_logging(rig);
	mem_free(mem, NR * PAGE_4K);
}

/* GET before and after must agree on a mapping that ends at a chunk's end. */
static void sizes(struct rig *rig)
{
	static const uint64_t sizes[] = { 1, 63, 64, 65, 511, 512, 513, 4096,
					  5000 };
	bool good = true;
	unsigned int i;

	start_logging(rig);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t nr = sizes[i], page, bytes = bit_bytes(nr);
		uint64_t iova = IOVA + i * PAGE_4K;
		void *mem = rig_map(rig, iova, nr);
		uint8_t *map = guard_alloc(bytes);
		uint64_t spots[] = { 0, nr / 2, nr - 1 };

		rig_report_once(rig, iova, nr);
		for (page = 0; page < 3; page++)
			rig_write(rig, iova + spots[page] * PAGE_4K);
		memset(map, 0xff, bytes);
		good &= !vfio_dirty_range(rig->container, DIRTY_GET, iova,
					  nr * PAGE_4K, PAGE_4K, map, bytes);
		for (page = 0; page < nr; page++)
			good &= bit_get(map, page) ==
				(page == 0 || page == nr / 2 || page == nr - 1);
		guard_free(map, bytes);
		rig_unmap(rig, mem, iova, nr);
	}
	tap_ok(good, "mappings of 1 to 5000 pages: first, middle and last page");
	stop_logging(rig);
}

/*
 * The last pages of the address space that this IOMMU has. Where that is the
 * last there is, its log may be coarse, but not blind.
 */
static void end_of_space(struct rig *rig)
{
	struct vfio_iommu_type1_info *info = vfio_info(rig->container);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_info_cap(info,
				      VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	uint64_t last = cap->iova_ranges[cap->nr_iovas - 1].end;
	uint64_t iova = last - NR * PAGE_4K + 1, map = 0, seen = 0, size = 0;
	uint32_t failed = edu_failed(&rig->edu);
	void *mem;

	tap_diag("the last IOVA is %#lx", last);
	mem = rig_map(rig, iova, NR);
	start_logging(rig);
	rig_write(rig, iova + (NR - 1) * PAGE_4K);
	rig_write(rig, iova);
	tap_ok(edu_failed(&rig->edu) == failed, "the device reaches the end");
	tap_ret(vfio_dirty_range(rig->container, DIRTY_NOCLEAR, iova,
				 NR * PAGE_4K, PAGE_4K, &seen, 8), 0,
		"NOCLEAR up to the end");
	tap_ret(vfio_dirty_range(rig->container, DIRTY_GET, iova, NR * PAGE_4K,
				 PAGE_4K, &map, 8), 0, "GET up to the end");
	tap_ok(seen == map, "says what NOCLEAR has said: %#lx", seen);
	tap_ok(bit_get(&map, 0) && bit_get(&map, NR - 1),
	       "reports what was written: %#lx", map);
	tap_ok(last == UINT64_MAX || map == 0x8001,
	       "and nothing else, but at 2^64");
	tap_ret(vfio_unmap(rig->container, last / 2 + 1, last / 2 + 1, 0, &size),
		0, "UNMAP of the upper half");
	tap_ok(size == NR * PAGE_4K, "takes it away: %#lx bytes", size);
	stop_logging(rig);
	mem_free(mem, NR * PAGE_4K);
	free(info);
}

/* One behind the other, without a hole, and gone with one call. */
static void neighbours(struct rig *rig)
{
	void *low = rig_map(rig, IOVA, 4);
	void *middle = rig_map(rig, IOVA + 4 * PAGE_4K, 1);
	void *high = rig_map(rig, IOVA + 5 * PAGE_4K, 3);
	uint64_t size = 0;

	tap_ret(vfio_unmap(rig->container, IOVA, 8 * PAGE_4K, 0, &size), 0,
		"UNMAP of three neighbours");
	tap_ok(size == 8 * PAGE_4K, "takes all of them: %#lx bytes", size);
	mem_free(low, 4 * PAGE_4K);
	mem_free(middle, PAGE_4K);
	mem_free(high, 3 * PAGE_4K);
}

void test_mappings(struct rig *rig)
{
	neighbours(rig);
	unmap_with_bitmap(rig);
	unmap_all_with_bitmap(rig);
	map_while_logging(rig);
	protection(rig);
	sizes(rig);
	end_of_space(rig);
}
