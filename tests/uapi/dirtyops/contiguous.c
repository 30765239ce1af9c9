// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves of sizes that no level of the tables has: AMD's may be of any power of
 * two. Such a leaf stands in several entries, the device may make any of these
 * dirty, and all of its pages are dirty then. Elsewhere the same mappings get
 * leaves of 4 KiB.
 *
 * A mapping of 2^n bytes here lies at 2^n, in addresses and in memory: it is one
 * leaf if there are such.
 */
#include "dirtyops.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define MAX	256		/* pages, 1 MiB */

/* The log that is wanted, as text. */
struct pages {
	uint64_t nr;
	char text[MAX + 1];
};

static void put(struct pages *p, uint64_t first, uint64_t nr, char c)
{
	memset(p->text + first, c, nr);
}

static void none(struct pages *p, uint64_t nr)
{
	p->nr = nr;
	put(p, 0, nr, '0');
	p->text[nr] = 0;
}

/* What a write to @page makes dirty, if leaves are of @leaf pages. */
static void write_page(struct rig *rig, struct pages *p, uint64_t iova,
		       uint64_t page, uint64_t leaf)
{
	rig_write(rig, iova + page * PAGE_4K);
	put(p, page & ~(leaf - 1), leaf, '1');
}

/* CLEAR of @nr pages from @page on. */
static bool clear_pages(struct rig *rig, struct pages *p, uint64_t iova,
			uint64_t page, uint64_t nr)
{
	struct pages which;

	none(&which, p->nr);
	put(&which, page, nr, '1');
	put(p, page, nr, '0');
	return !rig_clear(rig, iova, PAGE_4K, which.text);
}

static bool log_is(struct rig *rig, uint32_t flag, uint64_t iova,
		   const struct pages *p)
{
	return rig_log_is(rig, flag, iova, PAGE_4K, p->text);
}

/* One mapping of @nr pages at @iova, leaves of @leaf; it is gone then. */
static void check(struct rig *rig, uint64_t iova, uint64_t nr, uint64_t leaf)
{
	struct pages p;
	bool good;

	none(&p, nr);
	tap_ok(log_is(rig, DIRTY_GET, iova, &p), "%lu pages, nothing written", nr);
	write_page(rig, &p, iova, nr / 2, leaf);
	good = log_is(rig, DIRTY_NOCLEAR, iova, &p);
	tap_ok(good && log_is(rig, DIRTY_GET, iova, &p),
	       "%lu pages: one write, in GET and NOCLEAR", nr);
	none(&p, nr);
	tap_ok(log_is(rig, DIRTY_GET, iova, &p), "and it is clean");

	rig_read(rig, iova);
	rig_read(rig, iova + (nr - 1) * PAGE_4K);
	write_page(rig, &p, iova, 0, leaf);
	write_page(rig, &p, iova, nr - 1, leaf);
	good = clear_pages(rig, &p, iova, 0, 1);
	tap_ok(good && log_is(rig, DIRTY_NOCLEAR, iova, &p),
	       "two writes, CLEAR of the first page");
	rig_read(rig, iova);
	write_page(rig, &p, iova, nr - 1, leaf);
	tap_ok(log_is(rig, DIRTY_NOCLEAR, iova, &p),
	       "and a write to the last one");
	good = clear_pages(rig, &p, iova, nr / 2, nr / 2);
	write_page(rig, &p, iova, nr - 2, leaf);
	good &= log_is(rig, DIRTY_NOCLEAR, iova, &p);
	good &= clear_pages(rig, &p, iova, 0, nr);
	tap_ok(good && log_is(rig, DIRTY_NOCLEAR, iova, &p),
	       "CLEAR of half, a write, CLEAR of all");
	write_page(rig, &p, iova, nr - 1, leaf);
	tap_ok(unmap_reports(rig, iova, nr, 0, p.text, nr), "UNMAP reports it");
}

static void map(struct rig *rig, char *mem, uint64_t iova, uint64_t pages)
{
	int ret = vfio_map(rig->container, mem, iova, pages * PAGE_4K, MAP_RW);

	if (ret)
		tap_bail("MAP of %lu pages: %s", pages, strerror(-ret));
	rig_report_once(rig, iova, pages);
}

/* The pages of a leaf where @pages of them could be one. */
static uint64_t leaf_of(const struct vfio_iommu_type1_info *info, uint64_t pages)
{
	return info->iova_pgsizes & pages * PAGE_4K ? pages : 1;
}

static void two_sizes(struct rig *rig, char *mem, uint64_t small, uint64_t large)
{
	uint64_t iova = page_at(16);
	struct pages p;
	bool good;

	map(rig, mem + 16 * PAGE_4K, iova, 48);
	none(&p, 48);
	write_page(rig, &p, iova, 15, small);
	good = log_is(rig, DIRTY_GET, iova, &p);
	none(&p, 48);
	put(&p, 16, large, '1');
	rig_write(rig, iova + 16 * PAGE_4K);
	tap_ok(good && log_is(rig, DIRTY_NOCLEAR, iova, &p),
	       "64 and 128 KiB side by side, in one mapping");
	tap_ok(unmap_reports(rig, iova, 48, 0, p.text, 48), "UNMAP of both");
}

void test_contiguous(struct rig *rig)
{
	static const uint64_t sizes[] = { 2, 16, 64, 256 };
	struct vfio_iommu_type1_info *info = vfio_info(rig->container);
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);
	unsigned int i;

	start_logging(rig);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t nr = sizes[i], leaf = leaf_of(info, nr);

		map(rig, mem + nr * PAGE_4K, page_at(nr), nr);
		tap_diag("%lu pages, in leaves of %lu", nr, leaf);
		check(rig, page_at(nr), nr, leaf);
	}
	two_sizes(rig, mem, leaf_of(info, 16), leaf_of(info, 32));
	stop_logging(rig);
	mem_free(mem, PAGE_2M);
	free(info);
}
