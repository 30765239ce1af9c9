// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages: mapped with leaves of 2 MiB, one write dirties all 512 pages of
 * a leaf, and CLEAR may take any of them away. Mapped with small leaves
 * (disable_hugepages=1) each page is logged for itself.
 */
#include "bitmap.h"
#include "dirtyops.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define LEAF	512		/* pages */
#define LEAVES	4
#define PAGES	(LEAVES * LEAF)
#define BYTES	(PAGES / 8)

struct leaves {
	struct rig *rig;
	uint8_t *map;
	uint8_t twin[PAGES];
};

static void write_page(struct leaves *l, uint64_t page)
{
	bool small = rig_4k_leaves();

	rig_write(l->rig, page_at(page));
	if (small)
		l->twin[page] = 1;
	else
		memset(l->twin + page / LEAF * LEAF, 1, LEAF);
}

static void clear_pages(struct leaves *l, uint64_t page, uint64_t nr)
{
	int ret;

	memset(l->map, 0xff, BYTES);
	ret = vfio_dirty_range(l->rig->container, DIRTY_CLEAR, page_at(page),
			       nr * PAGE_4K, PAGE_4K, l->map, BYTES);
	if (ret)
		tap_diag("CLEAR: %s", strerror(-ret));
	memset(l->twin + page, 0, nr);
}

static bool agrees(struct leaves *l, uint32_t flag)
{
	uint64_t page;
	int ret;

	memset(l->map, 0x5a, BYTES);
	ret = vfio_dirty_range(l->rig->container, flag, IOVA, PAGES * PAGE_4K,
			       PAGE_4K, l->map, BYTES);
	for (page = 0; !ret && page < PAGES; page++) {
		if (bit_get(l->map, page) == l->twin[page])
			continue;
		tap_diag("page %lu: %d, want %d", page, bit_get(l->map, page),
			 l->twin[page]);
		return false;
	}
	if (flag == DIRTY_GET)
		memset(l->twin, 0, PAGES);
	return !ret;
}

static void parts(struct leaves *l)
{
	uint64_t i;
	bool good = true;

	tap_ok(agrees(l, DIRTY_GET), "nothing written, nothing dirty");
	write_page(l, 700);
	tap_ok(agrees(l, DIRTY_NOCLEAR), "one write: its leaf and no other");
	clear_pages(l, 600, 200);
	tap_ok(agrees(l, DIRTY_NOCLEAR), "CLEAR inside a leaf keeps the rest");
	write_page(l, 700);
	tap_ok(agrees(l, DIRTY_NOCLEAR), "a cleared page is logged again");
	clear_pages(l, 600, 100);
	write_page(l, 1030);
	clear_pages(l, 1000, 100);
	tap_ok(agrees(l, DIRTY_NOCLEAR), "CLEAR across the border of two leaves");
	write_page(l, 5);
	clear_pages(l, 511, 1);
	tap_ok(agrees(l, DIRTY_GET), "CLEAR of the last page of a leaf, GET");
	tap_ok(agrees(l, DIRTY_GET), "GET has cleared all of it");
	for (i = 0; i < 40; i++) {
		write_page(l, LEAF + 3 * i);
		good &= agrees(l, i % 2 ? DIRTY_GET : DIRTY_NOCLEAR);
		rig_read(l->rig, page_at(LEAF + 3 * i));
		good &= agrees(l, DIRTY_GET);
	}
	tap_ok(good, "write, ask, read, ask, ...");
	for (i = 0; i < 40; i++) {
		write_page(l, 2 * LEAF + 11 * i);
		clear_pages(l, 2 * LEAF + 11 * i, 1);
		rig_read(l->rig, page_at(2 * LEAF));
		write_page(l, 3 * LEAF);
		good &= agrees(l, i % 8 == 7 ? DIRTY_GET : DIRTY_NOCLEAR);
	}
	tap_ok(good, "write, CLEAR its page only, write elsewhere, ...");
}

static void coarse(struct leaves *l)
{
	struct rig *rig = l->rig;

	if (rig_4k_leaves())
		return;
	write_page(l, 1023);
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_2M, "0100"),
	       "bits of 2 MiB");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 2 * PAGE_2M, "10"),
	       "bits of 4 MiB");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_2M / 2, "00110000"),
	       "bits of 1 MiB, half a leaf");
	tap_ret(rig_clear(rig, IOVA, PAGE_2M / 2, "00100000"), 0,
		"CLEAR of half a leaf");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_2M / 2, "00010000"),
	       "leaves the other half");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_2M, "0100"),
	       "and that is enough for a bit of 2 MiB");
}

void test_leaves(struct rig *rig)
{
	static struct leaves l;
	void *mem = mem_alloc(PAGES * PAGE_4K, LEAF_2M);

	l.rig = rig;
	l.map = guard_alloc(BYTES);
	tap_ret(vfio_map(rig->container, mem, IOVA, PAGES * PAGE_4K, MAP_RW), 0,
		"MAP of huge pages");
	start_logging(rig);
	parts(&l);
	coarse(&l);
	stop_logging(rig);
	tap_ret(vfio_unmap(rig->container, IOVA, PAGES * PAGE_4K, 0, NULL), 0,
		"UNMAP of huge pages");
	mem_free(mem, PAGES * PAGE_4K);
	guard_free(l.map, BYTES);
}
