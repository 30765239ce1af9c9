// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes at the worst moment: by a device, right before the n-th leaf is looked
 * at or right after it has been made, for every n. None may be lost.
 */
#include "bitmap.h"
#include "policy.h"
#include "tap.h"

#include <string.h>

#define FIRST	3
#define MIDDLE	6
#define LAST	9

static uint64_t trapped(int iommu_of)
{
	return watch(iommu_of).trapped;
}

static void trap(int who, uint32_t op, uint32_t nth, uint64_t page)
{
	must(simdma_trap(&dev[who], watch(who).iommu, op, nth,
			 IOVA + page * PAGE, nth), "SIM_TRAP");
}

static uint64_t get(void)
{
	uint64_t log = 0;

	ask(DIRTY_GET, IOVA, NR, &log);
	return log;
}

/* All but the middle; its caller copies them now. */
static uint64_t clear_most(void)
{
	clear("1111110111111111");
	return ~(1ULL << MIDDLE);
}

/* What is written between the look and the clear is in this answer or the next. */
static bool lost_between(int who, uint64_t now, bool struck)
{
	uint64_t all = 1ULL << FIRST | 1ULL << LAST | (uint64_t)struck << MIDDLE;

	(void)who;
	return all & ~(now | get());
}

/* What is clean by the time that the last is looked at, and written again then. */
static bool lost_behind(int who, uint64_t now, bool struck)
{
	(void)struck;
	dma(who, FIRST);
	return !bit_get(&now, FIRST) | !bit_get((uint64_t[]){ get() }, FIRST);
}

/*
 * For each moment of a walk: the first page and the last are dirty, and @page is
 * written right then.
 */
static void each_moment(int who, uint64_t page, uint64_t (*answer)(void),
			bool (*is_lost)(int who, uint64_t now, bool struck),
			const char *what)
{
	uint64_t was, now, lost = 0;
	uint32_t nth = 0;

	open_container(who);
	map_pages(IOVA);
	start();
	do {
		dma(who, FIRST);
		dma(who, LAST);
		was = trapped(who);
		trap(who, SIM_OP_READ, ++nth, page);
		now = answer();
		was = trapped(who) - was;
		trap(who, SIM_OP_READ, 0, 0);
		lost += is_lost(who, now, was);
	} while (was);
	tap_ok(!lost && nth > NR, "%s (%u moments): %lu lost", what, nth, lost);
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* As soon as a leaf is there, a device may write: before MAP has returned. */
static void during_map(int who)
{
	uint64_t was, lost = 0;
	uint32_t nth = 0;

	open_container(A);
	join(B);
	start();
	do {
		uint64_t log = 0;

		was = trapped(who);
		trap(who, SIM_OP_MAP, nth + 1, nth);
		nth++;
		map_pages(IOVA);
		was = trapped(who) - was;
		trap(who, SIM_OP_MAP, 0, 0);
		ask(DIRTY_GET, IOVA, NR, &log);
		lost += (log & 0xffff) != was << (nth - 1);
		unmap_pages(IOVA);
	} while (was);
	tap_ok(!lost && nth == NR + 1,
	       "a page written before MAP has returned (%u moments): %lu lost",
	       nth, lost);
	stop();
	close_container();
}

/* What the others write while the bits of one that leaves are saved. */
static void during_leave(void)
{
	uint32_t nth = 0;
	uint64_t was, lost = 0;
	int i;

	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	do {
		uint64_t log = 0;

		dma(B, FIRST);
		dma(B, LAST);
		i = watch(B).iommu;
		was = trapped(B);
		nth++;
		must(simdma_trap(&dev[A], i, SIM_OP_READ, nth,
				 IOVA + MIDDLE * PAGE, nth), "SIM_TRAP");
		leave(B);
		must(simdma_trap(&dev[A], i, SIM_OP_READ, 0, 0, 0), "SIM_TRAP");
		join(B);
		was = trapped(B) - was;
		ask(DIRTY_GET, IOVA, NR, &log);
		lost += (log & 0xffff) !=
			(1ULL << FIRST | 1ULL << LAST | was << MIDDLE);
	} while (was);
	tap_ok(!lost && nth > NR,
	       "a page written while another domain leaves (%u moments): %lu lost",
	       nth, lost);
	stop();
	unmap_pages(IOVA);
	close_container();
}

void test_traps(void)
{
	int who;

	for (who = A; who <= B; who += B - A) {
		each_moment(who, MIDDLE, get, lost_between,
			    "a page written between look and clear of GET");
		each_moment(who, MIDDLE, clear_most, lost_between,
			    "a page written between look and clear of CLEAR");
		each_moment(who, FIRST, get, lost_behind,
			    "a page written again behind the walk, and once more");
		during_map(who);
	}
	during_leave();
}
