// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains that come and go while the log is on.
 *
 * Two lines of take_step() in src/dirty.c are proven here: without its
 * populate() the tests of full_to_hwdbm() fail, without its save_all() those
 * of hwdbm_to_hwdbm().
 */
#include "domains.h"
#include "mem.h"
#include "rig.h"
#include "tap.h"

#include <string.h>

static void policy_is_incapable(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_FULL, VFIO_HWDBM_REASON_INCAPABLE, domains,
		  when);
}

/* What was dirty, and what a device writes that nobody can watch. */
static void full_to_hwdbm(void)
{
	start();
	policy_is_hwdbm(1, "one capable domain");
	write_page(0, 3);
	devices_incapable(true);
	join(1);
	policy_is_incapable(2, "an incapable one joins");
	write_page(1, 5);
	tap_ok(log_is(DIRTY_GET, ALL), "full: GET reports everything");
	tap_ok(log_is(DIRTY_GET, ALL), "and does so again");
	write_page(1, 6);
	write_page(0, 4);
	leave(1);
	policy_is_hwdbm(1, "the incapable one has left");
	tap_ok(log_is(DIRTY_NOCLEAR, ALL), "full to hwdbm: everything is dirty");
	tap_ok(log_is(DIRTY_GET, ALL), "until it has been reported");
	tap_ok(log_is(DIRTY_GET, NONE), "once");
	write_page(0, 7);
	tap_ok(log_is(DIRTY_GET, "0000000100000000"), "then the log is exact");

	write_page(0, 8);
	tap_ok(log_is(DIRTY_NOCLEAR, "0000000010000000"), "as is NOCLEAR");
	join(1);
	write_page(1, 9);
	leave(1);
	tap_ok(log_is(DIRTY_GET, ALL), "full for a moment, and nobody asked");
	tap_ok(log_is(DIRTY_GET, NONE), "and exact again");
	stop();
}

/* START, GET and STOP under full, whose capable domain is watched all along. */
static void full_from_start(void)
{
	join(1);
	start();
	policy_is_incapable(2, "START with an incapable domain");
	write_page(0, 1);
	tap_ok(log_is(DIRTY_GET, ALL), "everything is dirty");
	leave(1);
	tap_ok(log_is(DIRTY_GET, ALL), "once more when it leaves");
	tap_ok(log_is(DIRTY_GET, NONE), "then nothing");
	write_page(0, 2);
	tap_ok(log_is(DIRTY_GET, "0010000000000000"),
	       "the other has been tracking since START");
	stop();
	devices_incapable(false);
}

static void two_capable(void)
{
	struct rig rig = { .container = container };
	bool good = true;
	int i;

	start();
	write_page(0, 1);
	join(1);
	policy_is_hwdbm(2, "two capable domains");
	tap_ok(log_is(DIRTY_NOCLEAR, "0100000000000000"),
	       "joining loses nothing and dirties nothing");
	write_page(1, 2);
	write_page(0, 9);
	tap_ok(log_is(DIRTY_NOCLEAR, "0110000001000000"), "NOCLEAR sees both");
	tap_ok(log_is(DIRTY_GET, "0110000001000000"), "so does GET");
	tap_ok(log_is(DIRTY_GET, NONE), "and clears both");
	for (i = 0; i < 20; i++) {
		write_page(0, 4);
		write_page(1, 4);
		good &= log_is(DIRTY_NOCLEAR, "0000100000000000");
		good &= !rig_clear(&rig, IOVA + 4 * PAGE_4K, PAGE_4K, "1");
		good &= log_is(DIRTY_NOCLEAR, NONE);
		write_page(i % 2, 4);
		good &= log_is(DIRTY_GET, "0000100000000000");
	}
	tap_ok(good, "CLEAR of a page that both write clears both; then either counts");
}

/* Called with both in, logging. */
static void hwdbm_to_hwdbm(void)
{
	write_page(1, 5);
	write_page(0, 6);
	leave(1);
	policy_is_hwdbm(1, "one of two capable domains has left");
	tap_ok(log_is(DIRTY_NOCLEAR, "0000011000000000"),
	       "hwdbm to hwdbm: what its device wrote is reported");
	write_page(0, 7);
	tap_ok(log_is(DIRTY_GET, "0000011100000000"), "and what the other writes");
	tap_ok(log_is(DIRTY_GET, NONE), "once");
	join(1);
	write_page(1, 10);
	write_page(0, 11);
	leave(0);
	tap_ok(log_is(DIRTY_NOCLEAR, "0000000000110000"),
	       "also when the first one leaves");
	write_page(1, 12);
	tap_ok(log_is(DIRTY_GET, "0000000000111000"), "and the second goes on");
	join(0);
}

static void unmap(void)
{
	char *more = mem_alloc_scattered(NR * PAGE_4K);
	uint64_t iova = IOVA + NR * PAGE_4K, map = ~0ULL;
	struct vfio_bitmap out = {
		.pgsize = PAGE_4K,
		.size = sizeof(map),
		.data = (void *)&map,
	};
	int ret = vfio_map(container, more, iova, NR * PAGE_4K, MAP_RW);

	tap_ret(ret, 0, "MAP into two domains");
	write_page(0, NR + 1);
	write_page(1, NR + 4);
	ret = vfio_unmap_dirty(container, iova, NR * PAGE_4K,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out, NULL);
	tap_ret(ret, 0, "UNMAP with bitmap");
	tap_ok((map & 0xffff) == 0x12, "reports what either wrote: %#llx",
	       (unsigned long long)map & 0xffff);
	mem_free(more, NR * PAGE_4K);
}

void test_moves(void)
{
	full_to_hwdbm();
	full_from_start();
	two_capable();
	hwdbm_to_hwdbm();
	unmap();
	leave(1);
	stop();
}
