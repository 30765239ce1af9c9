// SPDX-License-Identifier: GPL-2.0-only
#include "dirtyops.h"
#include "tap.h"

#include <stdlib.h>

#define NONE	"0000000000000000"
#define ALL	"1111111111111111"
#define SOME	"0100010000011001"
#define NR	16

static bool is_tracking(struct rig *rig)
{
	struct vfio_iommu_type1_info *info = vfio_info(rig->container);
	struct vfio_iommu_type1_info_cap_hwdbm *cap;
	bool tracking;

	cap = (void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM);
	tracking = cap->domains[0].flags & VFIO_HWDBM_DOMAIN_TRACKING;
	free(info);
	return tracking;
}

static void start_and_stop(struct rig *rig)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	tap_ret(vfio_dirty_flag(rig->container, DIRTY_STOP), 0,
		"STOP before any START");
	tap_ret(vfio_dirty_flag(rig->container, DIRTY_START), 0, "START");
	vfio_policy(rig->container, &cap);
	tap_ok(cap.flags & VFIO_HWDBM_INFO_LOGGING && is_tracking(rig),
	       "GET_INFO says: logging, and the domain tracks");
	write_pages(rig, SOME);
	tap_ret(vfio_dirty_flag(rig->container, DIRTY_START), 0, "START twice");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SOME),
	       "a second START forgets nothing");
	tap_ret(vfio_dirty_flag(rig->container, DIRTY_STOP), 0, "STOP");
	tap_ret(vfio_dirty_flag(rig->container, DIRTY_STOP), 0, "STOP twice");
	vfio_policy(rig->container, &cap);
	tap_ok(!(cap.flags & VFIO_HWDBM_INFO_LOGGING) && !is_tracking(rig),
	       "GET_INFO says: not logging, and the domain does not track");
	tap_ok(!cap.log_bytes, "and the log holds no memory: %llu bytes",
	       cap.log_bytes);
	write_pages(rig, ALL);
	start_logging(rig);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "START does not report what was written before it");
	write_pages(rig, SOME);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, SOME),
	       "a write after START is seen, its page was written before");
	write_pages(rig, SOME);
	stop_logging(rig);
	start_logging(rig);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "STOP and START report nothing old");
	stop_logging(rig);
}

static void reports(struct rig *rig)
{
	start_logging(rig);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "nothing written, nothing reported");
	write_pages(rig, SOME);
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SOME),
	       "NOCLEAR reports what was written");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SOME),
	       "NOCLEAR clears nothing");
	write_pages(rig, "1000000000000000");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "1100010000011001"),
	       "a later NOCLEAR reports a superset");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, "1100010000011001"),
	       "GET after NOCLEAR reports the same");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "GET clears what it reports");
	stop_logging(rig);
}

static void clears(struct rig *rig)
{
	start_logging(rig);
	write_pages(rig, SOME);
	tap_ret(rig_clear(rig, IOVA, PAGE_4K, NONE), 0, "CLEAR of no page");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SOME),
	       "clears no page");
	tap_ret(rig_clear(rig, IOVA, PAGE_4K, "1111100000000000"), 0,
		"CLEAR of a subset, most of it clean");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "0000010000011001"),
	       "clears just that");
	tap_ret(rig_clear(rig, page_at(11), PAGE_4K, "01"), 0,
		"CLEAR in the middle of a mapping");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "0000010000010001"),
	       "clears just that");
	tap_ret(rig_clear(rig, page_at(0) - 3 * PAGE_4K, PAGE_4K, "111100001"), 0,
		"CLEAR of a range that begins before the mapping");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "0000000000010001"),
	       "clears what is in both");
	tap_ret(rig_clear(rig, IOVA, PAGE_4K, ALL ALL ALL), 0,
		"CLEAR of a range that ends behind the mapping");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, NONE),
	       "clears all of it");
	tap_ret(rig_clear(rig, IOVA + (1ULL << 30), PAGE_4K, ALL), 0,
		"CLEAR where nothing is mapped");
	stop_logging(rig);
}

/*
 * The translation of a written page is cached as dirty. If clearing does not
 * invalidate it, the next write through it is not seen: the loss that this
 * whole module must not have. With reads between, it is cached clean first.
 */
static void rewrites(struct rig *rig)
{
	static const char one[] = "0001000000000000";
	bool get = true, clear = true, clean = true, quiet = true;
	int i;

	start_logging(rig);
	for (i = 0; i < 50; i++) {
		rig_write(rig, page_at(3));
		get &= rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, one);
	}
	tap_ok(get, "write, GET, write, ...: reported each time");
	for (i = 0; i < 50; i++) {
		rig_write(rig, page_at(3));
		clear &= rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, one);
		clear &= !rig_clear(rig, page_at(3), PAGE_4K, "1");
	}
	tap_ok(clear, "write, NOCLEAR, CLEAR, write, ...: reported each time");
	for (i = 0; i < 50; i++) {
		rig_read(rig, page_at(3));
		quiet &= rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, NONE);
		rig_read(rig, page_at(3));
		rig_write(rig, page_at(3));
		rig_read(rig, page_at(3));
		clean &= rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, one);
	}
	tap_ok(quiet, "read, GET: a read is not a write");
	tap_ok(clean, "read, write, read, GET, ...: reported each time");
	stop_logging(rig);
}

/* A dirty translation survives the CLEAR of its neighbours. */
static void neighbours(struct rig *rig)
{
	start_logging(rig);
	write_pages(rig, ALL);
	tap_ret(rig_clear(rig, IOVA, PAGE_4K, "1010101010101010"), 0,
		"CLEAR of every other page");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "0101010101010101"),
	       "leaves the others dirty");
	write_pages(rig, ALL);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, ALL),
	       "and all can be written again");
	edu_store(&rig->edu, page_at(7) - 5, 0, 10);
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, "0000001100000000"),
	       "a write across a page's end dirties both");
	stop_logging(rig);
}

void test_basics(struct rig *rig)
{
	void *mem = rig_map(rig, IOVA, NR);

	start_and_stop(rig);
	reports(rig);
	clears(rig);
	rewrites(rig);
	neighbours(rig);
	rig_unmap(rig, mem, IOVA, NR);
}
